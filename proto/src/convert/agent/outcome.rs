//! How a command went: what the agent tells of it, and what the coordinator keeps.

use hod_core::command::intention::Answer;
use hod_core::error::GlusterError;
use hod_core::id::{HostId, TaskId};
use hod_core::task::{Counters, PartStatus};

use super::bounds;
use crate::agent::v1 as pb;
use crate::agent::v1::command_outcome::Outcome as Sort;
use crate::convert::Unreadable;
use crate::convert::common::{id, recordable};
use crate::types::v1 as types;

/// How a command went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Gluster said that it is done.
    Done {
        /// The task that was started or ended; `None` where Gluster tells none.
        task: Option<TaskId>,
        /// In Gluster's words; they may be none.
        message: String,
        /// The hosts' last counters, in the reply to a stop.
        parts: Vec<Part>,
    },
    /// Refused: nothing was changed.
    Refused(GlusterError),
    /// It may have been done or not, or in part, and why that is not known.
    Unknown(String),
}

/// One host's part of the task that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The host. Gluster 3.4 does not tell it.
    pub host: Option<HostId>,
    /// What it is called.
    pub name: String,
    /// How its part stands.
    pub status: PartStatus,
    /// What it has done.
    pub counters: Counters,
}

impl Outcome {
    /// As it is kept with an intention.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::Done { task, .. } => Answer::Done(*task),
            Self::Refused(error) => Answer::Refused(error.message.clone()),
            Self::Unknown(reason) => Answer::Unknown(reason.clone()),
        }
    }
}

impl From<&Outcome> for pb::CommandOutcome {
    fn from(outcome: &Outcome) -> Self {
        let sort = match outcome {
            Outcome::Done { task, message, parts } => Sort::Done(pb::CommandDone {
                task_id: task.map(|id| id.to_string()).unwrap_or_default(),
                message: message.clone(),
                parts: parts.iter().map(Into::into).collect(),
            }),
            Outcome::Refused(error) => Sort::Refused(error.into()),
            Outcome::Unknown(reason) => Sort::Unknown(pb::OutcomeUnknown { reason: reason.clone() }),
        };
        Self { outcome: Some(sort) }
    }
}

impl TryFrom<pb::CommandOutcome> for Outcome {
    type Error = Unreadable;

    /// An outcome that can't be read is one that is not known: the command was run.
    fn try_from(outcome: pb::CommandOutcome) -> Result<Self, Unreadable> {
        match outcome.outcome {
            Some(Sort::Done(done)) => Ok(Self::Done {
                task: optional("task_id", &done.task_id)?,
                message: shown(done.message),
                parts: done.parts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            }),
            Some(Sort::Refused(mut error)) => {
                error.message = shown(error.message);
                Ok(Self::Refused(error.into()))
            }
            Some(Sort::Unknown(unknown)) => Ok(Self::Unknown(shown(unknown.reason))),
            None => Err(Unreadable::new("outcome", "is of a sort that is not known here")),
        }
    }
}

/// What is said of how a command went is recorded with it: no more than is taken of words.
fn shown(words: String) -> String {
    let words = recordable(words);
    match words.char_indices().nth(bounds::WORDS / 4) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

impl From<&Part> for types::TaskPart {
    fn from(part: &Part) -> Self {
        Self {
            host_id: part.host.map(|id| id.to_string()).unwrap_or_default(),
            host_name: part.name.clone(),
            status: types::PartStatus::from(part.status).into(),
            counters: Some(part.counters.into()),
        }
    }
}

impl TryFrom<types::TaskPart> for Part {
    type Error = Unreadable;

    fn try_from(part: types::TaskPart) -> Result<Self, Unreadable> {
        Ok(Self {
            host: optional("host_id", &part.host_id)?,
            status: part.status().into(),
            counters: part.counters.map(TryInto::try_into).transpose()?.unwrap_or_default(),
            name: part.host_name,
        })
    }
}

fn optional<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<Option<T>, Unreadable> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hod_core::error::GlusterErrorKind;

    #[test]
    fn an_outcome_travels_whole() {
        let task: TaskId = "706ce875-ad40-452b-9155-aefdbb191f51".parse().unwrap();
        let part = |host| Part {
            host,
            name: "node-a".into(),
            status: PartStatus::Stopped,
            counters: Counters { files: 3, ..Counters::default() },
        };
        let host: HostId = "3895db41-8754-4ae0-8629-32478400476e".parse().unwrap();
        let refusal = GlusterError {
            kind: GlusterErrorKind::TaskInProgress,
            message: "Rebalance on dist is already started".into(),
            op_errno: 30800,
            hosts: vec!["node-b".into()],
        };
        for outcome in [
            Outcome::Done {
                task: Some(task),
                message: "done".into(),
                parts: vec![part(Some(host)), part(None)],
            },
            Outcome::Done { task: None, message: String::new(), parts: Vec::new() },
            Outcome::Refused(refusal),
            Outcome::Unknown("no answer".into()),
        ] {
            assert_eq!(Outcome::try_from(pb::CommandOutcome::from(&outcome)), Ok(outcome));
        }
    }

    #[test]
    fn what_is_no_outcome_is_not_taken_for_one() {
        assert!(Outcome::try_from(pb::CommandOutcome::default()).is_err());
        let done = pb::CommandDone { task_id: "none".into(), ..pb::CommandDone::default() };
        let error = Outcome::try_from(pb::CommandOutcome { outcome: Some(Sort::Done(done)) }).unwrap_err();
        assert_eq!(error.field, "task_id");
    }
}
