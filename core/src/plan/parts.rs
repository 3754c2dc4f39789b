//! What the hosts' words make of every host's part, and of the task's status.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::{self, Claim, Claims};
use super::{View, is_later, since};
use crate::brick::{Brick, BrickName, TaskBrick};
use crate::id::{HostId, TaskId};
use crate::observation::Holding;
use crate::record::{PartRecord, TaskRecord};
use crate::task::{Counters, PartStatus, TaskStatus, TaskType};
use crate::volume::Volume;

/// Takes over the type and the bricks, once something tells them, and with them
/// the hosts that must take part.
pub(super) fn learn(view: &View<'_>, claims: &Claims<'_>, volume: Option<&Volume>, task: &mut TaskRecord) {
    let knew = hosts_are_known(task);
    let told = claims.holders.values().map(|own| (own.task_type.as_ref(), &own.bricks));
    let followed = claims.followed.iter().map(|(_, _, f)| (f.task_type.as_ref(), &f.bricks));
    for (task_type, bricks) in told.chain(followed) {
        match (task_type, &task.task_type) {
            // A task list calls a fix-layout a rebalance (fixture 25): once told
            // that it is one, it stays one.
            (Some(TaskType::Rebalance { fix_layout: true }), Some(TaskType::Rebalance { .. })) => {
                task.task_type = task_type.cloned();
            }
            (Some(_), None) => task.task_type = task_type.cloned(),
            _ => {}
        }
        if task.bricks.is_empty() && !bricks.is_empty() {
            task.bricks = bricks.iter().map(|name| resolve(view, volume, name)).collect();
        }
    }
    if let Some(volume) = volume {
        task.volume_name.clone_from(&volume.name);
    }
    if knew || !hosts_are_known(task) {
        return;
    }
    let must: BTreeSet<HostId> = if task.task_type == Some(TaskType::RemoveBrick) {
        task.bricks.iter().filter_map(|b| b.brick.as_ref()).map(|b| b.host).collect()
    } else {
        volume.into_iter().flat_map(Volume::hosts).collect()
    };
    for host in must {
        part(task, host, view).must_take_part = true;
    }
}

/// Whether enough is told to say which hosts must take part: they are fixed at the
/// moment it is.
fn hosts_are_known(task: &TaskRecord) -> bool {
    match &task.task_type {
        None => false,
        Some(TaskType::RemoveBrick) => !task.bricks.is_empty(),
        Some(_) => true,
    }
}

/// The brick that a task means by a name: by address where the volume has the
/// name, by one of the host's names, or the only brick of the volume with that path.
fn resolve(view: &View<'_>, volume: Option<&Volume>, name: &BrickName) -> TaskBrick {
    let candidates: Vec<(&BrickName, &Brick)> = volume
        .into_iter()
        .flat_map(|v| &v.bricks)
        .filter_map(|b| Some((&b.name, b.brick.as_ref()?)))
        .filter(|(_, b)| b.path == name.path())
        .collect();
    let by_name = candidates.iter().find(|(n, _)| *n == name);
    let by_host = || {
        candidates.iter().find(|(_, b)| {
            view.hosts
                .get(&b.host)
                .is_some_and(|h| h.names.iter().any(|n| n.eq_ignore_ascii_case(name.host())))
        })
    };
    let only = || {
        if let [one] = candidates.as_slice() { Some(one) } else { None }
    };
    let brick = by_name.or_else(by_host).or_else(only).map(|(_, b)| (*b).clone());
    TaskBrick { name: name.clone(), brick }
}

/// The host's part, begun as unknown if it is new.
fn part<'t>(task: &'t mut TaskRecord, host: HostId, view: &View<'_>) -> &'t mut PartRecord {
    task.parts.entry(host).or_insert_with(|| PartRecord {
        must_take_part: false,
        held: false,
        not_held: None,
        status: PartStatus::Unknown,
        counters: Counters::default(),
        changed_at: view.now,
    })
}

/// Takes over what is said of every host's part. Returns the hosts whose counters
/// were reset.
pub(super) fn update(view: &View<'_>, claims: &Claims<'_>, task: &mut TaskRecord) -> Vec<HostId> {
    if !claims.followed.is_empty() {
        task.followed = true;
    }
    let asked = claims.followed.iter().map(|(host, _, _)| *host);
    for host in claims.holders.keys().copied().chain(asked).collect::<BTreeSet<_>>() {
        part(task, host, view).held = true;
    }
    let mut reset = Vec::new();
    let mut told = claims.parts.clone();
    for (host, claim) in residues(view, claims, task) {
        claims::newest(&mut told, host, claim);
    }
    for (host, claim) in &told {
        let part = part(task, *host, view);
        // A word from before the last change is overtaken by it.
        if claim.at < part.changed_at && part.status != PartStatus::Unknown {
            continue;
        }
        if take(part, claim) {
            reset.push(*host);
        }
        // Whoever works on the task takes part in it, expected or not.
        if part.status == PartStatus::InProgress || part.status.is_ended() {
            part.must_take_part = true;
        }
    }
    count_not_held(view, claims, task);
    reset
}

/// What hosts still tell, under a zero id, of the last task that they held: it is
/// this one if they held it and no other task of the volume is known since.
fn residues(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord) -> BTreeMap<HostId, Claim> {
    let recorded = view.recorded;
    let mut others = recorded.tasks.values().filter(|o| o.volume == task.volume);
    // One that is told of and not recorded is found by this very plan.
    let is_new = |id: &TaskId| !recorded.tasks.contains_key(id) && !recorded.cleared.contains(id);
    if claims.another(task.task)
        || claims.others_followed.iter().any(is_new)
        || others.any(|o| o.found_at > task.found_at)
    {
        return BTreeMap::new();
    }
    let told_after = |host: &HostId, claim: &Claim| {
        let held = task.parts.get(host).is_some_and(|p| p.held && claim.at > p.changed_at);
        held && claims.told_by(*host).is_none_or(|at| claim.at > at)
    };
    let residues = claims.residues.iter().filter(|(host, claim)| told_after(host, claim));
    residues.map(|(host, claim)| (*host, *claim)).collect()
}

/// Takes over one claim. Whether the counters began anew.
fn take(part: &mut PartRecord, claim: &Claim) -> bool {
    let before = (part.status, part.counters);
    let mut reset = false;
    match claim.status {
        // A replace-brick wipes a task's status and counters; the end that was seen stays.
        PartStatus::Reset if part.status.is_ended() => return false,
        PartStatus::Unknown => return false,
        status => {
            let again = part.status.is_ended() && !status.is_ended();
            part.status = status;
            if let Some(counters) = claim.counters {
                if again && counters.scanned < part.counters.scanned {
                    part.counters = counters;
                    reset = true;
                } else if status != PartStatus::Reset {
                    part.counters = grown(part.counters, counters, claim.exact);
                }
            }
        }
    }
    if (part.status, part.counters) != before {
        part.changed_at = claim.at;
    }
    reset
}

/// Counters never run backwards. Bytes of the same number of files are not taken
/// from a source that rounds them.
fn grown(old: Counters, new: Counters, exact: bool) -> Counters {
    let rounded = !exact && new.files == old.files && old.bytes != 0;
    Counters {
        files: old.files.max(new.files),
        bytes: if rounded { old.bytes } else { old.bytes.max(new.bytes) },
        scanned: old.scanned.max(new.scanned),
        failed: old.failed.max(new.failed),
        skipped: old.skipped.max(new.skipped),
        run_time: old.run_time.max(new.run_time),
    }
}

/// Counts the looks in which a host that must take part holds no such task, once
/// the start has released the volume's lock.
fn count_not_held(view: &View<'_>, claims: &Claims<'_>, task: &mut TaskRecord) {
    if !task.followed && since(task.found_at, view.now) < view.settings.start_takes {
        return;
    }
    let (id, found_at) = (task.task, task.found_at);
    for (host, part) in &mut task.parts {
        let Some(look) = claims.own.get(host) else {
            continue;
        };
        let holds = matches!(&look.holding, Holding::Task(own) if own.id == id);
        if !part.must_take_part || part.held || holds || !view.answers(*host) || look.at <= found_at {
            continue;
        }
        part.not_held = match part.not_held {
            None => Some((1, look.at)),
            Some((1, last)) if is_later(look.at, last) => Some((2, look.at)),
            counted => counted,
        };
    }
}

/// The hosts whose word the task needs to end.
pub(super) fn expected(view: &View<'_>, task: &TaskRecord) -> Vec<HostId> {
    let remove_brick = task.task_type == Some(TaskType::RemoveBrick);
    task.parts
        .iter()
        .filter(|(host, part)| {
            // A remove-brick with a host that took no part never completes by itself.
            part.must_take_part && !view.has_left(**host) && (remove_brick || !part.took_no_part())
        })
        .map(|(host, _)| *host)
        .collect()
}

/// The task's status, worked out from its hosts, never from Gluster's aggregate.
pub(super) fn status(view: &View<'_>, task: &TaskRecord) -> TaskStatus {
    let unresolved = task.bricks.iter().any(|b| b.brick.is_none());
    let statuses: Vec<PartStatus> = expected(view, task).iter().map(|h| task.parts[h].status).collect();
    let any = |wanted: PartStatus| statuses.contains(&wanted);
    if statuses.is_empty() || (unresolved && any(PartStatus::Completed)) {
        return if any(PartStatus::Completed) || task.task_type.is_none() {
            TaskStatus::Running
        } else {
            TaskStatus::Unknown
        };
    }
    if statuses
        .iter()
        .any(|s| matches!(s, PartStatus::InProgress | PartStatus::NotStarted | PartStatus::Unknown))
    {
        TaskStatus::Running
    } else if any(PartStatus::Reset) {
        // Wiped before its end was seen.
        TaskStatus::Unknown
    } else if any(PartStatus::Stopped) {
        TaskStatus::Aborted
    } else if any(PartStatus::Failed) {
        TaskStatus::Failed
    } else {
        TaskStatus::Completed
    }
}
