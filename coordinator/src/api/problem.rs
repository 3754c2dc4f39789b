//! What goes wrong, as a gRPC status. An error that an operator can do nothing
//! about is logged here, once.

use hod_proto::convert::Unreadable;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tracing::error;

use super::forward;
use crate::commands::Refusal;
use crate::commands::refusal::is_argument;
use crate::store::StoreError;
use crate::sync::agent::AgentError;

/// INVALID_ARGUMENT, with the field and what is wrong with it.
pub(super) fn invalid(field: &str, problem: impl Into<String>) -> Status {
    let problem = problem.into();
    Status::with_error_details(
        Code::InvalidArgument,
        format!("{field}: {problem}"),
        ErrorDetails::with_bad_request_violation(field, problem),
    )
}

/// A value of a request that can't be read.
pub(super) fn unreadable(e: &Unreadable) -> Status {
    invalid(e.field, e.problem.clone())
}

/// What the store says.
pub(super) fn store(e: StoreError) -> Status {
    let message = e.to_string();
    match e {
        StoreError::NotFound { what, name } => Status::with_error_details(
            Code::NotFound,
            message.clone(),
            ErrorDetails::with_resource_info(what, name, "", message),
        ),
        StoreError::Invalid { field, message } => invalid(field, message),
        StoreError::Exists(_) => Status::already_exists(message),
        StoreError::Refused(_) | StoreError::Busy { .. } => Status::failed_precondition(message),
        StoreError::LeaseLost { .. } | StoreError::Stale(_) => Status::aborted(message),
        StoreError::Unavailable(_) => Status::unavailable(message),
        StoreError::Query { .. } | StoreError::Unreadable(_) => {
            error!("{message}");
            Status::internal(message)
        }
    }
}

/// What an agent says, or that it says nothing.
pub(super) fn agent(e: &AgentError) -> Status {
    match e {
        AgentError::Unreachable { .. } => Status::unavailable(e.to_string()),
        AgentError::Version { .. } | AgentError::Unreadable { .. } | AgentError::Plaintext { .. } => {
            Status::failed_precondition(e.to_string())
        }
    }
}

/// The coordinator stops; a watch can be begun again.
pub(super) fn stopping() -> Status {
    Status::unavailable("the coordinator is stopping: begin the watch again")
}

/// Why a command is not run: every problem with what to do about it, those of the
/// request as INVALID_ARGUMENT with the field.
pub(super) fn command(refusal: Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::Store(e) => store(e),
        Refusal::NotHeld { address, .. } if !address.is_empty() => forward::held_by(&address, message),
        Refusal::NoAgent(_) | Refusal::Interrupted | Refusal::NotHeld { .. } => Status::unavailable(message),
        Refusal::Gluster { subject, error } => {
            let mut details = ErrorDetails::new();
            details.add_precondition_failure_violation("gluster-refused", subject, error.message);
            Status::with_error_details(Code::FailedPrecondition, message, details)
        }
        Refusal::Problems { subject, problems } => {
            let mut details = ErrorDetails::new();
            let mut code = Code::FailedPrecondition;
            for problem in &problems {
                let told = format!("{}: {}", problem.message, problem.advice);
                if is_argument(problem) {
                    code = Code::InvalidArgument;
                    details.add_bad_request_violation(problem.field, told);
                } else {
                    details.add_precondition_failure_violation(problem.code, &subject, told);
                }
            }
            Status::with_error_details(code, message, details)
        }
    }
}
