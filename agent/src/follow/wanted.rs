//! Which volumes are to be asked for their task: pure.

use std::collections::{BTreeMap, HashMap};

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::id::{HostId, TaskId, VolumeId};
use hod_core::observation::{FollowedTask, Holding};
use hod_core::task::{PartStatus, TaskType};
use tokio::time::Instant;

use crate::picture::{Followed, Picture};

/// Volumes to be asked once more in any case, and since when.
pub(super) type Again = BTreeMap<VolumeId, Instant>;

/// The volumes to be asked, with their names: those with a task that runs, as far
/// as this host knows, and those whose task was followed and has not been told
/// ended on every host.
pub(super) fn volumes(picture: &Picture, again: &Again) -> HashMap<VolumeId, String> {
    let Some(own) = &picture.own else {
        return HashMap::new();
    };
    let mut wanted = HashMap::new();
    for (volume, look) in own.looks.iter() {
        let report = picture.followed.get(volume);
        let runs = match &look.holding {
            Holding::Nothing { .. } => false,
            Holding::Task(task) => {
                let settled = report.is_some_and(|r| is_settled(r, task.id));
                match task.status {
                    // The report that it has ended may be newer than the look.
                    PartStatus::InProgress => !(settled && report.is_some_and(|r| r.at >= look.at)),
                    // This host takes no part, or does not know: others may run.
                    PartStatus::NotStarted | PartStatus::Unknown => !settled,
                    PartStatus::Completed | PartStatus::Failed | PartStatus::Stopped => {
                        !settled && report.is_some_and(|r| may_tell_more(&r.outcome))
                    }
                    PartStatus::Reset => false,
                }
            }
        };
        let holds = matches!(look.holding, Holding::Task(_));
        let behind = again.get(volume).is_some_and(|since| report.is_none_or(|r| r.at < *since));
        if runs || (holds && behind) {
            wanted.insert(*volume, look.volume_name.clone());
        }
    }
    // Where get-state refuses, a task that has just begun shows only in the files.
    if own.error.is_some() {
        for (name, hint) in picture.hints.iter() {
            if let (Some(id), PartStatus::InProgress) = (hint.id, hint.status)
                && let Some(volume) = picture.volume(name)
                && !picture.followed.get(&volume.id).is_some_and(|report| is_settled(report, id))
            {
                wanted.insert(volume.id, name.clone());
            }
        }
    }
    wanted
}

/// Whether a report tells that every part of this task has come to an end, so that
/// asking again would tell the same.
fn is_settled(report: &Followed, task: TaskId) -> bool {
    let Ok(told) = &report.outcome else {
        return false;
    };
    told.id == Some(task) && all_ended(told)
}

/// Whether asking again may tell how the parts ended that were not told ended.
fn may_tell_more(outcome: &Result<FollowedTask, GlusterError>) -> bool {
    match outcome {
        Ok(task) => task.id.is_some(),
        Err(error) => matches!(
            error.kind,
            GlusterErrorKind::AnotherTransaction
                | GlusterErrorKind::TimedOut
                | GlusterErrorKind::GlusterdDown
                | GlusterErrorKind::NotAsked
                | GlusterErrorKind::NotRun
        ),
    }
}

fn all_ended(task: &FollowedTask) -> bool {
    let ended = |status: PartStatus| status.is_ended() || status == PartStatus::Reset;
    match task.task_type {
        // There is no status to be asked for.
        Some(TaskType::Other(_)) => true,
        _ => !task.parts.is_empty() && task.parts.values().all(|(status, _)| ended(*status)),
    }
}

/// Whether the task of a report is gone: this host has been looked at since, and
/// holds none, or another.
pub(super) fn is_gone(picture: &Picture, volume: &VolumeId, report: &Followed) -> bool {
    let Some(own) = &picture.own else {
        return false;
    };
    let told = report.outcome.as_ref().ok().and_then(|task| task.id);
    match own.looks.get(volume) {
        // With get-state every volume of the pool has a look.
        None => own.error.is_none(),
        Some(look) if look.at <= report.at => false,
        Some(look) => match &look.holding {
            Holding::Nothing { .. } => !hinted(picture, &look.volume_name),
            Holding::Task(task) => told.is_some_and(|told| told != task.id),
        },
    }
}

/// Whether the file of a volume tells of a running task, and the looks are too old
/// to say that there is none.
fn hinted(picture: &Picture, name: &str) -> bool {
    let refused = picture.own.as_ref().is_some_and(|own| own.error.is_some());
    refused
        && picture
            .hints
            .get(name)
            .is_some_and(|hint| hint.id.is_some() && hint.status == PartStatus::InProgress)
}

/// Whether a host has bricks of a volume, so that its part of a task is to be told.
pub(super) fn runs_a_part(picture: &Picture, volume: &VolumeId, host: HostId) -> bool {
    picture
        .volumes
        .iter()
        .flat_map(|volumes| volumes.known.iter())
        .filter(|v| v.id == *volume)
        .any(|v| v.hosts().any(|h| h == host))
}

#[cfg(test)]
mod tests;
