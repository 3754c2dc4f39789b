//! What went wrong: what happened, to what, and what to do. It is one line, unless a
//! refusal lists several things.

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
    /// done, to what: "remove pool prod". It is one line, and one more for each of
    /// several things that are wrong, and for each that keeps it from being done.
    #[must_use]
    pub fn refused(doing: &str, status: &Status) -> Self {
        let exit = exit_of(status.code());
        let wrong = wrong(status);
        let reason = reason(status, &wrong);
        let advice = advice(status).map(|advice| format!("; {advice}"));
        let mut text = line(&format!("can't {doing}{reason}{}", advice.unwrap_or_default()));
        if wrong.listed {
            for one in &wrong.things {
                text.push_str(&format!("\n- {}", line(&one.line())));
            }
        }
        Self::new(exit, text)
    }
}

/// A single line of what came from elsewhere.
fn line(text: &str) -> String {
    tame(text).replace('\n', " ")
}

/// One thing that is wrong: a field that can't be, or what keeps it from being done.
struct Wrong {
    /// A word for scripts; empty for a bad field.
    code: String,
    field: String,
    what: String,
}

impl Wrong {
    fn line(&self) -> String {
        match (self.code.as_str(), self.field.as_str()) {
            (name, "") | ("", name) => format!("{name}: {}", self.what),
            (code, field) => format!("{code} ({field}): {}", self.what),
        }
    }
}

/// All that is wrong.
struct AllWrong {
    things: Vec<Wrong>,
    /// Whether each gets a line of its own; a single bad field fits into the first one.
    listed: bool,
}

fn wrong(status: &Status) -> AllWrong {
    let fields = status.get_details_bad_request().map(|request| request.field_violations);
    let fields = fields.unwrap_or_default().into_iter().map(|violation| Wrong {
        code: String::new(),
        field: violation.field,
        what: violation.description,
    });
    let states = status.get_details_precondition_failure().map(|failure| failure.violations);
    let states = states.unwrap_or_default().into_iter().map(|violation| Wrong {
        code: violation.r#type,
        field: violation.subject,
        what: violation.description,
    });
    let things: Vec<_> = fields.chain(states).collect();
    let listed = things.len() > 1 || things.iter().any(|one| !one.code.is_empty());
    AllWrong { things, listed }
}

/// What the coordinator says, as it goes on behind what was to be done.
fn reason(status: &Status, wrong: &AllWrong) -> String {
    let message = match status.message() {
        "" => status.code().description(),
        message => message,
    };
    if wrong.listed {
        // Many services repeat in their message what is listed: once is enough.
        let repeats = wrong.things.iter().any(|one| message.contains(first_part(&one.what)));
        let reasons = match wrong.things.len() {
            1 => String::new(),
            several => format!(", for {several} reasons"),
        };
        return if repeats { format!("{reasons}:") } else { format!("{reasons}: {message}") };
    }
    let mut reason = format!(": {message}");
    for one in &wrong.things {
        if !reason.contains(&one.what) {
            reason.push_str(&format!("; {}: {}", one.field, one.what));
        } else if !reason.contains(&one.field) {
            reason.push_str(&format!(" ({})", one.field));
        }
    }
    if let Some(cause) = status.source().map(root) {
        reason.push_str(&format!(" ({cause})"));
    }
    reason
}

/// What is wrong, without what to do about it.
fn first_part(what: &str) -> &str {
    what.split_once(" — ").map_or(what, |(wrong, _)| wrong)
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
        Code::InvalidArgument | Code::AlreadyExists | Code::OutOfRange => Exit::Usage,
        Code::FailedPrecondition => Exit::Refused,
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
    fn what_keeps_it_from_being_done_is_listed() {
        let stopped = "gv0 is stopped — start it: `gluster volume start gv0`";
        let mut details = ErrorDetails::with_precondition_failure_violation("volume-stopped", "", stopped);
        details.add_precondition_failure_violation("not-a-brick", "bricks", "x:/y is none\n— mend it");
        let message = format!("2 problems: {stopped}; x:/y is none");
        let status = Status::with_error_details(Code::FailedPrecondition, message, details);
        let failure = Failure::refused("start a rebalance of gv0", &status);
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(
            failure.to_string(),
            "can't start a rebalance of gv0, for 2 reasons:\n\
             - volume-stopped: gv0 is stopped — start it: `gluster volume start gv0`\n\
             - not-a-brick (bricks): x:/y is none — mend it"
        );
    }

    #[test]
    fn several_bad_fields_have_a_line_each() {
        let mut details = ErrorDetails::with_bad_request_violation("old_brick", "is none");
        details.add_bad_request_violation("new_brick", "is blank");
        let status = Status::with_error_details(Code::InvalidArgument, "bad request", details);
        let failure = Failure::refused("replace a brick", &status);
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.to_string(),
            "can't replace a brick, for 2 reasons: bad request\n- old_brick: is none\n- new_brick: is blank"
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
