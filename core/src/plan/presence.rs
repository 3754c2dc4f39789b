//! Whether any host still holds a task.

use jiff::Timestamp;

use super::claims::Claims;
use super::{View, is_later, since};
use crate::id::HostId;
use crate::observation::Holding;
use crate::record::{Absence, PartRecord, TaskRecord};

/// Whether a task is held.
pub(super) enum Presence {
    /// A host holds it.
    Held,
    /// Every host that ever held it, or may have, has answered since, from its own
    /// glusterd, that it does not hold it: the oldest of these answers.
    Absent(Timestamp),
    /// A host that held it has not answered since: it proves nothing.
    Unknown,
}

/// Whether the task is held.
pub(super) fn of(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord) -> Presence {
    if claims.holders.keys().any(|h| view.answers(*h)) {
        return Presence::Held;
    }
    // One that must take part and was not heard of may hold it: it died before it could tell.
    let may_hold = |p: &PartRecord| p.held || (p.must_take_part && !p.took_no_part());
    let held: Vec<HostId> = task.parts.iter().filter(|(_, p)| may_hold(p)).map(|(h, _)| *h).collect();
    let members: Vec<HostId> = held.iter().copied().filter(|h| !view.has_left(*h)).collect();
    // If all that held it have left the pool, whoever is still there speaks for it.
    let speakers = if members.is_empty() && !held.is_empty() {
        claims.own.keys().copied().filter(|h| view.answers(*h)).collect()
    } else {
        members
    };
    let mut oldest: Option<Timestamp> = None;
    for host in speakers {
        let Some(at) = holds_not(view, claims, task, host) else {
            return Presence::Unknown;
        };
        oldest = Some(oldest.map_or(at, |o| o.min(at)));
    }
    oldest.map_or(Presence::Unknown, Presence::Absent)
}

/// When the host's own glusterd last said that it does not hold the task, if that
/// is the last that is known of it.
fn holds_not(view: &View<'_>, claims: &Claims<'_>, task: &TaskRecord, host: HostId) -> Option<Timestamp> {
    let look = claims.own.get(&host)?;
    let holds = matches!(&look.holding, Holding::Task(own) if own.id == task.task);
    let overtaken = claims.told_by(host).is_some_and(|at| at >= look.at);
    let since_changed = task.parts.get(&host).is_none_or(|p| look.at >= p.changed_at);
    (!holds && !overtaken && since_changed && view.answers(host) && view.is_fresh(look.at)).then_some(look.at)
}

/// Counts one more complete observation without the task.
pub(super) fn count(view: &View<'_>, absence: &mut Absence, at: Timestamp) {
    match absence.last {
        None => *absence = Absence { looks: 1, since: Some(at), last: Some(at), ..Absence::default() },
        Some(last) if is_later(at, last) => {
            absence.looks += 1;
            absence.span += since(last, at).min(view.settings.gap_at_most);
            absence.last = Some(at);
        }
        Some(_) => {}
    }
}

/// Whether a task has been looked for in vain for so long that it is given up.
pub(super) fn is_lost(view: &View<'_>, absence: &Absence) -> bool {
    absence.looks >= view.settings.lost_after_looks && absence.span >= view.settings.lost_after
}
