//! What was observed of a pool: every host's agent, what it said, and how old that is.
//!
//! There are three answers, never two: seen (with its age), absent, and unknown
//! (with why). What an agent did not say is unknown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::brick::BrickName;
use crate::error::GlusterError;
use crate::history::HistoryEntry;
use crate::host::{HostIdentity, Peer};
use crate::id::{HostId, TaskId, VolumeId};
use crate::task::{Counters, PartStatus, TaskType};
use crate::volume::Volume;

/// Something that was looked at: when, and what was seen or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look<T> {
    /// When it was looked at.
    pub at: Timestamp,
    /// What was seen, or why nothing was.
    pub outcome: Result<T, GlusterError>,
}

impl<T> Look<T> {
    /// What was seen, if anything.
    pub fn seen(&self) -> Option<&T> {
        self.outcome.as_ref().ok()
    }
}

/// All that is observed of a pool at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Every host that an agent was looked for on.
    pub hosts: BTreeMap<HostId, HostView>,
}

/// One host: whether its agent answers, and the last it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostView {
    /// How the agent answers now.
    pub word: Word,
    /// What it last told. `None`: nothing yet since this coordinator started.
    /// Shared with whoever else looks at it: 10,000 volumes are not copied for each plan.
    pub picture: Option<Arc<HostPicture>>,
}

/// How a host's agent answers now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It told something, or gave a sign of life, at this time.
    Answering {
        /// The last word.
        at: Timestamp,
        /// Whether glusterd answers it.
        glusterd: bool,
    },
    /// It does not answer.
    Silent {
        /// Since when, as far as this coordinator knows.
        since: Timestamp,
        /// Why, in words.
        why: String,
    },
    /// It answers, and is refused.
    Refused {
        /// Why, in words.
        why: String,
    },
}

/// What one host's agent told, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPicture {
    /// Who it is.
    pub identity: HostIdentity,
    /// `pool list`.
    pub peers: Look<Vec<Peer>>,
    /// `volume info`.
    pub volumes: Look<Vec<Volume>>,
    /// What the host's own glusterd says of each volume's task. A volume that is
    /// missing is unknown.
    pub own: BTreeMap<VolumeId, OwnLook>,
    /// Why the last own look failed as a whole, if it did.
    pub own_error: Option<GlusterError>,
    /// The followed tasks, seen by calls that took the volume's lock.
    pub followed: BTreeMap<VolumeId, Look<FollowedTask>>,
    /// Commands about tasks and volumes that were run on this host, oldest first.
    pub history: Vec<HistoryEntry>,
}

/// What a host's own glusterd says of one volume's task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLook {
    /// The volume's name.
    pub volume_name: String,
    /// When it was looked at.
    pub at: Timestamp,
    /// What it said.
    pub holding: Holding,
}

/// Whether a host holds a task for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It holds this one.
    Task(OwnTask),
    /// It holds none.
    Nothing {
        /// How its part of the task that was there last ended, where that is
        /// still told: get-state keeps it under a zero id until the next start
        /// (fixture 93).
        residue: Option<(PartStatus, Counters)>,
    },
}

/// A task that a host's own glusterd holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTask {
    /// Gluster's id.
    pub id: TaskId,
    /// Where this source tells.
    pub task_type: Option<TaskType>,
    /// For a remove-brick, where this source tells: the bricks.
    pub bricks: Vec<BrickName>,
    /// How this host's part stands.
    pub status: PartStatus,
    /// What this host's part has done, where this source tells.
    pub counters: Option<Counters>,
    /// Gluster's own estimate of the time left, once it gives one.
    pub time_left: Option<Duration>,
}

/// A volume's task as a locked call told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTask {
    /// Gluster's id. `None`: the asked host holds no task for the volume.
    pub id: Option<TaskId>,
    /// What it does, where told.
    pub task_type: Option<TaskType>,
    /// For a remove-brick: the bricks.
    pub bricks: Vec<BrickName>,
    /// The hosts that Gluster told of. Disconnected hosts are missing, and hosts
    /// whose part has not started (fixture 52).
    pub parts: BTreeMap<HostId, (PartStatus, Counters)>,
}
