//! The exit codes: what a script may rely on, in one table.

use std::process::ExitCode;

use hod_proto::coordinator::v1::{Job, JobStatus};

/// How a run of `hod` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; of a watched job: FINISHED.
    Ok = 0,
    /// The coordinator could not be reached, or something went wrong inside.
    Trouble = 1,
    /// The command line, or what it named, can't be; or nobody said yes.
    Usage = 2,
    /// A watched job FINISHED, with files that could not be moved.
    FailedFiles = 3,
    /// No such pool, volume, task, job or step.
    NotFound = 4,
    /// A watched job FAILED.
    Failed = 5,
    /// A watched job was ABORTED.
    Aborted = 6,
    /// A watched job ended, and how is not known.
    Unknown = 7,
    /// As things stand it can't be done; what is against it was listed.
    Refused = 8,
    /// Ended by Ctrl-C: 128 and SIGINT's number, as shells have it.
    Interrupted = 130,
}

/// Each code with what it says, as the help and the man page print it.
pub const TABLE: [(Exit, &str); 10] = [
    (Exit::Ok, "done; of a watched job: FINISHED"),
    (Exit::Trouble, "the coordinator could not be reached, or an internal error"),
    (Exit::Usage, "bad usage, a bad request, or nobody said yes"),
    (Exit::FailedFiles, "watched job FINISHED, with failed files"),
    (Exit::NotFound, "no such pool, volume, task, job or step"),
    (Exit::Failed, "watched job FAILED"),
    (Exit::Aborted, "watched job ABORTED"),
    (Exit::Unknown, "watched job ended UNKNOWN"),
    (Exit::Refused, "refused as things stand; of a dry run: it would be"),
    (Exit::Interrupted, "ended by Ctrl-C"),
];

impl Exit {
    /// How the end of a watched job is told. `None` while it is open.
    #[must_use]
    pub fn of_job(job: &Job) -> Option<Self> {
        match job.status() {
            JobStatus::Started => None,
            JobStatus::Finished if failed_files(job) > 0 => Some(Self::FailedFiles),
            JobStatus::Finished => Some(Self::Ok),
            JobStatus::Failed => Some(Self::Failed),
            JobStatus::Aborted => Some(Self::Aborted),
            JobStatus::Unknown => Some(Self::Unknown),
            // A status of a newer coordinator: only the end time tells whether it is one.
            JobStatus::Unspecified => job.ended_at.is_some().then_some(Self::Unknown),
        }
    }

    /// Of two jobs' ends, the one that an operator wants to hear of.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Ok => 0,
            Self::FailedFiles => 1,
            Self::Unknown => 2,
            Self::Aborted => 3,
            Self::Failed => 4,
            Self::NotFound | Self::Usage | Self::Refused | Self::Trouble | Self::Interrupted => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Files that the job's tasks could not move.
#[must_use]
pub fn failed_files(job: &Job) -> u64 {
    job.steps
        .iter()
        .filter_map(|step| step.task.as_ref()?.counters.as_ref())
        .fold(0, |sum, counters| sum.saturating_add(counters.failed))
}

/// The table as text for the help.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Exit codes:");
    for (exit, meaning) in TABLE {
        text.push_str(&format!("\n  {:>3}  {meaning}", exit as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use hod_proto::coordinator::v1::{Step, Task};
    use hod_proto::types::v1::Counters;

    use super::*;

    fn ended(status: JobStatus, failed: u64) -> Job {
        Job {
            status: status.into(),
            steps: vec![Step {
                task: Some(Task {
                    counters: Some(Counters { failed, ..Counters::default() }),
                    ..Task::default()
                }),
                ..Step::default()
            }],
            ..Job::default()
        }
    }

    #[test]
    fn a_job_tells_how_it_ended() {
        let code = |status, failed| Exit::of_job(&ended(status, failed));
        assert_eq!(code(JobStatus::Started, 0), None);
        assert_eq!(code(JobStatus::Finished, 0), Some(Exit::Ok));
        assert_eq!(code(JobStatus::Finished, 2), Some(Exit::FailedFiles));
        assert_eq!(code(JobStatus::Failed, 2), Some(Exit::Failed));
        assert_eq!(code(JobStatus::Aborted, 0), Some(Exit::Aborted));
        assert_eq!(code(JobStatus::Unknown, 0), Some(Exit::Unknown));
    }

    #[test]
    fn a_status_of_a_newer_coordinator_ends_nothing_by_itself() {
        let mut job = Job { status: 99, ..Job::default() };
        assert_eq!(Exit::of_job(&job), None);
        job.ended_at = Some(pbjson_types::Timestamp::default());
        assert_eq!(Exit::of_job(&job), Some(Exit::Unknown));
    }

    #[test]
    fn the_worse_end_wins_whatever_the_order() {
        for (a, b, worse) in [
            (Exit::Ok, Exit::FailedFiles, Exit::FailedFiles),
            (Exit::Failed, Exit::Aborted, Exit::Failed),
            (Exit::Unknown, Exit::FailedFiles, Exit::Unknown),
        ] {
            assert_eq!(a.worse(b), worse);
            assert_eq!(b.worse(a), worse);
        }
    }
}
