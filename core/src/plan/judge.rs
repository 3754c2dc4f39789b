//! How a task ended that no host holds any more, by evidence.

use jiff::{SignedDuration, Timestamp};

use super::claims::Claims;
use super::{View, parts, since, words};
use crate::history::{HistoryEntry, TaskCommand, Verb};
use crate::id::HostId;
use crate::job::JobStatus;
use crate::observation::Holding;
use crate::record::TaskRecord;
use crate::task::{PartStatus, TaskStatus, TaskType};

/// Ages are told to a fraction of a second; a command may seem a moment older than
/// the look before it.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// How a task ended.
pub(super) struct Verdict {
    /// How its job ended.
    pub(super) status: JobStatus,
    /// Why, in words.
    pub(super) message: String,
    /// Who ended it, where a command history tells.
    pub(super) actor: Option<String>,
}

impl Verdict {
    fn new(status: JobStatus, message: impl Into<String>, witness: Option<&Witness<'_>>) -> Option<Self> {
        Some(Self { status, message: message.into(), actor: witness.map(|w| w.actor.clone()) })
    }
}

/// A command that ended the task, with who saw it.
struct Witness<'a> {
    at: Timestamp,
    command: TaskCommand<'a>,
    actor: String,
}

/// How the task ended, if anything tells.
pub(super) fn verdict(
    view: &View<'_>,
    claims: &Claims<'_>,
    task: &TaskRecord,
    absent_since: Timestamp,
) -> Option<Verdict> {
    // The line of the command that ended it may still be on its way.
    let history_complete = since(absent_since, view.now) >= view.settings.history_lag;
    match task.task_type {
        Some(TaskType::RemoveBrick) => remove_brick(view, claims, task, history_complete),
        _ => moved(view, task, history_complete),
    }
}

/// A rebalance, a fix-layout, or a type that is not known.
fn moved(view: &View<'_>, task: &TaskRecord, history_complete: bool) -> Option<Verdict> {
    let stop = witnesses(view, task).into_iter().rev().find(|w| w.command.verb == Verb::Stop);
    let statuses: Vec<PartStatus> =
        parts::expected(view, task).iter().map(|h| task.parts[h].status).collect();
    let all_ended = !statuses.is_empty() && statuses.iter().all(|s| s.is_ended());
    if all_ended && statuses.iter().all(|s| *s == PartStatus::Completed) {
        return Verdict::new(JobStatus::Finished, completed(task), None);
    }
    if statuses.contains(&PartStatus::Stopped) && (all_ended || stop.is_some() || history_complete) {
        return Verdict::new(JobStatus::Aborted, "stopped", stop.as_ref());
    }
    if let Some(stop) = stop {
        return Verdict::new(JobStatus::Aborted, "stopped", Some(&stop));
    }
    if all_ended && history_complete {
        return Verdict::new(JobStatus::Failed, failed(view, task), None);
    }
    None
}

/// A remove-brick: what became of the bricks tells, and how they went.
fn remove_brick(
    view: &View<'_>,
    claims: &Claims<'_>,
    task: &TaskRecord,
    history_complete: bool,
) -> Option<Verdict> {
    let held = |host: &HostId| task.parts.get(host).is_some_and(|p| p.held && !view.has_left(*host));
    let any_held = task.parts.keys().any(held);
    let volume = claims
        .own
        .iter()
        // A host that never held it may have looked before it began.
        .filter(|(host, _)| view.answers(**host) && (held(host) || !any_held))
        .filter(|(_, look)| !matches!(&look.holding, Holding::Task(own) if own.id == task.task))
        .filter_map(|(host, look)| {
            let volumes = &view.observed.hosts.get(host)?.picture.as_ref()?.volumes;
            // One host changes both at once: its volumes looked at after its task
            // was gone show what the command made of them.
            (volumes.at >= look.at).then_some(volumes.seen()?)
        })
        .find_map(|volumes| volumes.iter().find(|v| v.id == task.volume))?;

    // A brick that could not be resolved is unknown, never gone.
    let bricks: Option<Vec<_>> = task.bricks.iter().map(|b| b.brick.as_ref()).collect();
    let bricks = bricks.filter(|b| !b.is_empty())?;
    let there = bricks.iter().filter(|b| volume.has(b)).count();
    let witnesses = witnesses(view, task);
    let by = |verb: Verb| witnesses.iter().rev().find(|w| w.command.verb == verb);
    if there == bricks.len() {
        return Verdict::new(JobStatus::Aborted, "stopped, the bricks stay in the volume", by(Verb::Stop));
    }
    if there > 0 {
        let left = task.bricks.iter().filter(|b| b.brick.as_ref().is_some_and(|b| volume.has(b)));
        let left = words::list(left.map(|b| b.name.to_string()));
        let message = format!(
            "partly committed: {left} stays in the volume, emptied and decommissioned, with no task; \
             start a remove-brick of it to take it away, or start and stop one to use it again"
        );
        return Verdict::new(JobStatus::Failed, message, by(Verb::Commit));
    }
    let last = witnesses.iter().rev().find(|w| matches!(w.command.verb, Verb::Commit | Verb::Force));
    let counters = task.counters();
    let not_moved = counters.failed.saturating_add(counters.skipped);
    let clean = task.status == TaskStatus::Completed && not_moved == 0;
    match last.map(|w| w.command.verb) {
        Some(Verb::Commit) => Verdict::new(JobStatus::Finished, completed(task), last),
        Some(_) if clean => Verdict::new(JobStatus::Finished, completed(task), last),
        None if !history_complete => None,
        None if clean => Verdict::new(JobStatus::Finished, completed(task), None),
        Some(_) | None => {
            let files = if task.status == TaskStatus::Completed {
                words::count(not_moved, "file")
            } else {
                "an unknown number of files".to_owned()
            };
            let message = format!(
                "removed by force, {files} may remain on the brick: look for them under its folder before it is used again"
            );
            Verdict::new(JobStatus::Failed, message, last)
        }
    }
}

/// Commands about this volume's task since it was last seen in progress, oldest first.
fn witnesses<'a>(view: &View<'a>, task: &TaskRecord) -> Vec<Witness<'a>> {
    let after = task.running_at.unwrap_or(task.found_at);
    let remove_brick = task.task_type == Some(TaskType::RemoveBrick);
    let mut found: Vec<Witness<'a>> = view
        .pictures()
        .flat_map(|(host, p)| p.history.iter().map(move |entry| (host, entry)))
        .filter(|(_, entry)| entry.succeeded && entry.at.saturating_add(SLACK).is_ok_and(|at| at >= after))
        .filter_map(|(host, entry)| witness(view, host, entry))
        .filter(|w| w.command.volume == task.volume_name && w.command.remove_brick == remove_brick)
        .collect();
    // Of two told for the same moment, the worse one counts.
    found.sort_by_key(|w| (w.at, w.command.verb == Verb::Force, w.actor.clone()));
    found
}

fn witness<'a>(view: &View<'_>, host: HostId, entry: &'a HistoryEntry) -> Option<Witness<'a>> {
    let actor = format!("gluster command line on {}", view.name(host));
    Some(Witness { at: entry.at, command: entry.task_command()?, actor })
}

/// Who started a task, where a command history tells: the last start of the
/// volume's that is not younger than the task.
pub(super) fn started_by(view: &View<'_>, task: &TaskRecord) -> Option<(String, Timestamp)> {
    let remove_brick = task.task_type == Some(TaskType::RemoveBrick);
    view.pictures()
        .flat_map(|(host, p)| p.history.iter().map(move |entry| (host, entry)))
        .filter(|(_, entry)| entry.succeeded)
        .filter_map(|(host, entry)| witness(view, host, entry))
        .filter(|w| w.command.verb == Verb::Start && w.command.volume == task.volume_name)
        .filter(|w| w.command.remove_brick == remove_brick)
        .max_by_key(|w| (w.at, w.actor.clone()))
        .map(|w| (w.actor, w.at))
}

/// How a task that completed went.
pub(super) fn completed(task: &TaskRecord) -> String {
    let counters = task.counters();
    let moved = words::count(counters.files, "file");
    match (counters.failed, counters.skipped) {
        (0, 0) => format!("{moved} moved"),
        (0, skipped) => format!("{moved} moved, {skipped} skipped"),
        (failed, 0) => format!("{moved} moved, with {failed} failed"),
        (failed, skipped) => format!("{moved} moved, with {failed} failed, {skipped} skipped"),
    }
}

/// Where a task failed.
pub(super) fn failed(view: &View<'_>, task: &TaskRecord) -> String {
    let hosts = task.parts.iter().filter(|(_, p)| p.status == PartStatus::Failed).map(|(h, _)| *h);
    format!("failed on {}: its rebalance log there tells why", view.names(hosts))
}
