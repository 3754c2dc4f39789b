//! Why Gluster gave no answer.

use serde::{Deserialize, Serialize};

/// The kinds of refusal. Each wants something else done, so none is folded into
/// another, and none is ever an empty list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GlusterErrorKind {
    /// glusterd does not run, or does not answer on this host (fixture 57).
    GlusterdDown,
    /// Another transaction holds the volume's lock (fixtures 60, 61).
    AnotherTransaction,
    /// The call took longer than its deadline: the outcome is not known (fixture 62).
    TimedOut,
    /// The volume does not exist (fixture 07).
    NoSuchVolume,
    /// The volume is not started (fixtures 09, 11).
    VolumeNotStarted,
    /// The asked host knows of no such task (fixtures 06, 21, 36).
    TaskNotStarted,
    /// Another host refused: "Pre Validation failed on X" (fixtures 85, 96).
    HostsDisagree,
    /// The bricks are not the task's (fixture 32).
    WrongBrick,
    /// The volume is not distributed (fixture 10).
    NotDistributed,
    /// A task of the volume is in progress or awaits its commit (fixtures 13, 18, 40).
    TaskInProgress,
    /// This version does not know the command (fixture 43).
    NotSupported,
    /// get-state refuses while a volume is in status 9 or 10 (fixture 79).
    StateWithheld,
    /// The answer could not be read.
    NotReadable,
    /// The answer was longer than is kept.
    TooLong,
    /// The gluster command could not be run.
    NotRun,
    /// A refusal of another kind, in Gluster's words.
    Refused,
    /// Not asked: no locked call was allowed at that moment.
    NotAsked,
    /// Not run: who asks does not hold the pool any more.
    Fenced,
}

/// Why Gluster gave no answer, in words and by kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct GlusterError {
    /// What kind of refusal it was.
    pub kind: GlusterErrorKind,
    /// In Gluster's own words where there are any.
    pub message: String,
    /// Gluster's opErrno; 0 where there is none.
    pub op_errno: i32,
    /// The hosts that Gluster named, as it named them.
    pub hosts: Vec<String>,
}
