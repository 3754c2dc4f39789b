//! Gluster's tasks: their types, their status as a whole and host by host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a Gluster task does (origin: GlusterTaskType).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TaskType {
    /// Spreads files over the bricks anew; with `fix_layout` only the layout.
    Rebalance {
        /// Only new directories' layout, no files.
        fix_layout: bool,
    },
    /// Empties bricks, to be committed.
    RemoveBrick,
    /// Puts another brick in a brick's place; with `reset` the same one anew.
    ReplaceBrick {
        /// reset-brick: the same path.
        reset: bool,
    },
    /// A type that Gluster names and hod does not know: kept and shown.
    Other(String),
}

impl TaskType {
    /// The word for it in the database and in scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rebalance { .. } => "REBALANCE",
            Self::RemoveBrick => "REMOVE_BRICK",
            Self::ReplaceBrick { .. } => "REPLACE_BRICK",
            Self::Other(_) => "OTHER",
        }
    }
}

/// How a task as a whole stands (origin: GlusterTaskStatus), worked out from its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TaskStatus {
    /// At least one host that must take part has not ended.
    Running,
    /// Every host ended, and at least one failed.
    Failed,
    /// Every host that must take part said so.
    Completed,
    /// It was stopped.
    Aborted,
    /// Stopped by hod to go on later.
    Paused,
    /// Not known; never shown as any of the others.
    Unknown,
}

impl TaskStatus {
    /// The word for it in the database and on the screen.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Failed => "FAILED",
            Self::Completed => "COMPLETED",
            Self::Aborted => "ABORTED",
            Self::Paused => "PAUSED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether it will not change any more by itself.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Aborted)
    }
}

/// How one host's part of a task stands, as Gluster says it. A fix-layout's 5 to
/// 8 are the same as 1 to 4 (fixtures 23 to 25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PartStatus {
    /// 0
    NotStarted,
    /// 1, 5
    InProgress,
    /// 2, 6
    Stopped,
    /// 3, 7
    Completed,
    /// 4, 8
    Failed,
    /// 9 and 10 from version 10 on: wiped by a replace-brick or reset-brick.
    Reset,
    /// 11 from version 10 on, 9 before, and every number that is not known.
    Unknown,
}

impl PartStatus {
    /// The word for it in the database and on the screen.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::InProgress => "IN_PROGRESS",
            Self::Stopped => "STOPPED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Reset => "RESET",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the part has come to an end that is known.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed)
    }
}

/// What a host's part of a task has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counters {
    /// Files moved.
    pub files: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Files looked at (Gluster: lookups, scanned).
    pub scanned: u64,
    /// Files that could not be moved.
    pub failed: u64,
    /// Files passed over. A remove-brick counts them as failed (source).
    pub skipped: u64,
    /// How long the part has run; `None` where it is not told (get-state).
    pub run_time: Option<Duration>,
}

impl std::ops::Add for Counters {
    type Output = Self;

    /// The sum over two hosts; the run time is the longer one.
    fn add(self, other: Self) -> Self {
        Self {
            files: self.files.saturating_add(other.files),
            bytes: self.bytes.saturating_add(other.bytes),
            scanned: self.scanned.saturating_add(other.scanned),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
            run_time: self.run_time.max(other.run_time),
        }
    }
}
