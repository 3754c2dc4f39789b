//! Every task: found, brought up to date, ended.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::presence::{self, Presence};
use super::volumes::Volumes;
use super::{View, attention, intentions, judge, parts, words};
use crate::change::{Change, LockChange, Origin, Planned, PutTask};
use crate::command::intention::{Intended, Intention};
use crate::event::{EventDraft, Severity};
use crate::id::{FoundIds, HostId, JobId, TaskId, VolumeId};
use crate::job::JobStatus;
use crate::observation::Holding;
use crate::record::{Absence, Recorded, TaskRecord};
use crate::task::{TaskStatus, TaskType};
use crate::transition::Transition;

/// A task as it should be recorded, before it is decided who holds its volume.
struct Draft<'a> {
    /// `None`: it is new.
    before: Option<&'a TaskRecord>,
    /// It is what was intended.
    intention: Option<&'a Intention>,
    task: TaskRecord,
    job: Option<Transition>,
    step: Option<Transition>,
    claims: Claims<'a>,
    news: News,
}

/// What is to be told of a task beside its record.
#[derive(Default)]
struct News {
    /// Hosts whose counters began anew.
    reset: Vec<HostId>,
    /// How the job ended, if it does now.
    ended: Option<String>,
    /// Who ended or began it, where a history tells.
    actor: Option<String>,
    /// Whether no host holds it and nothing tells how it ended.
    lost: bool,
}

/// The changes to tasks, and what became of intentions: a task may be what was
/// intended, and who gives a volume back decides who can take it.
pub(super) fn plan(view: &View<'_>, volumes: &Volumes<'_>) -> Vec<Planned> {
    let known = view.recorded.tasks.values().filter_map(|task| advance(view, volumes, task));
    let found = unknown(view).filter_map(|(id, volume)| begin(view, volumes, id, volume));
    let mut drafts: Vec<Draft<'_>> = known.chain(found).collect();
    // Who gives a volume back goes before who takes it.
    drafts.sort_by_key(|d| d.task.job_status.is_open());
    let adopted = drafts.iter().filter(|d| d.intention.is_some()).map(|d| d.task.task).collect();
    let settled = intentions::plan(view, volumes, &adopted);
    let locks = locks(view, volumes, &drafts, &settled);
    drafts.into_iter().filter_map(|draft| finish(view, &locks, draft)).chain(settled).collect()
}

/// Who holds which volume once all drafts are recorded: a job that ends gives its
/// volume back; Gluster wins where it disagrees, so a found task takes its volume
/// from whoever has it; an open job without its volume takes it if it is free.
fn locks(
    view: &View<'_>,
    volumes: &Volumes<'_>,
    drafts: &[Draft<'_>],
    settled: &[Planned],
) -> BTreeMap<VolumeId, JobId> {
    let mut locks = view.recorded.locks.clone();
    for planned in settled {
        if let Change::Settle(settle) = &planned.change
            && settle.end.is_some()
            && locks.get(&settle.volume) == Some(&settle.job)
        {
            locks.remove(&settle.volume);
        }
    }
    for Draft { task, .. } in drafts.iter().filter(|d| !d.task.job_status.is_open()) {
        if locks.get(&task.volume) == Some(&task.job) {
            locks.remove(&task.volume);
        }
    }
    let open = || drafts.iter().filter(|d| d.task.job_status.is_open());
    for Draft { task, .. } in open().filter(|d| d.before.is_none()) {
        locks.insert(task.volume, task.job);
    }
    for Draft { task, .. } in open().filter(|d| volumes.get(view, d.task.volume).is_some()) {
        locks.entry(task.volume).or_insert(task.job);
    }
    locks
}

/// The change that a draft makes, if it makes one.
fn finish(view: &View<'_>, locks: &BTreeMap<VolumeId, JobId>, draft: Draft<'_>) -> Option<Planned> {
    let Draft { before, intention, mut task, job, step, claims, news } = draft;
    task.attention = attention::of(view, &claims, &task, locks, news.lost);
    let kept =
        before.filter(|b| !b.job_status.is_open() || stays_paused(b, &task)).map(|b| b.message.clone());
    task.message = message(view, &task, news.ended.clone().or(kept));

    let had = view.recorded.locks.get(&task.volume).copied();
    let has = locks.get(&task.volume).copied();
    let lock = match (had, has) {
        _ if had == has => LockChange::Keep,
        (Some(holder), _) if holder == task.job => LockChange::Release,
        (None, Some(holder)) if holder == task.job => LockChange::Take,
        (Some(other), Some(holder)) if holder == task.job => LockChange::TakeFrom(other),
        _ => LockChange::Keep,
    };
    if before == Some(&task) && lock == LockChange::Keep {
        return None;
    }
    if claims.in_progress() && task.step_status.is_open() {
        task.running_at = Some(view.now);
    }
    let events = match before {
        None => found_events(&task, news.actor, intention),
        Some(before) => events(view, before, &task, job, step, news),
    };
    let origin = match (before, intention) {
        (Some(_), _) => Origin::Known,
        (None, Some(intention)) => Origin::Adopted(intention.id),
        (None, None) => Origin::Found,
    };
    let put = PutTask { task, origin, job, step, lock };
    Some(Planned { change: Change::PutTask(Box::new(put)), events })
}

/// Every task that a host holds, or a locked call told of, with its volume.
pub(super) fn found(view: &View<'_>) -> BTreeMap<TaskId, VolumeId> {
    let mut found = BTreeMap::new();
    for (_, picture) in view.pictures() {
        for (volume, look) in &picture.own {
            if let Holding::Task(own) = &look.holding {
                found.insert(own.id, *volume);
            }
        }
        for (volume, look) in &picture.followed {
            if let Some(id) = look.seen().and_then(|f| f.id) {
                found.insert(id, *volume);
            }
        }
    }
    found
}

/// The tasks that are found and were not known.
fn unknown<'v>(view: &'v View<'_>) -> impl Iterator<Item = (TaskId, VolumeId)> + use<'v> {
    let known = |id: &TaskId| view.recorded.tasks.contains_key(id) || view.recorded.cleared.contains(id);
    found(view).into_iter().filter(move |(id, _)| !known(id))
}

/// The record of a task that was not known, before anything is taken over. `None`
/// if its volume is not known yet: it is looked at again with the next observation.
fn blank(view: &View<'_>, volumes: &Volumes<'_>, id: TaskId, volume: VolumeId) -> Option<TaskRecord> {
    let told = volumes.get(view, volume)?;
    if volumes.is_gone(volume) {
        return None;
    }
    let ids = FoundIds::of(view.recorded.pool, id);
    Some(TaskRecord {
        job: ids.job,
        executing: ids.executing,
        step: ids.step,
        job_status: JobStatus::Started,
        step_status: JobStatus::Started,
        message: String::new(),
        task: id,
        task_type: None,
        volume,
        volume_name: told.name.clone(),
        bricks: Vec::new(),
        status: TaskStatus::Running,
        parts: BTreeMap::new(),
        attention: Vec::new(),
        found_at: view.now,
        running_at: None,
        ended_at: None,
        followed: false,
        abandoned: false,
        absence: Absence::default(),
        external: true,
        run: 1,
        earlier: BTreeMap::new(),
        pause: None,
    })
}

/// A task that was not known becomes a job. If its volume is not known yet, it is
/// looked at again with the next observation.
fn begin<'a>(view: &View<'a>, volumes: &Volumes<'a>, id: TaskId, volume: VolumeId) -> Option<Draft<'a>> {
    let mut task = blank(view, volumes, id, volume)?;
    let claims = Claims::of(view, id, volume);
    let intention = intention(view, volumes, &claims, &task);
    if let Some(intention) = intention {
        take_intention(&mut task, intention);
    }
    // A task found already ended becomes an ended job, so that history is whole.
    let mut news = bring_up_to_date(view, volumes, &claims, &mut task);
    if parts::status(view, &task) == TaskStatus::Unknown {
        // A replace-brick wiped it before anyone saw how it ended.
        settle(&mut task, JobStatus::Unknown);
    }
    news.reset.clear();
    news.actor = judge::started_by(view, &task).map(|(actor, _)| actor);
    Some(Draft { before: None, intention, task, job: None, step: None, claims, news })
}

/// The intention that a found task is the outcome of, if it is one.
fn intention<'a>(
    view: &View<'a>,
    volumes: &Volumes<'a>,
    claims: &Claims<'a>,
    found: &TaskRecord,
) -> Option<&'a Intention> {
    let recorded: &'a Recorded = view.recorded;
    let intention = recorded.intentions.get(&found.volume)?;
    let mut told = found.clone();
    parts::learn(view, claims, volumes.get(view, found.volume), &mut told);
    intention.is(found.task, told.task_type.as_ref(), &told.bricks).then_some(intention)
}

/// Whether a paused task goes on under a new id: its record is the new run's then.
fn goes_on(view: &View<'_>, volumes: &Volumes<'_>, paused: &TaskRecord) -> bool {
    let Some(intention) = view.recorded.intentions.get(&paused.volume).filter(|i| i.step == paused.step)
    else {
        return false;
    };
    let adopts = |id: TaskId| {
        let claims = Claims::of(view, id, paused.volume);
        let blank = blank(view, volumes, id, paused.volume);
        blank.is_some_and(|task| {
            self::intention(view, volumes, &claims, &task).is_some_and(|i| i == intention)
        })
    };
    let mut others = unknown(view).filter(|(_, volume)| *volume == paused.volume).map(|(id, _)| id);
    others.any(adopts)
}

/// A task that was intended belongs to the intention's job.
fn take_intention(task: &mut TaskRecord, intention: &Intention) {
    (task.job, task.executing, task.step) = (intention.job, intention.executing, intention.step);
    task.external = false;
    if let Intended::Start(start) = &intention.what {
        task.run = start.run;
        task.earlier.clone_from(&start.earlier);
    }
}

/// A task with steps is brought up to date.
fn advance<'a>(view: &View<'a>, volumes: &Volumes<'a>, before: &'a TaskRecord) -> Option<Draft<'a>> {
    if before.abandoned {
        // An operator gave it up: what Gluster goes on saying of it changes nothing.
        return None;
    }
    let no_more = volumes.is_gone(before.volume) || volumes.get(view, before.volume).is_none();
    if !before.job_status.is_open() && no_more {
        // Of a volume that is no more nothing runs again.
        return None;
    }
    let mut task = before.clone();
    let claims = Claims::of(view, task.task, task.volume);
    if before.status == TaskStatus::Paused && goes_on(view, volumes, before) {
        return None;
    }
    let news = bring_up_to_date(view, volumes, &claims, &mut task);
    let step = transition(before.step_status, &mut task.step_status);
    let job = transition(before.job_status, &mut task.job_status);
    match (job, task.job_status.is_open()) {
        (Some(_), true) => task.ended_at = None,
        (Some(_), false) => task.ended_at = task.ended_at.or(Some(view.now)),
        (None, _) => {}
    }
    Some(Draft { before: Some(before), intention: None, task, job, step, claims, news })
}

/// Takes over what the hosts say of a task, and what that means for it.
fn bring_up_to_date(
    view: &View<'_>,
    volumes: &Volumes<'_>,
    claims: &Claims<'_>,
    task: &mut TaskRecord,
) -> News {
    parts::learn(view, claims, volumes.get(view, task.volume), task);
    let mut news = News { reset: parts::update(view, claims, task), ..News::default() };
    if volumes.is_gone(task.volume) {
        news.ended = Some("volume deleted".to_owned());
        settle(task, JobStatus::Aborted);
        return news;
    }
    if task.status == TaskStatus::Paused && is_superseded(view, claims, task) {
        news.ended =
            Some("superseded: another task of the volume was started while it was paused".to_owned());
        settle(task, JobStatus::Aborted);
        return news;
    }
    match presence::of(view, claims, task) {
        // A paused task is not there, and is meant to be so.
        _ if task.status == TaskStatus::Paused => {}
        Presence::Held => {
            let status = parts::status(view, task);
            // The stop of a pause ends nothing. A host may tell that its part was stopped a
            // moment before its glusterd forgets the task (seen).
            if task.pause.is_none() || status != TaskStatus::Aborted {
                follow(task, status);
            }
            if task.job_status.is_open() {
                task.absence = Absence::default();
            }
        }
        Presence::Absent(at) if task.job_status.is_open() => {
            presence::count(view, &mut task.absence, at);
            let absent_since = task.absence.since.unwrap_or(at);
            let verdict = judge::verdict(view, claims, task, absent_since);
            let stopped = verdict.as_ref().is_some_and(|v| v.status == JobStatus::Aborted)
                && task.step_status.is_open()
                && !is_superseded(view, claims, task);
            if let (Some(pause), true) = (&task.pause, stopped) {
                // A pause is a stop that is meant to go on: job and lock stay.
                news.actor = Some(pause.by.clone());
                task.status = TaskStatus::Paused;
                task.absence = Absence::default();
            } else if let Some(verdict) = verdict {
                (news.ended, news.actor) = (Some(verdict.message), verdict.actor);
                settle(task, verdict.status);
            } else if presence::is_lost(view, &task.absence) {
                news.ended = Some("no host lists it any more, and nothing tells how it ended".to_owned());
                settle(task, JobStatus::Unknown);
            } else {
                // What tells how it ended may still be on its way: a volume's bricks, a line of a history.
                news.lost = super::since(absent_since, view.now) >= view.settings.history_lag;
            }
        }
        // Unknown observations never move a task.
        Presence::Unknown | Presence::Absent(_) => {}
    }
    news
}

/// Whether a host holds a later task of the volume: an older one that a restarted host
/// lists again is none.
fn is_superseded(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord) -> bool {
    let is_later = |id: &TaskId| {
        let found_later = view.recorded.tasks.get(id).is_none_or(|t| t.found_at > task.found_at);
        found_later && !view.recorded.cleared.contains(id)
    };
    claims.own.values().any(|look| match &look.holding {
        Holding::Task(own) => own.id != task.task && is_later(&own.id),
        Holding::Nothing { .. } => false,
    })
}

/// Ends the job, and the step if it is open, by a verdict.
fn settle(task: &mut TaskRecord, status: JobStatus) {
    task.job_status = status;
    if task.step_status.is_open() {
        task.step_status = status;
        task.status = match status {
            JobStatus::Finished => TaskStatus::Completed,
            JobStatus::Failed => TaskStatus::Failed,
            JobStatus::Aborted => TaskStatus::Aborted,
            JobStatus::Unknown | JobStatus::Started => TaskStatus::Unknown,
        };
    }
}

/// What the status worked out from the hosts means for the step and the job. One
/// for which there is no transition from where they stand changes nothing, and a
/// status that is not known takes nothing back.
fn follow(task: &mut TaskRecord, status: TaskStatus) {
    let wanted = JobStatus::from(status);
    let transition = Transition::between(task.step_status, wanted);
    if status == TaskStatus::Unknown || (transition.is_none() && wanted != task.step_status) {
        return;
    }
    task.status = status;
    task.step_status = wanted;
    // A remove-brick's job stays open until it is committed or stopped, however
    // its migration ended.
    let remove_brick = task.task_type == Some(TaskType::RemoveBrick);
    let runs_again = transition == Some(Transition::RunAgain);
    if (!remove_brick || runs_again) && Transition::between(task.job_status, wanted).is_some() {
        task.job_status = wanted;
    }
}

/// The transition that a status made. One for which there is none is not made.
fn transition(from: JobStatus, to: &mut JobStatus) -> Option<Transition> {
    if from == *to {
        return None;
    }
    let transition = Transition::between(from, *to);
    if transition.is_none() {
        *to = from;
    }
    transition
}

/// Whether it is paused as before: then what is said of it may be why it could not go on.
fn stays_paused(before: &TaskRecord, task: &TaskRecord) -> bool {
    before.status == TaskStatus::Paused && task.status == TaskStatus::Paused && before.attention.is_empty()
}

/// How the job ended, or what it waits for.
fn message(view: &View<'_>, task: &TaskRecord, kept: Option<String>) -> String {
    if let (Some(ended), false) = (&kept, task.job_status.is_open()) {
        return ended.clone();
    }
    if let Some(attention) = task.attention.first() {
        return attention.text.clone();
    }
    match task.status {
        TaskStatus::Completed => judge::completed(task),
        TaskStatus::Failed => judge::failed(view, task),
        TaskStatus::Aborted => "stopped".to_owned(),
        TaskStatus::Unknown => "how it ended is not known".to_owned(),
        TaskStatus::Paused => kept.unwrap_or_else(|| "paused".to_owned()),
        TaskStatus::Running => String::new(),
    }
}

fn found_events(task: &TaskRecord, actor: Option<String>, intention: Option<&Intention>) -> Vec<EventDraft> {
    let what = task.description();
    if let Some(intention) = intention {
        let (kind, text) = if task.run > 1 {
            ("task-resumed", format!("{what} goes on after a pause"))
        } else {
            ("task-started", format!("{what} started"))
        };
        return vec![event(task, Severity::Info, kind, text, Some(intention.actor.clone()))];
    }
    let text = match task.status {
        TaskStatus::Running => format!("{what} found running"),
        TaskStatus::Completed => format!("{what} found, already completed: {}", judge::completed(task)),
        TaskStatus::Failed => format!("{what} found, already failed"),
        TaskStatus::Aborted => format!("{what} found, already stopped"),
        TaskStatus::Paused | TaskStatus::Unknown => {
            format!("{what} found; how it ended is not known")
        }
    };
    let mut events = vec![event(task, Severity::Info, "task-found", text, actor)];
    events.extend(attention_events(&[], task));
    events
}

fn events(
    view: &View<'_>,
    before: &TaskRecord,
    task: &TaskRecord,
    job: Option<Transition>,
    step: Option<Transition>,
    news: News,
) -> Vec<EventDraft> {
    let what = task.description();
    let mut events = Vec::new();
    if before.task_type.is_none() && task.task_type.is_some() {
        events.push(event(task, Severity::Info, "task-type-known", format!("It is a {what}"), None));
    }
    for host in news.reset {
        let text = format!("{what}: the counters of {} began anew", view.name(host));
        events.push(event(task, Severity::Info, "counters-reset", text, None));
    }
    match (step, job) {
        (_, Some(Transition::RunAgain)) | (Some(Transition::RunAgain), _) => {
            let text = format!("{what} had ended as {} and runs again", before.step_status.code());
            events.push(event(task, Severity::Warning, "task-running-again", text, None));
        }
        (_, Some(_)) => {
            let severity = match task.job_status {
                JobStatus::Finished if task.counters().failed == 0 => Severity::Info,
                JobStatus::Started => Severity::Info,
                JobStatus::Finished | JobStatus::Aborted => Severity::Warning,
                JobStatus::Failed | JobStatus::Unknown => Severity::Error,
            };
            let kind = match task.job_status {
                JobStatus::Finished => "task-finished",
                JobStatus::Failed => "task-failed",
                JobStatus::Aborted => "task-aborted",
                JobStatus::Unknown | JobStatus::Started => "task-lost",
            };
            let text = format!("{what} ended as {}: {}", task.job_status.code(), task.message);
            events.push(event(task, severity, kind, text, news.actor));
        }
        (None, None) if before.status != task.status && task.status == TaskStatus::Paused => {
            events.push(event(task, Severity::Info, "task-paused", format!("{what} is paused"), news.actor));
        }
        (Some(_), None) => {
            let text = format!("{what}: its migration ended as {}", task.status.code());
            events.push(event(task, Severity::Info, "migration-ended", text, None));
        }
        (None, None) => {}
    }
    events.extend(attention_events(&before.attention, task));
    events
}

/// What an operator was not told before.
fn attention_events(before: &[crate::record::Attention], task: &TaskRecord) -> Vec<EventDraft> {
    let told: BTreeSet<_> = before.iter().map(|a| a.code).collect();
    let new = task.attention.iter().filter(|a| !told.contains(&a.code));
    new.map(|a| {
        event(task, Severity::Warning, a.code.code(), format!("{}: {}", words::describe(task), a.text), None)
    })
    .collect()
}

fn event(
    task: &TaskRecord,
    severity: Severity,
    kind: &'static str,
    message: String,
    actor: Option<String>,
) -> EventDraft {
    EventDraft {
        severity,
        kind,
        message,
        volume: Some(task.volume),
        job: Some(task.job),
        actor: actor.unwrap_or_default(),
    }
}
