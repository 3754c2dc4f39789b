//! Events: changes of status, membership and attention, not of counters.

use serde::{Deserialize, Serialize};

use crate::id::{JobId, VolumeId};

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// As it should be.
    Info,
    /// An operator should look.
    Warning,
    /// Something went wrong.
    Error,
}

impl Severity {
    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// An event before the store has numbered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// How much it matters.
    pub severity: Severity,
    /// A word for scripts, such as `task-found`.
    pub kind: &'static str,
    /// What happened, to what, in words.
    pub message: String,
    /// The volume it is about.
    pub volume: Option<VolumeId>,
    /// The job it is about.
    pub job: Option<JobId>,
    /// By whom: an operator, Gluster's command line on a host, or `hod`.
    pub actor: String,
}
