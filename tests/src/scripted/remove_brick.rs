//! `volume remove-brick V [replica N] BRICK… …`.

use anyhow::Result;
use uuid::Uuid;

use super::answer::{Answer, Refusal, head, ok};
use super::call::Call;
use super::command::RemoveBrick;
use super::parts;
use super::scene::Scene;
use super::state::{Counters, Effect, Kind, Op, START, START_FORCE, View, Volume, status};
use super::xml::Element;

/// What is asked for.
pub struct Asked<'a> {
    /// The volume.
    pub volume: &'a str,
    /// A lower replica count.
    pub replica: Option<u32>,
    /// As typed.
    pub bricks: &'a [String],
    /// What to do.
    pub action: RemoveBrick,
}

/// Answers it.
///
/// # Errors
/// If the pool's files cannot be written.
pub fn answer(scene: &mut Scene<'_>, call: &Call<'_>, asked: &Asked<'_>) -> Result<Answer> {
    if let Err(refusal) = may(scene, call, asked) {
        return Ok(refused(&refusal));
    }
    match asked.action {
        RemoveBrick::Start => start(scene, call, asked),
        RemoveBrick::Status => {
            parts::refresh(scene, call.host, asked.volume)?;
            Ok(Answer::success(&reply(scene, call.host, asked.volume)))
        }
        RemoveBrick::Stop => {
            parts::mark_stopped(scene, call.host, asked.volume)?;
            let document = reply(scene, call.host, asked.volume);
            parts::stop(scene, call.host, asked.volume, true)?;
            for brick in &mut scene.volume_mut(asked.volume)?.bricks {
                brick.decommissioned = false;
            }
            let takes = scene.seconds(scene.pool.timing.stop);
            scene.lock(asked.volume, takes)?;
            Ok(Answer::success(&document).after(takes))
        }
        RemoveBrick::Commit => take_out(scene, call, asked, "commit"),
        RemoveBrick::Force => take_out(scene, call, asked, "commit force"),
    }
}

/// A refusal of it: the exit status is 0 for all (fixtures 18, 32, 34, 36).
#[must_use]
pub fn refused(refusal: &Refusal) -> Answer {
    Answer::refusal(refusal, [Element::new("volRemoveBrick")], 0)
}

fn reply(scene: &Scene<'_>, asked: &str, volume: &str) -> Element {
    ok().with(
        Element::new("volRemoveBrick")
            .with_text("task-id", scene.view(asked, volume).id)
            .with_all(parts::nodes(scene, asked, volume)),
    )
}

fn may(scene: &Scene<'_>, call: &Call<'_>, asked: &Asked<'_>) -> Result<(), Refusal> {
    let name = asked.volume;
    let volume = call.volume(scene, name, None)?;
    match asked.action {
        RemoveBrick::Start => {
            if volume.status != 1 {
                return Err(Refusal::of(format!(
                    "Volume {name} needs to be started before remove-brick (you can use \
                     'force' or 'commit' to override this behavior)"
                )));
            }
            if lowers_replica(volume, asked) {
                return Err(Refusal::of(
                    "Migration of data is not needed when reducing replica count. \
                     Use the 'force' option",
                ));
            }
            none_under_way(scene, call, name)?;
            removable(scene, volume, asked)?;
            let away = |brick: &&String| {
                let host = scene.resolve(brick).and_then(|(host, _)| scene.host(&host).ok());
                !host.is_some_and(super::state::Host::connected)
            };
            match asked.bricks.iter().find(away) {
                Some(brick) => Err(Refusal::of(format!("Host node of the brick {brick} is down"))),
                None => Ok(()),
            }
        }
        RemoveBrick::Status | RemoveBrick::Stop => {
            parts::validate(scene, call.host, |host| {
                (scene.view(host, name).op != Op::RemoveBrick)
                    .then(|| format!("remove-brick not started for volume {name}."))
            })?;
            let all = asked.bricks.iter();
            let known = all.map(|b| scene.find_brick(name, b)).all(|b| b.is_some_and(|b| b.decommissioned));
            if known { Ok(()) } else { Err(Refusal::of(format!("Incorrect brick for volume {name}"))) }
        }
        RemoveBrick::Commit => {
            removable(scene, volume, asked)?;
            for brick in asked.bricks {
                if !scene.find_brick(name, brick).is_some_and(|b| b.decommissioned) {
                    return Err(Refusal::of(format!(
                        "Brick {brick} is not decommissioned. Use start or force option"
                    )));
                }
            }
            parts::validate(scene, call.host, |host| {
                let mut named = asked.bricks.iter().filter_map(|b| scene.resolve(b));
                if !named.any(|(on, _)| on == host) {
                    return None;
                }
                not_committable(&scene.view(host, name)).map(str::to_owned)
            })
        }
        RemoveBrick::Force => removable(scene, volume, asked),
    }
}

/// As many bricks of each set go as the count is lowered by.
fn may_lower(volume: &Volume, asked: &Asked<'_>) -> Result<(), Refusal> {
    let set = volume.kind.set();
    let wanted = asked.replica.unwrap_or_default() as usize;
    let needed = (set - wanted) * volume.sets();
    if asked.bricks.len() == needed {
        return Ok(());
    }
    let text =
        format!("need {needed}(xN) bricks for reducing replica count of the volume from {set} to {wanted}");
    Err(Refusal { errno: 0, text })
}

fn none_under_way(scene: &Scene<'_>, call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    parts::validate(scene, call.host, |host| {
        let view = scene.view(host, name);
        if view.op == Op::RemoveBrick {
            return Some(format!(
                "An earlier remove-brick task exists for volume {name}. Either commit it \
                 or stop it before starting a new task."
            ));
        }
        view.running.then(|| "Rebalance is in progress. Please retry after completion".to_owned())
    })
}

/// Why a host's part keeps the bricks from being committed.
fn not_committable(view: &View) -> Option<&'static str> {
    if view.op != Op::RemoveBrick {
        return None;
    }
    match view.status {
        status::IN_PROGRESS => Some("use 'force' option as migration is in progress"),
        status::FAILED => Some("use 'force' option as migration has failed"),
        status::COMPLETED if view.told.failures > 0 || view.told.skipped > 0 => {
            Some("use 'force' option as migration of some files might have been skipped or has failed")
        }
        _ => None,
    }
}

fn lowers_replica(volume: &Volume, asked: &Asked<'_>) -> bool {
    let now = match volume.kind {
        Kind::Replicate { replica, .. } => replica,
        _ => 1,
    };
    asked.replica.is_some_and(|wanted| wanted < now)
}

/// The bricks are the volume's, whole sets, and not all of them.
fn removable(scene: &Scene<'_>, volume: &Volume, asked: &Asked<'_>) -> Result<(), Refusal> {
    for brick in asked.bricks {
        if scene.find_brick(&volume.name, brick).is_none() {
            return Err(Refusal::of(format!("Incorrect brick {brick} for volume {}", volume.name)));
        }
    }
    if lowers_replica(volume, asked) {
        return may_lower(volume, asked);
    }
    if asked.bricks.len() == volume.bricks.len() {
        return Err(Refusal::of("Deleting all the bricks of the volume is not allowed"));
    }
    let set = volume.kind.set();
    if !asked.bricks.len().is_multiple_of(set) {
        return Err(Refusal::of(format!(
            "Remove brick incorrect brick count of {} for replica {set}",
            asked.bricks.len()
        )));
    }
    Ok(())
}

/// Hosts of the named bricks begin, all others take note (measured).
fn start(scene: &mut Scene<'_>, call: &Call<'_>, asked: &Asked<'_>) -> Result<Answer> {
    let volume = asked.volume;
    let id = scene.next_task_id();
    let seconds = call.start_seconds.unwrap_or(scene.pool.timing.remove_brick_start);
    let takes = scene.seconds(seconds);
    scene.lock(volume, takes)?;
    let named: Vec<(String, String)> = asked.bricks.iter().filter_map(|b| scene.resolve(b)).collect();
    let changed = scene.volume_mut(volume)?;
    with_client_threads(changed);
    for brick in &mut changed.bricks {
        let is_named = named.iter().any(|(h, p)| *h == brick.host && *p == brick.path);
        brick.decommissioned |= is_named;
    }
    let busy = (scene.now, scene.now + takes);
    for host in scene.connected(call.host) {
        let takes_part = named.iter().any(|(on, _)| *on == host);
        let command = if takes_part { START_FORCE } else { START };
        let view = Scene::beginning(id, Op::RemoveBrick, command, asked.bricks, takes_part);
        scene.begin_part(&host, volume, view)?;
        if takes_part {
            scene.host_mut(&host)?.busy = Some(busy);
        }
    }
    if call.start_fails {
        let volume = volume.to_owned();
        scene.later(takes, Effect::TakeBack { volume, task: id });
        let refusal = Refusal::of("Commit failed on localhost. Please check log file for details.");
        return Ok(refused(&refusal).after(takes));
    }
    let document = head(0, 0, "Remove Brick start successful")
        .with(Element::new("volRemoveBrick").with_text("task-id", id));
    Ok(Answer::success(&document).after(takes))
}

/// The bricks leave the volume and every connected host forgets the task, also
/// when only a part of its bricks was named (fixtures 103 to 106).
fn take_out(scene: &mut Scene<'_>, call: &Call<'_>, asked: &Asked<'_>, how: &str) -> Result<Answer> {
    let id = scene.view(call.host, asked.volume).id;
    let named: Vec<(String, String)> = asked.bricks.iter().filter_map(|b| scene.resolve(b)).collect();
    let volume = scene.volume_mut(asked.volume)?;
    volume.bricks.retain(|b| !named.iter().any(|(h, p)| *h == b.host && *p == b.path));
    if let (Some(wanted), Kind::Replicate { replica, .. }) = (asked.replica, &mut volume.kind) {
        *replica = wanted;
        if wanted == 1 {
            volume.kind = Kind::Distribute;
        }
    }
    for host in scene.connected(call.host) {
        scene.change(&host, asked.volume, |view| {
            let (status, command) = (view.status, view.command);
            *view = View { status, command, told: Counters::default(), ..View::default() };
        })?;
        scene.store_view(&host, asked.volume)?;
        // The file keeps the old status, memory does not (measured).
        scene.change(&host, asked.volume, |view| view.status = status::NOT_STARTED)?;
    }
    scene.raise_version(asked.volume)?;
    let takes = scene.seconds(scene.pool.timing.stop);
    scene.lock(asked.volume, takes)?;
    let mut tail = Element::new("volRemoveBrick");
    if id != Uuid::nil() {
        tail = tail.with_text("task-id", id);
    }
    let document = head(0, 0, &format!("Remove Brick {how} successful")).with(tail);
    Ok(Answer::success(&document).after(takes))
}

/// What Gluster sets on a volume without replicas when a remove-brick begins (measured).
fn with_client_threads(volume: &mut Volume) {
    const OPTION: &str = "performance.client-io-threads";
    let unset = volume.options.iter().all(|(name, _)| name != OPTION);
    if unset && volume.kind == Kind::Distribute {
        volume.options.insert(0, (OPTION.to_owned(), "on".to_owned()));
    }
}
