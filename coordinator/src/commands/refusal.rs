//! Why a command is not run.

use hod_core::command::problem::Problem;
use hod_core::error::GlusterError;

use super::advice::advice;
use crate::store::StoreError;

/// Why a command is not run, or was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// All that is wrong.
    #[error("{}", listed(problems))]
    Problems {
        /// What it is about: the volume's name.
        subject: String,
        /// One at least.
        problems: Vec<Problem>,
    },
    /// Gluster refused, in its words; nothing was changed.
    #[error("Gluster refused: {}", in_words(error))]
    Gluster {
        /// The volume's name.
        subject: String,
        /// What it said.
        error: GlusterError,
    },
    /// Another coordinator holds the pool, or none does.
    #[error("{}", held_by(pool, holder))]
    NotHeld {
        /// The pool's name.
        pool: String,
        /// The coordinator that holds it; empty: none.
        holder: String,
        /// Where that one is reached; empty: it was not seen for a while.
        address: String,
    },
    /// No agent could be asked.
    #[error("{0}")]
    NoAgent(String),
    /// The store refused, or is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The coordinator is stopping, or broke down meanwhile.
    #[error("the coordinator stopped before the outcome was known: see the job, or ask again")]
    Interrupted,
}

impl Refusal {
    /// One thing that is wrong.
    pub(super) fn problem(subject: &str, problem: Problem) -> Self {
        Self::Problems { subject: subject.to_owned(), problems: vec![problem] }
    }

    /// The problems, if there are any.
    pub(super) fn unless_empty(subject: &str, problems: Vec<Problem>) -> Result<(), Self> {
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Self::Problems { subject: subject.to_owned(), problems }),
        }
    }
}

/// Whether a problem is in what was asked for, whatever the state of the pool: it can
/// only be mended by asking for something else.
#[must_use]
pub fn is_argument(problem: &Problem) -> bool {
    matches!(
        problem.code,
        "bad-name"
            | "no-bricks"
            | "brick-twice"
            | "no-such-brick"
            | "unknown-host"
            | "part-of-a-set"
            | "all-bricks"
            | "one-of-each-set"
            | "replica-count"
            | "other-bricks"
            | "same-brick"
            | "bad-option"
            | "bad-window"
    )
}

/// Gluster's words with hod's advice beside them.
pub(super) fn in_words(error: &GlusterError) -> String {
    let words = error.message.trim();
    match advice(error) {
        "" => words.to_owned(),
        advice => format!("{words} ({advice})"),
    }
}

fn held_by(pool: &str, holder: &str) -> String {
    match holder {
        "" => format!("no coordinator holds pool {pool} at the moment: try again in a few seconds"),
        holder => format!("pool {pool} is held by the coordinator {holder}"),
    }
}

fn listed(problems: &[Problem]) -> String {
    match problems {
        [one] => format!("{}: {}", one.message, one.advice),
        more => more.iter().map(|p| format!("- {}: {}", p.message, p.advice)).collect::<Vec<_>>().join("\n"),
    }
}
