//! What went wrong, in a line: what happened, to what, and what to do.

use std::error::Error;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::exit::Exit;
use crate::text::paint::tame;

/// A run that ends without having done what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// How `hod` ends.
    pub exit: Exit,
    text: String,
}

impl Failure {
    /// A failure in words.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// What an operator asked for can't be.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// The coordinator refused, or could not be asked. `doing` says what was to be
    /// done, to what: "remove pool prod".
    #[must_use]
    pub fn refused(doing: &str, status: &Status) -> Self {
        let exit = exit_of(status.code());
        let reason = reason(status);
        let advice = advice(status).map(|advice| format!("; {advice}"));
        let text = format!("can't {doing}: {reason}{}", advice.unwrap_or_default());
        Self::new(exit, tame(&text).replace('\n', " "))
    }
}

/// What the coordinator says, and which fields it does not like.
fn reason(status: &Status) -> String {
    let mut reason = if status.message().is_empty() {
        status.code().description().to_owned()
    } else {
        status.message().to_owned()
    };
    if let Some(request) = status.get_details_bad_request() {
        for violation in request.field_violations {
            // Many services repeat the violations in their message: once is enough.
            if !reason.contains(&violation.description) {
                reason.push_str(&format!("; {}: {}", violation.field, violation.description));
            } else if !reason.contains(&violation.field) {
                reason.push_str(&format!(" ({})", violation.field));
            }
        }
    }
    if let Some(cause) = status.source().map(root) {
        reason.push_str(&format!(" ({cause})"));
    }
    reason
}

/// What to do where the coordinator itself could not say.
fn advice(status: &Status) -> Option<&'static str> {
    match status.code() {
        Code::Unimplemented => Some("the coordinator is of another version than this `hod`"),
        Code::DeadlineExceeded | Code::Cancelled => {
            Some("whether it was done is not known: look again before repeating it")
        }
        Code::Unavailable if status.source().is_some() => {
            Some("the connection to the coordinator broke: look again before repeating it")
        }
        _ => None,
    }
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::NotFound => Exit::NotFound,
        Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists | Code::OutOfRange => {
            Exit::Usage
        }
        _ => Exit::Trouble,
    }
}

/// The innermost cause: the one that tells what happened.
#[must_use]
pub fn root(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn the_coordinators_words_are_shown() {
        let status = Status::not_found("no pool is called prod");
        let failure = Failure::refused("remove pool prod", &status);
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.to_string(), "can't remove pool prod: no pool is called prod");
    }

    #[test]
    fn fields_are_named_once() {
        let details = ErrorDetails::with_bad_request_violation("agent", "is not HOST:PORT");
        let status = Status::with_error_details(Code::InvalidArgument, "bad request", details.clone());
        let failure = Failure::refused("add pool prod", &status);
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.to_string(), "can't add pool prod: bad request; agent: is not HOST:PORT");
        let repeated = Status::with_error_details(Code::InvalidArgument, "agent: is not HOST:PORT", details);
        assert_eq!(
            Failure::refused("add pool prod", &repeated).to_string(),
            "can't add pool prod: agent: is not HOST:PORT"
        );
    }

    #[test]
    fn a_status_without_words_still_says_something_in_one_line() {
        let failure = Failure::refused("list jobs", &Status::internal(""));
        assert_eq!(failure.exit, Exit::Trouble);
        assert_eq!(failure.to_string(), "can't list jobs: Internal error");
        let failure = Failure::refused("list jobs", &Status::internal("a\nb\u{1b}[2J"));
        assert_eq!(failure.to_string(), "can't list jobs: a b\u{fffd}[2J");
    }
}
