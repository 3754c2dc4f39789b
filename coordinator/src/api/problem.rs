//! What goes wrong, as a gRPC status. An error that an operator can do nothing
//! about is logged here, once.

use hod_proto::convert::Unreadable;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tracing::error;

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
