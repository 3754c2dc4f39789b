//! `volume status all|V tasks`: the asked host's own view, a volume at a time.

use super::answer::{Answer, Refusal, ok, repeated};
use super::call::Call;
use super::parts;
use super::scene::Scene;
use super::state::{Op, status};
use super::xml::Element;

/// Every volume that is started and that no other transaction holds; the others
/// are silently missing (fixtures 05, 63).
#[must_use]
pub fn all(scene: &Scene<'_>, asked: &str) -> Answer {
    let volumes = scene.pool.volumes.iter();
    let listed: Vec<Element> = volumes
        .filter(|v| v.status == 1 && !scene.is_locked(&v.name))
        .map(|v| volume(scene, asked, &v.name))
        .collect();
    let mut answer = Answer::success(&document(listed));
    // One line for the whole and one for each volume (measured).
    for _ in 0..scene.pool.volumes.len() {
        answer = answer.and_history("SUCCESS");
    }
    answer
}

/// One volume.
#[must_use]
pub fn one(scene: &Scene<'_>, call: &Call<'_>, name: &str) -> Answer {
    let started = call.volume(scene, name, Some(name)).and_then(|v| {
        if v.status == 1 { Ok(()) } else { Err(Refusal::of(format!("Volume {name} is not started"))) }
    });
    match started {
        Ok(()) => Answer::success(&document(vec![volume(scene, call.host, name)])),
        Err(refusal) => refused(&refusal),
    }
}

/// A refusal of it; the exit status is 0 (fixtures 11, 61).
#[must_use]
pub fn refused(refusal: &Refusal) -> Answer {
    Answer::refusal(refusal, repeated("volStatus", &refusal.text), 0)
}

fn document(volumes: Vec<Element>) -> Element {
    ok().with(Element::new("volStatus").with(Element::new("volumes").with_all(volumes)))
}

fn volume(scene: &Scene<'_>, asked: &str, name: &str) -> Element {
    let tasks = Element::new("tasks").with_all(task(scene, asked, name));
    Element::new("volume").with_text("volName", name).with(tasks)
}

/// The status is worked out over the connected hosts that hold the same id.
fn task(scene: &Scene<'_>, asked: &str, name: &str) -> Option<Element> {
    let own = scene.view(asked, name);
    let kind = match own.op {
        Op::None => return None,
        Op::Rebalance => "Rebalance",
        Op::RemoveBrick => "Remove brick",
    };
    let mut overall = None;
    for host in scene.connected(asked) {
        let view = scene.view(&host, name);
        if view.id == own.id {
            overall = Some(parts::ranked(overall, view.status));
        }
    }
    let number = overall.unwrap_or(status::NOT_STARTED);
    let mut task = Element::new("task")
        .with_text("type", kind)
        .with_text("id", own.id)
        .with_text("status", number)
        .with_text("statusStr", parts::word(number));
    if own.op == Op::RemoveBrick {
        let bricks = own.bricks.iter().map(|b| Element::text("brick", b));
        task = task.with(Element::new("params").with_all(bricks));
    }
    Some(task)
}
