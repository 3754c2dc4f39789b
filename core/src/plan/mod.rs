//! The one decision: what to record of what was observed.
//!
//! [`plan`] looks at the pool's hosts ([`membership`]), its volumes
//! ([`volumes`]) and its tasks ([`tasks`]), in this order, since a task stands on
//! its volume and a volume on its hosts. For a task it asks, one file each: what do
//! the hosts say ([`claims`]), what does that make of every host's part
//! ([`parts`]), does any host still hold it ([`presence`]), how did it end if none
//! does ([`judge`]), and what should an operator know ([`attention`]).
//!
//! Every file computes the record as it should be from the record as it is; what
//! differs becomes a change. That is why a plan applied in part, or twice, comes
//! to the same end.

mod attention;
mod claims;
mod intentions;
mod judge;
mod membership;
mod parts;
mod presence;
mod tasks;
mod volumes;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::change::Planned;
use crate::id::HostId;
use crate::observation::{HostPicture, Observation, Word};
use crate::record::{HostRecord, HostState, Recorded};

/// The periods a plan goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A look older than this is not counted as fresh.
    pub fresh_for: Duration,
    /// Hosts may differ about a task for so long after it was found: a start takes
    /// 10 s to reach every host (seen), and up to Gluster's time-out of 120 s.
    pub start_takes: Duration,
    /// So long after a task vanished a host's command history may still be
    /// written: its line comes when the command ends, up to a second later (seen).
    pub history_lag: Duration,
    /// So long after an intention was made Gluster can't still be at it: a call takes
    /// up to 120 s, and a lock is held for up to 180 s (seen).
    pub settled_after: Duration,
    /// A task is given up as UNKNOWN only after so many complete observations without it …
    pub lost_after_looks: u32,
    /// … that span so much observed time …
    pub lost_after: Duration,
    /// … of which a gap counts at most so much.
    pub gap_at_most: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(180),
            start_takes: Duration::from_secs(150),
            history_lag: Duration::from_secs(5),
            settled_after: Duration::from_secs(200),
            lost_after_looks: 5,
            lost_after: Duration::from_secs(600),
            gap_at_most: Duration::from_secs(120),
        }
    }
}

/// What to record of what was observed. Applying any prefix of it and planning
/// again comes to the same end; with its own result applied there is nothing to plan.
#[must_use]
pub fn plan(
    recorded: &Recorded,
    observed: &Observation,
    now: Timestamp,
    settings: &Settings,
) -> Vec<Planned> {
    let (mut planned, hosts) = membership::plan(recorded, observed, now, settings);
    let view = View { recorded, observed, hosts, now, settings };
    let volumes = volumes::Volumes::of(&view);
    planned.extend(volumes.put(&view));
    planned.extend(tasks::plan(&view, &volumes));
    planned.extend(volumes.troubles(&view, &planned));
    // Last: what still refers to a volume has to be settled before it goes.
    planned.extend(volumes.gone(&view));
    planned
}

/// What the parts of a plan look at.
struct View<'a> {
    recorded: &'a Recorded,
    observed: &'a Observation,
    /// The hosts as they will be recorded.
    hosts: BTreeMap<HostId, HostRecord>,
    now: Timestamp,
    settings: &'a Settings,
}

impl<'a> View<'a> {
    /// The last picture of every host that is a member, with its id. What a silent
    /// host said before stays known; whether it is fresh is another question.
    fn pictures(&self) -> impl Iterator<Item = (HostId, &'a HostPicture)> {
        let observed: &'a Observation = self.observed;
        observed
            .hosts
            .iter()
            .filter(|(id, _)| self.is_member(**id))
            .filter_map(|(id, view)| Some((*id, view.picture.as_deref()?)))
    }

    /// The pictures of members whose agent and glusterd answer now.
    fn answering(&self) -> impl Iterator<Item = (HostId, &'a HostPicture)> {
        self.pictures().filter(|(id, _)| self.answers(*id))
    }

    /// Whether the host's agent answers now, and glusterd answers the agent.
    fn answers(&self, host: HostId) -> bool {
        self.observed
            .hosts
            .get(&host)
            .is_some_and(|v| matches!(v.word, Word::Answering { glusterd: true, .. }))
    }

    fn is_member(&self, host: HostId) -> bool {
        self.hosts.get(&host).is_some_and(|h| h.state != HostState::Left)
    }

    fn has_left(&self, host: HostId) -> bool {
        self.hosts.get(&host).is_some_and(|h| h.state == HostState::Left)
    }

    /// Whether a look is young enough to count.
    fn is_fresh(&self, at: Timestamp) -> bool {
        since(at, self.now) <= self.settings.fresh_for
    }

    /// What a host is called on the screen.
    fn name(&self, host: HostId) -> String {
        self.hosts.get(&host).and_then(|h| h.names.first().cloned()).unwrap_or_else(|| host.to_string())
    }

    /// Hosts' names, in words.
    fn names(&self, hosts: impl IntoIterator<Item = HostId>) -> String {
        words::list(hosts.into_iter().map(|h| self.name(h)))
    }
}

/// How long before `now` something was; nothing if it was later.
fn since(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

/// Whether a look is another one than the look at `before`. The same look told
/// again after a reconnection differs by what the network took.
fn is_later(at: Timestamp, before: Timestamp) -> bool {
    at.duration_since(before) > jiff::SignedDuration::from_secs(1)
}
