//! `volume info`, and the commands that change a volume as a whole.

use anyhow::Result;

use super::answer::{Answer, Refusal, head, ok, repeated};
use super::call::Call;
use super::files;
use super::scene::Scene;
use super::state::{Brick, Kind, Volume};
use super::xml::Element;

/// `volume info [V]`: no lock, no line in the history.
#[must_use]
pub fn info(scene: &Scene<'_>, name: Option<&str>) -> Answer {
    let volumes: Vec<&Volume> = match name {
        None => scene.pool.volumes.iter().collect(),
        Some(name) => match scene.volume(name) {
            Some(volume) => vec![volume],
            None => {
                let refusal = Refusal { errno: 30806, text: format!("Volume {name} does not exist") };
                return Answer::refusal(&refusal, [], 1).unlogged();
            }
        },
    };
    let count = volumes.len();
    let list = Element::new("volumes")
        .with_all(volumes.into_iter().map(|v| volume(scene, v)))
        .with_text("count", count);
    let document = ok().with(Element::new("volInfo").with(list));
    Answer::success(&document).unlogged()
}

fn volume(scene: &Scene<'_>, v: &Volume) -> Element {
    let (replica, arbiters, disperse, redundancy) = match v.kind {
        Kind::Distribute => (1, 0, 0, 0),
        Kind::Replicate { replica, arbiters } => (replica, arbiters, 0, 0),
        Kind::Disperse { disperse, redundancy } => (1, 0, disperse, redundancy),
    };
    let (number, kind) = kind(v);
    let mut element = Element::new("volume")
        .with_text("name", &v.name)
        .with_text("id", v.id)
        .with_text("status", v.status)
        .with_text("statusStr", status_word(v))
        .with_text("snapshotCount", 0)
        .with_text("brickCount", v.bricks.len())
        .with_text("distCount", v.sets());
    if scene.pool.version.starts_with("9.") {
        element = element.with_text("stripeCount", 1);
    }
    element
        .with_text("replicaCount", replica)
        .with_text("arbiterCount", arbiters)
        .with_text("disperseCount", disperse)
        .with_text("redundancyCount", redundancy)
        .with_text("type", number)
        .with_text("typeStr", kind)
        .with_text("transport", 0)
        .with(Element::new("bricks").with_all(v.bricks.iter().map(|b| brick(scene, b))))
        .with_text("optCount", v.options.len())
        .with(Element::new("options").with_all(
            v.options.iter().map(|(name, value)| {
                Element::new("option").with_text("name", name).with_text("value", value)
            }),
        ))
}

fn brick(scene: &Scene<'_>, b: &Brick) -> Element {
    let id = scene.host(&b.host).map(|h| h.id).unwrap_or_default();
    Element::text("brick", b.name())
        .attribute("uuid", id)
        .with_text("name", b.name())
        .with_text("hostUuid", id)
        .with_text("isArbiter", u8::from(b.arbiter))
}

/// Gluster's word for a volume's status.
#[must_use]
pub fn status_word(volume: &Volume) -> &'static str {
    match volume.status {
        0 => "Created",
        1 => "Started",
        _ => "Stopped",
    }
}

/// Gluster's number and word for a volume's layout.
#[must_use]
pub fn kind(volume: &Volume) -> (u8, &'static str) {
    let several = volume.sets() > 1;
    match (volume.kind, several) {
        (Kind::Distribute, _) => (0, "Distribute"),
        (Kind::Replicate { .. }, false) => (2, "Replicate"),
        (Kind::Replicate { .. }, true) => (7, "Distributed-Replicate"),
        (Kind::Disperse { .. }, false) => (4, "Disperse"),
        (Kind::Disperse { .. }, true) => (9, "Distributed-Disperse"),
    }
}

/// `volume start|stop|delete V`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It serves.
    Start,
    /// It serves no more.
    Stop,
    /// It is gone. Gluster allows it also while a remove-brick awaits its commit (fixture 111).
    Delete,
}

/// Answers it.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn change(scene: &mut Scene<'_>, call: &Call<'_>, name: &str, change: Change) -> Result<Answer> {
    let volume = match may_change(scene, call, name, change) {
        Ok(volume) => volume.clone(),
        Err(refusal) => return Ok(Answer::refusal(&refusal, [], 1)),
    };
    match change {
        Change::Start | Change::Stop => {
            scene.volume_mut(name)?.status = if change == Change::Start { 1 } else { 2 };
            scene.raise_version(name)?;
        }
        Change::Delete => {
            scene.pool.volumes.retain(|v| v.name != name);
            for host in scene.connected(call.host) {
                scene.host_mut(&host)?.views.remove(name);
                files::keep_volumes(scene.root, &host, &scene.pool.volumes)?;
            }
        }
    }
    let gone = Element::new("volume").with_text("name", &volume.name).with_text("id", volume.id);
    Ok(Answer::success(&ok().with(Element::new(shape(change)).with(gone))))
}

fn shape(change: Change) -> &'static str {
    match change {
        Change::Start => "volStart",
        Change::Stop => "volStop",
        Change::Delete => "volDelete",
    }
}

fn may_change<'s>(
    scene: &'s Scene<'_>,
    call: &Call<'_>,
    name: &str,
    change: Change,
) -> Result<&'s Volume, Refusal> {
    let volume = call.volume(scene, name, Some(name))?;
    let why = match (change, volume.status) {
        (Change::Start, 1) => format!("Volume {name} already started"),
        (Change::Stop, 0 | 2) => format!("Volume {name} is not in the started state"),
        (Change::Delete, 1) => {
            format!("Volume {name} has been started.Volume needs to be stopped before deletion.")
        }
        (Change::Stop, _) if scene.connected(call.host).iter().any(|h| scene.view(h, name).running) => {
            format!("rebalance session is in progress for the volume '{name}'")
        }
        _ => return Ok(volume),
    };
    Err(Refusal::of(why))
}

/// `volume set V NAME VALUE`, and `volume reset V [NAME]` where there is no value.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn set(
    scene: &mut Scene<'_>,
    call: &Call<'_>,
    name: &str,
    option: Option<&str>,
    value: Option<&str>,
) -> Result<Answer> {
    const THROTTLE: &str = "cluster.rebal-throttle";
    if let Err(refusal) = call.volume(scene, name, Some(name)) {
        return Ok(refused_to_set(&refusal));
    }
    if option == Some(THROTTLE) && value.is_some_and(|v| !["lazy", "normal", "aggressive"].contains(&v)) {
        return Ok(refused_to_set(&Refusal::of(format!(
            "{THROTTLE} should be {{lazy|normal|aggressive}} or a number up to number of cores \
             available (cores available - 2)"
        ))));
    }
    let options = &mut scene.volume_mut(name)?.options;
    match (option, value) {
        (Some(option), Some(value)) => match options.iter_mut().find(|(n, _)| n == option) {
            Some(old) => value.clone_into(&mut old.1),
            None => options.insert(0, (option.to_owned(), value.to_owned())),
        },
        (Some(option), None) => options.retain(|(n, _)| n != option),
        (None, _) => options.clear(),
    }
    scene.raise_version(name)?;
    let (op, said) = match value {
        Some(_) => ("volSet", "Set volume successful"),
        None => ("volReset", "reset volume successful"),
    };
    Ok(Answer::success(&ok().with_all(repeated(op, said))))
}

/// A refusal of `volume set`: the exit status is 0.
#[must_use]
pub fn refused_to_set(refusal: &Refusal) -> Answer {
    Answer::refusal(refusal, repeated("volSet", "Set volume unsuccessful"), 0)
}

/// `volume get V NAME`: what was set, else "(null)".
#[must_use]
pub fn get(scene: &Scene<'_>, name: &str, option: &str) -> Answer {
    let Some(volume) = scene.volume(name) else {
        let refusal = Refusal::of(format!("Volume {name} does not exist"));
        return Answer::refusal(&refusal, [], 1);
    };
    let value = volume.options.iter().find(|(n, _)| n == option);
    let value = value.map_or("(null)", |(_, v)| v.as_str());
    let one = Element::new("Opt").with_text("Option", option).with_text("Value", value);
    let list = Element::new("volGetopts").with_text("count", 1).with(one);
    Answer::success(&head(0, 0, "").with(list))
}
