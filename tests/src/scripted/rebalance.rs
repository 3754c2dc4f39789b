//! `volume rebalance V …`.

use anyhow::Result;

use super::answer::{Answer, Refusal, ok, repeated};
use super::call::Call;
use super::command::Rebalance;
use super::parts;
use super::scene::Scene;
use super::state::{Effect, FIX_LAYOUT, Op, START, START_FORCE};
use super::xml::Element;

/// Answers it.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn answer(scene: &mut Scene<'_>, call: &Call<'_>, volume: &str, action: Rebalance) -> Result<Answer> {
    match action {
        Rebalance::Start { fix_layout, force } => {
            let (command, op) = match (fix_layout, force) {
                (true, _) => (FIX_LAYOUT, 4),
                (false, true) => (START_FORCE, 5),
                (false, false) => (START, 1),
            };
            if let Err(refusal) = may_start(scene, call, volume) {
                return Ok(refused(action, &refusal));
            }
            start(scene, call, volume, command, op)
        }
        Rebalance::Status => {
            if let Err(refusal) = is_there(scene, call, volume) {
                return Ok(refused(action, &refusal));
            }
            parts::refresh(scene, call.host, volume)?;
            Ok(Answer::success(&reply(scene, call.host, volume, 3)))
        }
        Rebalance::Stop => {
            if let Err(refusal) = is_there(scene, call, volume) {
                return Ok(refused(action, &refusal));
            }
            parts::mark_stopped(scene, call.host, volume)?;
            let document = reply(scene, call.host, volume, 2);
            parts::stop(scene, call.host, volume, false)?;
            let takes = scene.seconds(scene.pool.timing.stop);
            scene.lock(volume, takes)?;
            Ok(Answer::success(&document).after(takes))
        }
    }
}

/// A refusal of it: starts exit with 0, the others with 1 (fixtures 06 to 10).
#[must_use]
pub fn refused(action: Rebalance, refusal: &Refusal) -> Answer {
    match action {
        Rebalance::Start { fix_layout, force } => {
            let op = if fix_layout {
                4
            } else if force {
                5
            } else {
                1
            };
            let tail = Element::new("volRebalance").with_text("op", op);
            Answer::refusal(refusal, [tail], 0)
        }
        _ => Answer::refusal(refusal, repeated("volRebalance", &refusal.text), 1),
    }
}

fn reply(scene: &Scene<'_>, asked: &str, volume: &str, op: u8) -> Element {
    ok().with(
        Element::new("volRebalance")
            .with_text("task-id", scene.view(asked, volume).id)
            .with_text("op", op)
            .with_all(parts::nodes(scene, asked, volume)),
    )
}

fn may_start(scene: &Scene<'_>, call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    let volume = call.volume(scene, name, None)?;
    if volume.status != 1 {
        return Err(Refusal::of(format!("Volume {name} needs to be started to perform rebalance")));
    }
    if volume.sets() < 2 {
        return Err(Refusal::of(format!(
            "Volume {name} is not a distribute volume or contains only 1 brick.\n\
             Not performing rebalance"
        )));
    }
    parts::validate(scene, call.host, |host| {
        let view = scene.view(host, name);
        if view.op == Op::RemoveBrick {
            return Some(format!(
                "A remove-brick task on volume {name} is not yet committed. \
                 Either commit or stop the remove-brick task."
            ));
        }
        view.running.then(|| format!("Rebalance on {name} is already started"))
    })
}

fn is_there(scene: &Scene<'_>, call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    call.volume(scene, name, None)?;
    parts::validate(scene, call.host, |host| {
        (scene.view(host, name).op != Op::Rebalance)
            .then(|| format!("Rebalance not started for volume {name}."))
    })
}

/// The host asked begins at once and waits for its process, the others after it,
/// and the volume's lock is held all the while (measured).
fn start(scene: &mut Scene<'_>, call: &Call<'_>, volume: &str, command: u8, op: u8) -> Result<Answer> {
    let id = scene.next_task_id();
    let seconds = call.start_seconds.unwrap_or(scene.pool.timing.rebalance_start);
    let takes = scene.seconds(seconds);
    let half = takes / 2;
    scene.lock(volume, takes)?;
    let takes_part = scene.volume(volume).is_some_and(|v| v.on(call.host));
    let view = Scene::beginning(id, Op::Rebalance, command, &[], takes_part);
    scene.begin_part(call.host, volume, view)?;
    let now = scene.now;
    for host in scene.connected(call.host) {
        let busy = if host == call.host { (now, now + half) } else { (now + half, now + takes) };
        scene.host_mut(&host)?.busy = Some(busy);
    }
    scene.later(
        half,
        Effect::Spread { volume: volume.to_owned(), task: id, command, from: call.host.to_owned() },
    );
    if call.start_fails {
        scene.later(takes, Effect::TakeBack { volume: volume.to_owned(), task: id });
        let refusal = Refusal::of(format!("Commit failed on localhost. Rebalance of {volume} did not start"));
        let tail = Element::new("volRebalance").with_text("op", op);
        return Ok(Answer::refusal(&refusal, [tail], 0).after(takes));
    }
    let document = ok().with(Element::new("volRebalance").with_text("task-id", id).with_text("op", op));
    Ok(Answer::success(&document).after(takes))
}
