//! What the agent knows of its host and its pool, and the board it hangs on.
//!
//! Discovery, the pollers and the history write to the [`Board`]; the streams and
//! requests read it. Whoever reads gets the newest picture, however slow it is:
//! nobody waits for a reader. Times are this host's monotonic clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::{HostId, VolumeId};
use hod_core::observation::{FollowedTask, Holding};
use hod_core::volume::Volume;
use hod_proto::agent::v1::own_look::Source;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::gluster::NodeState;

/// How many commands of the history are kept.
const HISTORY: usize = 1000;

/// All that is known. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// Who this host is.
    pub(crate) identity: Option<Arc<HostIdentity>>,
    /// `pool list`.
    pub(crate) peers: Option<Asked<Vec<Peer>>>,
    /// `volume info`.
    pub(crate) volumes: Option<Asked<Vec<Volume>>>,
    /// What this host's own glusterd says of the volumes' tasks.
    pub(crate) own: Option<OwnView>,
    /// The followed tasks.
    pub(crate) followed: BTreeMap<VolumeId, Arc<Followed>>,
    /// Commands about tasks and volumes.
    pub(crate) history: Arc<History>,
    /// Whether glusterd answered the last call.
    pub(crate) glusterd_answers: bool,
    /// What glusterd's files say of the volumes' tasks, by the volumes' names: a
    /// hint, and never told.
    pub(crate) hints: Arc<BTreeMap<String, NodeState>>,
}

/// A list that glusterd was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked<T> {
    /// When it was last asked.
    pub(crate) at: Instant,
    /// The last list it gave.
    pub(crate) known: Arc<T>,
    /// Why it gave none when last asked.
    pub(crate) error: Option<GlusterError>,
}

/// What this host's own glusterd says of the volumes' tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnView {
    /// By volume, each with its own age. A volume that is missing is unknown.
    pub(crate) looks: Arc<OwnLooks>,
    /// Why the last look failed as a whole; the looks are then older ones.
    pub(crate) error: Option<GlusterError>,
}

/// One look by volume.
pub(crate) type OwnLooks = BTreeMap<VolumeId, OwnLook>;

/// What this host's own glusterd says of one volume's task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnLook {
    /// The volume's name.
    pub(crate) volume_name: String,
    /// What it said.
    pub(crate) holding: Holding,
    /// Where it said so.
    pub(crate) source: Source,
    /// When.
    pub(crate) at: Instant,
}

impl OwnLook {
    /// Whether two looks saw the same, whenever that was.
    #[must_use]
    pub(crate) fn saw_the_same(&self, other: &Self) -> bool {
        (&self.volume_name, &self.holding, self.source) == (&other.volume_name, &other.holding, other.source)
    }
}

/// A volume's task as a call that took its lock told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    /// When it was asked.
    pub(crate) at: Instant,
    /// What it told.
    pub(crate) outcome: Result<FollowedTask, GlusterError>,
}

/// The last commands about tasks and volumes that were run on this host.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Oldest first.
    entries: VecDeque<Arc<Noted>>,
    /// The number of the next one.
    next: u64,
}

/// A command of the history.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    number: u64,
    /// The command; its time is not read.
    pub(crate) entry: HistoryEntry,
    noted_at: Instant,
    age_then: Duration,
}

impl Noted {
    /// How old it is at this time.
    #[must_use]
    pub(crate) fn age(&self, now: Instant) -> Duration {
        self.age_then + now.saturating_duration_since(self.noted_at)
    }
}

impl History {
    /// Adds a command that was this old at this time.
    pub(crate) fn add(&mut self, entry: HistoryEntry, noted_at: Instant, age_then: Duration) {
        self.entries.push_back(Arc::new(Noted { number: self.next, entry, noted_at, age_then }));
        self.next += 1;
        if self.entries.len() > HISTORY {
            self.entries.pop_front();
        }
    }

    /// The number of the next command: all before it have been seen by whoever
    /// has seen this history.
    #[must_use]
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The commands from a number on.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Arc<Noted>> {
        self.entries.iter().filter(move |n| n.number >= number)
    }
}

impl Picture {
    /// Whether everything has been asked for at least once.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        self.identity.is_some() && self.peers.is_some() && self.volumes.is_some() && self.own.is_some()
    }

    /// A volume by its name, as `volume info` last told it.
    #[must_use]
    pub(crate) fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.as_ref()?.known.iter().find(|v| v.name == name)
    }

    /// The name to show for a host, as this host's `pool list` has it; empty where it
    /// has none.
    #[must_use]
    pub(crate) fn host_name(&self, host: &HostId) -> String {
        if let Some(own) = &self.identity
            && own.id == *host
        {
            return own.names.first().cloned().unwrap_or_default();
        }
        self.peers
            .iter()
            .flat_map(|peers| peers.known.iter())
            .find(|peer| peer.id == *host)
            .and_then(|peer| peer.names.first().cloned())
            .unwrap_or_default()
    }

    /// What is learnt of glusterd from how a call that takes no lock ended. Only
    /// silence says that it does not answer: a refusal is an answer.
    pub(crate) fn note_whether_glusterd_answers<T>(&mut self, outcome: &Result<T, GlusterError>) {
        self.glusterd_answers = !matches!(
            outcome,
            Err(GlusterError {
                kind: GlusterErrorKind::GlusterdDown | GlusterErrorKind::TimedOut | GlusterErrorKind::NotRun,
                ..
            })
        );
    }
}

impl<T: Default> Asked<T> {
    /// What is known after having asked again.
    #[must_use]
    pub(crate) fn again(before: Option<&Self>, at: Instant, outcome: Result<T, GlusterError>) -> Self {
        match outcome {
            Ok(list) => Self { at, known: Arc::new(list), error: None },
            Err(error) => {
                Self { at, known: before.map(|b| b.known.clone()).unwrap_or_default(), error: Some(error) }
            }
        }
    }
}

/// Where the newest picture hangs.
#[derive(Clone, Debug)]
pub(crate) struct Board(Arc<watch::Sender<Picture>>);

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Picture::default())))
    }
}

impl Board {
    /// Changes the picture and tells all who watch it.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Picture)) {
        self.0.send_modify(change);
    }

    /// The picture as it is now.
    #[must_use]
    pub(crate) fn picture(&self) -> Picture {
        self.0.borrow().clone()
    }

    /// Hears of every change, or of several at once.
    #[must_use]
    pub(crate) fn watch(&self) -> watch::Receiver<Picture> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64) -> HistoryEntry {
        HistoryEntry {
            position: position.to_string(),
            at: jiff::Timestamp::UNIX_EPOCH,
            stamp: String::new(),
            command: "volume rebalance dist stop".into(),
            succeeded: true,
            message: String::new(),
        }
    }

    #[test]
    fn history_keeps_the_last_thousand_and_numbers_them_on() {
        let mut history = History::default();
        let now = Instant::now();
        for n in 0..1002 {
            history.add(entry(n), now, Duration::from_secs(3));
        }
        assert_eq!(history.since(0).count(), 1000);
        assert_eq!(history.next(), 1002);
        let last: Vec<_> = history.since(1001).collect();
        assert_eq!(last[0].entry.position, "1001");
        assert_eq!(last[0].age(now + Duration::from_secs(2)), Duration::from_secs(5));
    }

    #[test]
    fn a_refusal_keeps_the_last_list_and_only_silence_is_no_answer() {
        let now = Instant::now();
        let error = |kind| GlusterError { kind, message: String::new(), op_errno: 0, hosts: vec![] };
        let first = Asked::again(None, now, Ok(vec![1]));
        let later = now + Duration::from_secs(1);
        let again = Asked::again(Some(&first), later, Err(error(GlusterErrorKind::TimedOut)));
        assert_eq!((again.at, again.known.as_slice()), (later, &[1][..]));
        assert!(again.error.is_some());

        let mut picture = Picture::default();
        for (kind, answers) in [
            (GlusterErrorKind::StateWithheld, true),
            (GlusterErrorKind::GlusterdDown, false),
            (GlusterErrorKind::NotReadable, true),
            (GlusterErrorKind::TimedOut, false),
        ] {
            picture.note_whether_glusterd_answers::<()>(&Err(error(kind)));
            assert_eq!(picture.glusterd_answers, answers, "{kind:?}");
        }
    }
}
