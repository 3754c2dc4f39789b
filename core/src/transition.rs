//! The transitions a job's or a step's status may make. The database holds the
//! same table (`status_transitions`) and refuses every other change; a test holds
//! the two against each other.

use crate::job::JobStatus;

/// A named change of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// Ended well.
    Complete,
    /// Ended badly.
    Fail,
    /// Was stopped.
    Abort,
    /// Vanished, and nothing tells how it ended.
    Lose,
    /// An operator gave it up.
    Abandon,
    /// A task that had failed, or was lost, runs again under its id.
    RunAgain,
}

/// A change of status that there is no transition for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {} can't {}", from.code(), transition.code())]
pub struct Refused {
    /// The status it has.
    pub from: JobStatus,
    /// What was asked of it.
    pub transition: Transition,
}

impl Transition {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Complete, Self::Fail, Self::Abort, Self::Lose, Self::Abandon, Self::RunAgain];

    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
            Self::Lose => "LOSE",
            Self::Abandon => "ABANDON",
            Self::RunAgain => "RUN_AGAIN",
        }
    }

    /// What a status becomes.
    ///
    /// # Errors
    /// If there is no such transition from that status.
    pub fn of(self, from: JobStatus) -> Result<JobStatus, Refused> {
        use JobStatus::{Aborted, Failed, Finished, Started, Unknown};
        match (from, self) {
            // What was lost may still be told how it ended.
            (Started | Unknown, Self::Complete) => Ok(Finished),
            (Started | Unknown, Self::Fail) => Ok(Failed),
            (Started | Unknown, Self::Abort) => Ok(Aborted),
            (Started, Self::Lose | Self::Abandon) => Ok(Unknown),
            (Failed | Unknown, Self::RunAgain) => Ok(Started),
            (Finished | Failed | Aborted | Unknown | Started, _) => Err(Refused { from, transition: self }),
        }
    }

    /// The transition that leads from one status to another, if there is one.
    #[must_use]
    pub fn between(from: JobStatus, to: JobStatus) -> Option<Self> {
        let wanted = match to {
            JobStatus::Finished => Self::Complete,
            JobStatus::Failed => Self::Fail,
            JobStatus::Aborted => Self::Abort,
            JobStatus::Unknown => Self::Lose,
            JobStatus::Started => Self::RunAgain,
        };
        wanted.of(from).ok().map(|_| wanted)
    }
}
