//! What is sure about how a command went.

use hod_core::id::HostId;
use hod_proto::convert::agent::Outcome;
use hod_proto::convert::agent::outcome::Part;

use crate::gluster::refusal::shortened;
use crate::gluster::{HostPart, TaskReply, Undone};

/// The outcome of Gluster's answer. `host_name` tells what a host is called in the
/// pool: Gluster calls the host that is asked "localhost".
pub(super) fn of(answer: Result<TaskReply, Undone>, host_name: impl Fn(&HostId) -> String) -> Outcome {
    match answer {
        Ok(reply) => Outcome::Done {
            task: reply.id,
            message: shortened(&reply.message),
            parts: reply.parts.into_iter().map(|part| named(part, &host_name)).collect(),
        },
        Err(Undone::Refused(mut error)) => {
            error.message = shortened(&error.message);
            Outcome::Refused(error)
        }
        Err(Undone::Unknown(error)) => Outcome::Unknown(shortened(&error.message)),
    }
}

fn named(part: HostPart, host_name: impl Fn(&HostId) -> String) -> Part {
    let HostPart { host, name, status, counters } = part;
    let known = host.as_ref().map(host_name).filter(|name| !name.is_empty());
    Part { host, name: known.unwrap_or(name), status, counters }
}

/// The word for an outcome in metrics.
pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown(_) => "unknown",
    }
}
