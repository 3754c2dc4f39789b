//! What a scripted pool is at a moment: hosts, volumes, and each host's own view
//! of each volume's task. Kept as JSON in the pool's folder by [`super::store`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fault::Fault;

/// A pool of hosts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// Gluster's version, such as "10.3": its shapes are written.
    pub version: String,
    /// How long things take.
    pub timing: Timing,
    /// In the order in which every host lists its peers.
    pub hosts: Vec<Host>,
    /// In the order of the lists.
    pub volumes: Vec<Volume>,
    /// What goes wrong, and where.
    pub faults: Vec<Fault>,
    /// How many calls a fault has befallen.
    pub befallen: u32,
    /// How many calls were refused because another transaction held the volume.
    pub found_locked: u32,
    /// What glusterd goes on to do after it has been asked, whether or not the
    /// command line that asked is still there.
    pub pending: Vec<Pending>,
    /// Ids for the next tasks; random ones once these are used up.
    pub next_task_ids: Vec<Uuid>,
}

/// How long things take, in Gluster's own seconds, and how long such a second is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timing {
    /// A second of Gluster's, in milliseconds of the test's. A start's 10 s, the
    /// 120 s of a time-out and the 180 s of a lock shrink with it.
    pub second_ms: u64,
    /// A rebalance's start: 5 s for the host asked, then 5 s for the others (measured).
    pub rebalance_start: u64,
    /// A remove-brick's start (measured).
    pub remove_brick_start: u64,
    /// After a stop or commit the ids go at once; the command returns later (measured: 0.5 to 1.5 s).
    pub stop: u64,
    /// Files that a host still moves between the reply to `stop` and its end (measured: 2).
    pub files_while_stopping: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self { second_ms: 10, rebalance_start: 10, remove_brick_start: 5, stop: 1, files_while_stopping: 0 }
    }
}

/// A host of the pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Its name in bricks.
    pub name: String,
    /// glusterd's UUID of it.
    pub id: Uuid,
    /// Its address, under which bricks may be named too.
    pub address: String,
    /// What its peers call it in lists and error texts (reverse DNS).
    pub known_as: String,
    /// What else they know it by.
    pub other_names: Vec<String>,
    /// Whether the machine runs.
    pub up: bool,
    /// Whether its glusterd runs.
    pub glusterd: bool,
    /// glusterd keeps its connections and answers nothing.
    pub frozen: bool,
    /// From when to when its glusterd waits for a process it has started, and
    /// `get-state` with it.
    pub busy: Option<(u64, u64)>,
    /// Its own view of each volume's task, by the volume's name.
    pub views: BTreeMap<String, View>,
    /// The version of each volume's configuration that it holds.
    pub versions: BTreeMap<String, u64>,
}

impl Host {
    /// Whether its peers are connected to it.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.up && self.glusterd
    }
}

/// What kind of task a view holds (glusterd's `rebalance_op`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// 0
    #[default]
    None,
    /// 19, fix-layout too.
    Rebalance,
    /// 9
    RemoveBrick,
}

impl Op {
    /// glusterd's number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Rebalance => 19,
            Self::RemoveBrick => 9,
        }
    }
}

/// A defragmentation command of glusterd's that matters here: 4, fix-layout.
pub const FIX_LAYOUT: u8 = 4;
/// 5, start with `force`; every host that a remove-brick empties has it.
pub const START_FORCE: u8 = 5;
/// 1, start.
pub const START: u8 = 1;

/// Status numbers of a host's part.
pub mod status {
    /// 0
    pub const NOT_STARTED: u8 = 0;
    /// 1
    pub const IN_PROGRESS: u8 = 1;
    /// 2
    pub const STOPPED: u8 = 2;
    /// 3
    pub const COMPLETED: u8 = 3;
    /// 4
    pub const FAILED: u8 = 4;
    /// 9
    pub const RESET_BY_REPLACE: u8 = 9;
    /// 10
    pub const RESET_BY_RESET: u8 = 10;
}

/// One host's view of one volume's task, as its glusterd holds it in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The task; nil where there is none.
    pub id: Uuid,
    /// What it is.
    pub op: Op,
    /// glusterd's command ([`START`], [`FIX_LAYOUT`], [`START_FORCE`]).
    pub command: u8,
    /// A remove-brick's bricks, as typed.
    pub bricks: Vec<String>,
    /// How this host's part stands (0 to 4, 9, 10).
    pub status: u8,
    /// What glusterd knows of its part: brought up to date by locked status calls and at the end.
    pub told: Counters,
    /// What its process has done.
    pub live: Counters,
    /// Whether its process is alive.
    pub running: bool,
}

/// What a part has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Files moved.
    pub files: u64,
    /// Bytes moved.
    pub size: u64,
    /// Files looked at.
    pub lookups: u64,
    /// Files not moved.
    pub failures: u64,
    /// Files passed over.
    pub skipped: u64,
    /// Seconds.
    pub run_time: f64,
}

/// How a volume is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Files are spread over bricks.
    Distribute,
    /// And kept in copies; the last `arbiters` of each set hold names only.
    Replicate {
        /// Bricks in a set.
        replica: u32,
        /// How many of them are arbiters.
        arbiters: u32,
    },
    /// And cut in pieces.
    Disperse {
        /// Bricks in a set.
        disperse: u32,
        /// How many of them may be lost.
        redundancy: u32,
    },
}

impl Kind {
    /// Bricks in a set.
    #[must_use]
    pub fn set(self) -> usize {
        match self {
            Self::Distribute => 1,
            Self::Replicate { replica, .. } => replica as usize,
            Self::Disperse { disperse, .. } => disperse as usize,
        }
    }
}

/// A volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Gluster's id of it.
    pub id: Uuid,
    /// 0 created, 1 started, 2 stopped.
    pub status: u8,
    /// How it is laid out.
    pub kind: Kind,
    /// In Gluster's order.
    pub bricks: Vec<Brick>,
    /// Options that were set.
    pub options: Vec<(String, String)>,
    /// Counts the changes of its configuration.
    pub version: u64,
    /// Another transaction that holds it.
    pub lock: Option<Lock>,
}

impl Volume {
    /// Sets that files are spread over.
    #[must_use]
    pub fn sets(&self) -> usize {
        self.bricks.len() / self.kind.set().max(1)
    }

    /// Whether the host holds a brick.
    #[must_use]
    pub fn on(&self, host: &str) -> bool {
        self.bricks.iter().any(|b| b.host == host)
    }
}

/// A brick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brick {
    /// Its host's name.
    pub host: String,
    /// Its folder.
    pub path: String,
    /// It takes no new files: a remove-brick has begun.
    pub decommissioned: bool,
    /// It holds names only.
    pub arbiter: bool,
    /// Taken out by `reset-brick … start`.
    pub reset: bool,
    /// What waits for healing on it.
    pub heal: Heal,
}

/// What waits for healing on a brick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heal {
    /// Entries to be healed.
    pub pending: u64,
    /// Entries in split-brain.
    pub split_brain: u64,
    /// Entries that may be healing.
    pub possibly_healing: u64,
}

impl Brick {
    /// As `volume info` names it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.path)
    }
}

/// Who holds a volume, and until when (unix time in milliseconds; `None`: until let go).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lock {
    /// Until when.
    pub until: Option<u64>,
}

/// Something glusterd does at a time of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// When: unix time in milliseconds.
    pub due: u64,
    /// What.
    pub effect: Effect,
}

/// What glusterd does later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// A rebalance reaches the hosts that were not asked.
    Spread {
        /// Of this volume.
        volume: String,
        /// Under this id.
        task: Uuid,
        /// With this command.
        command: u8,
        /// The host that was asked.
        from: String,
    },
    /// A start has failed on the way: its task is taken back everywhere.
    TakeBack {
        /// Of this volume.
        volume: String,
        /// Under this id.
        task: Uuid,
    },
    /// A command is over, and in the host's history.
    History {
        /// The host.
        host: String,
        /// The command as typed.
        command: String,
        /// "SUCCESS" or "FAILED : why".
        outcome: String,
    },
}
