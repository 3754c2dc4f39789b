//! What became of an intention, by what is observed.

use std::collections::BTreeSet;

use super::tasks::found;
use super::volumes::Volumes;
use super::{View, since};
use crate::brick::Brick;
use crate::change::{Change, Planned, Settle};
use crate::command::intention::{Answer, Intended, Intention};
use crate::event::{EventDraft, Severity};
use crate::id::TaskId;
use crate::observation::Holding;
use crate::transition::Transition;

/// Settles what can be settled without a task: refusals, changes of bricks, and
/// starts that came to nothing.
pub(super) fn plan(view: &View<'_>, volumes: &Volumes<'_>, adopted: &BTreeSet<TaskId>) -> Vec<Planned> {
    let open = view.recorded.intentions.values();
    open.filter_map(|intention| settle(view, volumes, adopted, intention)).collect()
}

/// How an intention ended.
enum Outcome {
    /// As intended.
    Done(String),
    /// Nothing came of it.
    Failed(String),
}

fn settle(
    view: &View<'_>,
    volumes: &Volumes<'_>,
    adopted: &BTreeSet<TaskId>,
    intention: &Intention,
) -> Option<Planned> {
    if volumes.is_gone(intention.volume) {
        return Some(planned(view, intention, &Outcome::Failed("volume deleted".to_owned())));
    }
    if let Some(Answer::Refused(why)) = &intention.answer {
        return Some(planned(view, intention, &Outcome::Failed(format!("refused by Gluster: {why}"))));
    }
    let outcome = match &intention.what {
        Intended::Start(start) => {
            let others = found(view).into_iter().filter(|(_, volume)| *volume == intention.volume);
            let others: Vec<TaskId> =
                others.map(|(id, _)| id).filter(|id| !start.before.contains(id)).collect();
            if others.iter().any(|id| adopted.contains(id)) {
                return None;
            }
            // Gluster has one task a volume: another one shows that this was not started.
            let done = matches!(intention.answer, Some(Answer::Done(_)));
            if !done && !others.is_empty() {
                Some(Outcome::Failed("another task of the volume was started at the same time".to_owned()))
            } else if !done && never_came(view, intention) {
                Some(Outcome::Failed("Gluster never started it".to_owned()))
            } else {
                None
            }
        }
        Intended::TakeBricks { bricks } => bricks_are(view, intention, |has| !bricks.iter().any(has))
            .then(|| Outcome::Done("the bricks are out of the volume".to_owned()))
            .or_else(|| never_changed(view, intention, |has| bricks.iter().any(has))),
        Intended::ReplaceBrick { old, new, .. } => bricks_are(view, intention, |has| has(new) && !has(old))
            .then(|| Outcome::Done("replaced; what it lacks is being healed".to_owned()))
            .or_else(|| never_changed(view, intention, |has| has(old))),
        Intended::ResetBrick { .. } => match &intention.answer {
            Some(Answer::Done(_)) => {
                Some(Outcome::Done("taken into service anew; what it lacks is being healed".to_owned()))
            }
            // Whether a reset was done does not show in the volume: the heal is watched in either case.
            _ if settled_time(view, intention) => {
                Some(Outcome::Done("whether it was reset is not known; its heal is watched".to_owned()))
            }
            _ => None,
        },
    }?;
    Some(planned(view, intention, &outcome))
}

/// Whether so much time has passed that Gluster can't still be at it: a call takes
/// up to 120 s, and a lock is held up to 180 s (seen).
fn settled_time(view: &View<'_>, intention: &Intention) -> bool {
    since(intention.made_at, view.now) >= view.settings.settled_after
}

/// Whether every member has told, after Gluster can't still be at it, that it holds
/// no task that was not there before.
fn never_came(view: &View<'_>, intention: &Intention) -> bool {
    let Intended::Start(start) = &intention.what else { return false };
    let Ok(settled) = intention.made_at.checked_add(view.settings.settled_after) else { return false };
    let mut members = view.hosts.keys().filter(|h| view.is_member(**h)).peekable();
    members.peek().is_some()
        && members.all(|host| {
            let look =
                view.answering().find(|(id, _)| id == host).and_then(|(_, p)| p.own.get(&intention.volume));
            look.is_some_and(|look| {
                let old = match &look.holding {
                    Holding::Nothing { .. } => true,
                    Holding::Task(own) => start.before.contains(&own.id),
                };
                old && look.at >= settled
            })
        })
}

/// Whether the bricks of the volume, as told after the intention was made, are so.
fn bricks_are(
    view: &View<'_>,
    intention: &Intention,
    wanted: impl Fn(&dyn Fn(&Brick) -> bool) -> bool,
) -> bool {
    let told = view.answering().filter(|(_, p)| p.volumes.at >= intention.made_at);
    let mut volumes =
        told.filter_map(|(_, p)| p.volumes.seen()).flatten().filter(|v| v.id == intention.volume);
    volumes.any(|volume| wanted(&|brick: &Brick| volume.has(brick)))
}

/// Whether the bricks are as they were, after Gluster can't still be at it.
fn never_changed(
    view: &View<'_>,
    intention: &Intention,
    as_before: impl Fn(&dyn Fn(&Brick) -> bool) -> bool,
) -> Option<Outcome> {
    let settled = intention.made_at.checked_add(view.settings.settled_after).ok()?;
    let told = view.answering().filter(|(_, p)| p.volumes.at >= settled);
    let mut volumes =
        told.filter_map(|(_, p)| p.volumes.seen()).flatten().filter(|v| v.id == intention.volume);
    volumes
        .any(|volume| as_before(&|brick: &Brick| volume.has(brick)))
        .then(|| Outcome::Failed("Gluster did not do it".to_owned()))
}

fn planned(view: &View<'_>, intention: &Intention, outcome: &Outcome) -> Planned {
    let goes_on = match (&intention.what, outcome) {
        // A pause that could not be ended is still a pause.
        (Intended::Start(start), Outcome::Failed(_)) => start.run > 1,
        (Intended::ReplaceBrick { .. } | Intended::ResetBrick { .. }, Outcome::Done(_)) => true,
        _ => false,
    };
    let (end, severity, kind, message) = match outcome {
        Outcome::Done(message) => (Transition::Complete, Severity::Info, "command-done", message),
        Outcome::Failed(message) => (Transition::Fail, Severity::Error, "command-failed", message),
    };
    let settle = Settle {
        intention: intention.id,
        job: intention.job,
        step: intention.step,
        volume: intention.volume,
        end: (!goes_on).then_some(end),
        message: message.clone(),
        at: view.now,
    };
    let event = EventDraft {
        severity,
        kind,
        message: message.clone(),
        volume: Some(intention.volume),
        job: Some(intention.job),
        actor: intention.actor.clone(),
    };
    Planned { change: Change::Settle(Box::new(settle)), events: vec![event] }
}
