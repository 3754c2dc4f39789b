//! Gluster's refusals as gRPC statuses: what happened, to what, and what to do.

use std::collections::HashMap;

use hod_core::error::{GlusterError, GlusterErrorKind as Kind};
use hod_proto::FENCED;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Whose reasons they are.
const DOMAIN: &str = "agent.hod";

/// A refusal as a status, with an `ErrorInfo` whose reason is the kind.
pub(crate) fn status(error: &GlusterError, volume: Option<&str>) -> Status {
    let (code, reason, advice) = told_as(error.kind);
    let mut message = match volume {
        Some(volume) if !error.message.contains(volume) => {
            format!("volume {volume}: {}", error.message)
        }
        _ => error.message.clone(),
    };
    if !advice.is_empty() {
        message = format!("{} ({advice})", message.trim_end_matches('.'));
    }
    let mut metadata = HashMap::new();
    if let Some(volume) = volume {
        metadata.insert("volume".to_owned(), volume.to_owned());
    }
    if error.op_errno != 0 {
        metadata.insert("op_errno".to_owned(), error.op_errno.to_string());
    }
    if !error.hosts.is_empty() {
        metadata.insert("hosts".to_owned(), error.hosts.join(","));
    }
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata);
    Status::with_error_details(code, message, details)
}

/// A request with a field that can't be.
pub(crate) fn bad_field(field: &str, problem: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {problem}"), details)
}

fn told_as(kind: Kind) -> (Code, &'static str, &'static str) {
    match kind {
        Kind::GlusterdDown => {
            (Code::Unavailable, "GLUSTERD_DOWN", "start glusterd on this host, or look into its log")
        }
        Kind::AnotherTransaction => {
            (Code::Aborted, "ANOTHER_TRANSACTION", "try again when the other command has ended")
        }
        Kind::TimedOut => (
            Code::DeadlineExceeded,
            "TIMED_OUT",
            "a peer may be frozen: look at its glusterd; the volume may stay locked for 3 minutes",
        ),
        Kind::NoSuchVolume => (Code::NotFound, "NO_SUCH_VOLUME", ""),
        Kind::VolumeNotStarted => (Code::FailedPrecondition, "VOLUME_NOT_STARTED", "start the volume first"),
        Kind::TaskNotStarted => (Code::FailedPrecondition, "TASK_NOT_STARTED", ""),
        Kind::HostsDisagree => {
            (Code::FailedPrecondition, "HOSTS_DISAGREE", "ask each host's agent for its own tasks")
        }
        Kind::WrongBrick => (Code::FailedPrecondition, "WRONG_BRICK", ""),
        Kind::NotDistributed => (Code::FailedPrecondition, "NOT_DISTRIBUTED", ""),
        Kind::TaskInProgress => (Code::FailedPrecondition, "TASK_IN_PROGRESS", ""),
        Kind::NotSupported => {
            (Code::Unimplemented, "NOT_SUPPORTED", "this version of Gluster does not know the command")
        }
        Kind::StateWithheld => (
            Code::FailedPrecondition,
            "STATE_WITHHELD",
            "get-state refuses while a volume's task was reset by a replace-brick or reset-brick: ask with locked = true",
        ),
        Kind::NotReadable => {
            (Code::Internal, "NOT_READABLE", "Gluster's answer is of a form that this agent does not know")
        }
        Kind::TooLong => (Code::ResourceExhausted, "TOO_LONG", ""),
        Kind::NotRun => {
            (Code::Unavailable, "NOT_RUN", "see the agent's --gluster, and that the agent may run it")
        }
        Kind::Refused => (Code::FailedPrecondition, "REFUSED", ""),
        Kind::NotAsked => (Code::Unavailable, "NOT_ASKED", ""),
        Kind::Fenced => (Code::FailedPrecondition, FENCED, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_of_which_volume_and_what_to_do() {
        let error = GlusterError {
            kind: Kind::AnotherTransaction,
            message: "Another transaction is in progress for dist. Please try again after some time.".into(),
            op_errno: 30802,
            hosts: vec!["node-b".into()],
        };
        let status = status(&error, Some("dist"));
        assert_eq!(status.code(), Code::Aborted);
        assert!(status.message().starts_with("Another transaction is in progress for dist"));
        assert!(status.message().ends_with("when the other command has ended)"));
        let info = status.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.reason, "ANOTHER_TRANSACTION");
        assert_eq!(info.metadata["op_errno"], "30802");
        assert_eq!(info.metadata["hosts"], "node-b");
        assert_eq!(info.metadata["volume"], "dist");
    }

    #[test]
    fn a_bad_field_is_named() {
        let status = bad_field("volume", "is blank");
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "volume");
    }
}
