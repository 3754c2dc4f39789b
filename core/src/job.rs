//! Jobs and steps: how they stand, and what a step is for.

use serde::{Deserialize, Serialize};

use crate::task::{TaskStatus, TaskType};

/// How a job or a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobStatus {
    /// Under way.
    Started,
    /// Ended well.
    Finished,
    /// Ended badly.
    Failed,
    /// Stopped.
    Aborted,
    /// Ended, and how is not known.
    Unknown,
}

impl JobStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Started, Self::Finished, Self::Failed, Self::Aborted, Self::Unknown];

    /// The word for it in the database and on the screen.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is_open(self) -> bool {
        self == Self::Started
    }
}

impl From<TaskStatus> for JobStatus {
    /// What a task's status means for its step. UNKNOWN ends nothing: a step is
    /// ended as UNKNOWN by a decision of its own, after long absence.
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Running | TaskStatus::Paused | TaskStatus::Unknown => Self::Started,
            TaskStatus::Completed => Self::Finished,
            TaskStatus::Aborted => Self::Aborted,
            TaskStatus::Failed => Self::Failed,
        }
    }
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepType {
    /// The checks before.
    Validating,
    /// The work itself.
    Executing,
    /// What comes after.
    Finalizing,
    /// Follows a rebalance.
    RebalancingVolume,
    /// Follows a remove-brick.
    RemovingBricks,
    /// Follows a replace-brick.
    ReplacingBrick,
    /// Follows a task of a type that is not known (yet).
    UnknownTask,
}

impl StepType {
    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Validating => "VALIDATING",
            Self::Executing => "EXECUTING",
            Self::Finalizing => "FINALIZING",
            Self::RebalancingVolume => "REBALANCING_VOLUME",
            Self::RemovingBricks => "REMOVING_BRICKS",
            Self::ReplacingBrick => "REPLACING_BRICK",
            Self::UnknownTask => "UNKNOWN_TASK",
        }
    }

    /// The sub-step that follows a task of this type.
    #[must_use]
    pub fn following(task: Option<&TaskType>) -> Self {
        match task {
            Some(TaskType::Rebalance { .. }) => Self::RebalancingVolume,
            Some(TaskType::RemoveBrick) => Self::RemovingBricks,
            Some(TaskType::ReplaceBrick { .. }) => Self::ReplacingBrick,
            Some(TaskType::Other(_)) | None => Self::UnknownTask,
        }
    }
}
