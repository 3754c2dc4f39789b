//! What an operator should know of a task, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::{View, parts, words};
use crate::error::GlusterErrorKind;
use crate::id::{HostId, JobId, VolumeId};
use crate::observation::{Holding, OwnLook, Word};
use crate::record::{Attention, AttentionCode, TaskRecord};
use crate::task::{PartStatus, TaskStatus, TaskType};

/// All that an operator should know, most pressing first.
pub(super) fn of(
    view: &View<'_>,
    claims: &Claims<'_>,
    task: &TaskRecord,
    locks: &BTreeMap<VolumeId, JobId>,
    lost: bool,
) -> Vec<Attention> {
    let mut all = Vec::new();
    let mut tell = |code, text: Option<String>| {
        if let Some(text) = text {
            all.push(Attention { code, text });
        }
    };
    if task.job_status.is_open() {
        tell(AttentionCode::WaitingForHost, waiting(view, task));
        tell(AttentionCode::StateWithheld, withheld(view, task));
        tell(AttentionCode::HostsDisagree, disagreement(view, claims, task));
        tell(AttentionCode::StopOrRetry, stop_or_retry(task));
        tell(AttentionCode::AwaitingCommit, awaiting_commit(view, task));
        tell(AttentionCode::NotSeen, lost.then(|| not_seen(view, task)));
        tell(AttentionCode::LockedByAnother, locked(task, locks));
    } else {
        tell(AttentionCode::StillRunning, still_running(view, claims, task));
    }
    tell(AttentionCode::TookNoPart, took_no_part(view, task));
    all
}

/// The hosts that must take part, have not ended, and do not answer.
fn waiting(view: &View<'_>, task: &TaskRecord) -> Option<String> {
    if !task.step_status.is_open() {
        return None;
    }
    let silent: Vec<HostId> = parts::expected(view, task)
        .into_iter()
        .filter(|h| !task.parts[h].status.is_ended())
        // A host that was never looked for since the coordinator's start is no news yet.
        .filter(|h| {
            view.observed
                .hosts
                .get(h)
                .is_some_and(|v| !matches!(v.word, Word::Answering { glusterd: true, .. }))
        })
        .collect();
    if silent.is_empty() {
        return None;
    }
    let names = view.names(silent);
    Some(format!("waiting for {names}: bring it back, or abandon the job if it can't come back"))
}

/// Hosts whose glusterd answers and has refused for long to say which tasks it holds, as
/// get-state does while a volume of the pool is in status 9 or 10 (fixture 79): how the
/// task stands there is not known, nor that it is gone.
fn withheld(view: &View<'_>, task: &TaskRecord) -> Option<String> {
    let pictures = || view.observed.hosts.iter().filter_map(|(host, v)| Some((host, v.picture.as_ref()?)));
    let hosts: Vec<HostId> = pictures()
        .filter(|(host, _)| view.answers(**host))
        .filter(|(_, p)| p.own_error.as_ref().is_some_and(|e| e.kind == GlusterErrorKind::StateWithheld))
        .filter(|(_, p)| p.own.get(&task.volume).is_none_or(|look| !view.is_fresh(look.at)))
        .map(|(host, _)| *host)
        .collect();
    if hosts.is_empty() {
        return None;
    }
    let is_reset =
        |look: &OwnLook| matches!(&look.holding, Holding::Task(t) if t.status == PartStatus::Reset);
    let volumes: BTreeSet<&str> = pictures()
        .flat_map(|(_, p)| p.own.values())
        .filter(|look| is_reset(look))
        .map(|look| look.volume_name.as_str())
        .collect();
    let commands = match volumes.is_empty() {
        true => vec![
            "gluster volume rebalance VOLUME fix-layout start, of the volume whose brick it was".to_owned(),
        ],
        false => {
            volumes.into_iter().map(|v| format!("gluster volume rebalance {v} fix-layout start")).collect()
        }
    };
    Some(format!(
        "how it stands on {} is not known: since a brick was replaced or reset, glusterd there tells of no task at all; \
         this ends that: {}",
        view.names(hosts),
        words::list(commands)
    ))
}

/// Hosts that should hold the task and hold it not, while others do. Gluster asks every
/// host of the pool before a status, a stop and a start, so also one that takes no part
/// has to know of it.
fn disagreement(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord) -> Option<String> {
    let holds: BTreeSet<HostId> = claims.holders.keys().copied().filter(|h| view.answers(*h)).collect();
    if holds.is_empty() {
        return None;
    }
    let takers = task
        .parts
        .iter()
        .filter(|(host, part)| part.must_take_part && view.answers(**host) && !holds.contains(host))
        // One that never held it has to have said so twice: a start reaches the hosts one after another.
        .filter(|(_, part)| part.held || part.not_held.is_some_and(|(looks, _)| looks >= 2))
        .map(|(host, _)| *host);
    // Of an onlooker no such count is kept; a start has reached it by then.
    let has_spread = super::since(task.found_at, view.now) >= view.settings.start_takes;
    let takes_part = |h: &HostId| task.parts.get(h).is_some_and(|part| part.must_take_part);
    let onlookers = claims
        .own
        .keys()
        .copied()
        .filter(|h| has_spread && !takes_part(h) && view.answers(*h) && !holds.contains(h));
    let differ: Vec<HostId> = takers
        .chain(onlookers)
        .filter(|host| claims.own.get(host).is_some_and(|look| view.is_fresh(look.at)))
        .collect();
    // A stop does too: a host that was asked before it proves nothing against one that was asked
    // after it. Once told, it is told until they agree.
    let asked = |h: &HostId| claims.own.get(h).map(|look| look.at);
    let never_held = |h: &HostId| task.parts.get(h).is_some_and(|part| !part.held);
    let contradicted = |h: &HostId| never_held(h) || holds.iter().any(|holder| asked(holder) >= asked(h));
    let told_before = task.attention.iter().any(|a| a.code == AttentionCode::HostsDisagree);
    if differ.is_empty() || !(told_before || differ.iter().any(contradicted)) {
        return None;
    }
    let has_another = |h: &HostId| matches!(claims.own.get(h).map(|l| &l.holding), Some(Holding::Task(_)));
    let instead = if differ.iter().any(has_another) { "another task" } else { "no such task" };
    Some(format!(
        "hosts disagree: on {} it is known, on {} there is {instead} (a host was away when it was started or stopped). \
         It goes on where it is known; until it has ended there, Gluster refuses status, stop and start of this volume",
        view.names(holds.iter().copied()),
        view.names(differ),
    ))
}

fn stop_or_retry(task: &TaskRecord) -> Option<String> {
    let failed = task.task_type == Some(TaskType::RemoveBrick) && task.status == TaskStatus::Failed;
    failed.then(|| "failed: stop it, or stop it and start it again; Gluster refuses other tasks of the volume until then".to_owned())
}

fn awaiting_commit(view: &View<'_>, task: &TaskRecord) -> Option<String> {
    if task.task_type != Some(TaskType::RemoveBrick) || task.status != TaskStatus::Completed {
        return None;
    }
    let counters = task.counters();
    let not_moved = counters.failed.saturating_add(counters.skipped);
    let no_part: Vec<HostId> = task.parts.iter().filter(|(_, p)| p.took_no_part()).map(|(h, _)| *h).collect();
    Some(if not_moved > 0 {
        format!(
            "awaiting commit, but {} did not move and would be lost: stop it, make room, and start it again",
            words::count(not_moved, "file")
        )
    } else if no_part.is_empty() {
        "awaiting commit: commit it to take the bricks away, or stop it to keep them".to_owned()
    } else {
        format!("awaiting commit, but {} took no part: stop it and start it again", view.names(no_part))
    })
}

fn not_seen(view: &View<'_>, task: &TaskRecord) -> String {
    let looks = words::count(u64::from(task.absence.looks), "look");
    format!(
        "no host lists it any more, and nothing tells how it ended ({looks}); given up as UNKNOWN after {} looks over {} min",
        view.settings.lost_after_looks,
        view.settings.lost_after.as_secs() / 60
    )
}

fn locked(task: &TaskRecord, locks: &BTreeMap<VolumeId, JobId>) -> Option<String> {
    let holder = locks.get(&task.volume)?;
    (*holder != task.job).then(|| format!("the volume is in the hands of job {holder}"))
}

/// A host that still runs a task which has ended for all others.
fn still_running(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord) -> Option<String> {
    // Asked before its part ended, it proves nothing.
    let asked_since = |h: &HostId| {
        let ended = task.parts.get(h).filter(|p| p.status.is_ended()).map(|p| p.changed_at);
        claims.own.get(h).map(|look| look.at) >= ended
    };
    let runs: Vec<HostId> = claims
        .holders
        .iter()
        .filter(|(host, own)| view.answers(**host) && own.status == PartStatus::InProgress)
        .map(|(host, _)| *host)
        .filter(asked_since)
        .collect();
    (!runs.is_empty()).then(|| {
        format!(
            "it has ended, and {} still runs its part: it was away when it was stopped; let it end, or restart glusterd there",
            view.names(runs)
        )
    })
}

fn took_no_part(view: &View<'_>, task: &TaskRecord) -> Option<String> {
    let hosts: Vec<HostId> =
        task.parts.iter().filter(|(_, p)| p.must_take_part && p.took_no_part()).map(|(h, _)| *h).collect();
    if hosts.is_empty() {
        return None;
    }
    let names = view.names(hosts);
    Some(if task.task_type == Some(TaskType::RemoveBrick) {
        format!(
            "{names} took no part, being away when it was started: its files have not been moved; stop it and start it again"
        )
    } else {
        format!("{names} took no part, being away when it was started: start it again to move its files too")
    })
}
