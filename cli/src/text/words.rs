//! The words for what the wire says in numbers, with their tones.
//!
//! A number that this build does not know is UNKNOWN, like what is told to be.

use hod_proto::coordinator::v1::{HostState, JobStatus, Severity, StepType, Task};
use hod_proto::types::v1::{PartStatus, TaskStatus, TaskType, VolumeStatus};

use super::paint::{Tone, tame};

/// What stands for a status that is not known, and for nothing else.
pub const UNKNOWN: &str = "UNKNOWN";

/// How a job or a step stands.
#[must_use]
pub fn job_status(status: JobStatus) -> (&'static str, Tone) {
    match status {
        JobStatus::Started => ("STARTED", Tone::Live),
        JobStatus::Finished => ("FINISHED", Tone::Good),
        JobStatus::Failed => ("FAILED", Tone::Bad),
        JobStatus::Aborted => ("ABORTED", Tone::Bad),
        JobStatus::Unknown | JobStatus::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// How a task stands.
#[must_use]
pub fn task_status(status: TaskStatus) -> (&'static str, Tone) {
    match status {
        TaskStatus::Running => ("RUNNING", Tone::Live),
        TaskStatus::Failed => ("FAILED", Tone::Bad),
        TaskStatus::Completed => ("COMPLETED", Tone::Good),
        TaskStatus::Aborted => ("ABORTED", Tone::Bad),
        TaskStatus::Paused => ("PAUSED", Tone::Warn),
        TaskStatus::Unknown | TaskStatus::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// How a host's part of a task stands.
#[must_use]
pub fn part_status(status: PartStatus) -> (&'static str, Tone) {
    match status {
        PartStatus::NotStarted => ("NOT_STARTED", Tone::Plain),
        PartStatus::InProgress => ("IN_PROGRESS", Tone::Live),
        PartStatus::Stopped => ("STOPPED", Tone::Bad),
        PartStatus::Completed => ("COMPLETED", Tone::Good),
        PartStatus::Failed => ("FAILED", Tone::Bad),
        PartStatus::Reset => ("RESET", Tone::Warn),
        PartStatus::Unknown | PartStatus::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// Whether a part has come to an end that is known.
#[must_use]
pub fn part_ended(status: PartStatus) -> bool {
    matches!(status, PartStatus::Stopped | PartStatus::Completed | PartStatus::Failed)
}

/// How a host stands.
#[must_use]
pub fn host_state(state: HostState) -> (&'static str, Tone) {
    match state {
        HostState::Answering => ("ANSWERING", Tone::Good),
        HostState::GlusterdDown => ("GLUSTERD_DOWN", Tone::Bad),
        HostState::Silent => ("SILENT", Tone::Bad),
        HostState::Left => ("LEFT", Tone::Faint),
        HostState::Refused => ("REFUSED", Tone::Bad),
        HostState::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// Whether a volume serves.
#[must_use]
pub fn volume_status(status: VolumeStatus) -> (&'static str, Tone) {
    match status {
        VolumeStatus::Created => ("CREATED", Tone::Plain),
        VolumeStatus::Started => ("STARTED", Tone::Good),
        VolumeStatus::Stopped => ("STOPPED", Tone::Warn),
        VolumeStatus::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// How much an event matters.
#[must_use]
pub fn severity(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Info => ("info", Tone::Plain),
        Severity::Warning => ("warning", Tone::Warn),
        Severity::Error => ("error", Tone::Bad),
        Severity::Unspecified => (UNKNOWN, Tone::Warn),
    }
}

/// What a step is for.
#[must_use]
pub fn step_type(kind: StepType) -> &'static str {
    match kind {
        StepType::Validating => "VALIDATING",
        StepType::Executing => "EXECUTING",
        StepType::Finalizing => "FINALIZING",
        StepType::RebalancingVolume => "REBALANCING_VOLUME",
        StepType::RemovingBricks => "REMOVING_BRICKS",
        StepType::ReplacingBrick => "REPLACING_BRICK",
        StepType::UnknownTask => "UNKNOWN_TASK",
        StepType::Unspecified => UNKNOWN,
    }
}

/// What a task does, as Gluster's commands name it.
#[must_use]
pub fn task_type(task: &Task) -> String {
    match task.r#type() {
        TaskType::Rebalance if task.fix_layout => "fix-layout".to_owned(),
        TaskType::Rebalance => "rebalance".to_owned(),
        TaskType::RemoveBrick => "remove-brick".to_owned(),
        TaskType::ReplaceBrick => "replace-brick".to_owned(),
        TaskType::Other if !task.type_name.is_empty() => tame(&task.type_name),
        TaskType::Other | TaskType::Unspecified => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what is unknown may read UNKNOWN, and it may read nothing else.
    #[test]
    fn unknown_is_its_own_word() {
        assert_eq!(task_status(TaskStatus::Unknown).0, UNKNOWN);
        assert_eq!(part_status(PartStatus::Unknown).0, UNKNOWN);
        assert_eq!(job_status(JobStatus::Unknown).0, UNKNOWN);
        for known in 1..=6 {
            let status = PartStatus::try_from(known).unwrap();
            assert_ne!(part_status(status).0, UNKNOWN);
        }
        let from_the_future = Task { status: 77, r#type: 77, ..Task::default() };
        assert_eq!(task_status(from_the_future.status()).0, UNKNOWN);
        assert_eq!(task_type(&from_the_future), UNKNOWN);
    }
}
