//! Intentions: what hod is about to have Gluster do, recorded before it asks.
//!
//! After a crash or a time-out only Gluster's own state tells what became of it:
//! the plan settles an intention by what is observed, and nothing is started twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::brick::{Brick, TaskBrick};
use crate::id::{HostId, IntentionId, JobId, StepId, TaskId, VolumeId};
use crate::task::{Counters, TaskType};

/// What hod is about to have Gluster do with a volume. A volume has at most one
/// that is not settled, since a volume has one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intention {
    /// Its own id: also the request id that the agent is asked under.
    pub id: IntentionId,
    /// The job.
    pub job: JobId,
    /// The job's step EXECUTING.
    pub executing: StepId,
    /// The sub-step that is to carry the task.
    pub step: StepId,
    /// The volume.
    pub volume: VolumeId,
    /// What is intended.
    pub what: Intended,
    /// When it was recorded.
    pub made_at: Timestamp,
    /// What the agent answered, if it has.
    pub answer: Option<Answer>,
    /// Who asked for it.
    pub actor: String,
}

/// What is intended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intended {
    /// A task is to be started, or to go on under a new id.
    Start(Start),
    /// Bricks are to be taken away without moving their files: by force, or to
    /// lower the replica count.
    TakeBricks {
        /// The bricks.
        bricks: Vec<Brick>,
    },
    /// A brick is to be replaced by another.
    ReplaceBrick {
        /// The one that goes.
        old: Brick,
        /// The one that comes.
        new: Brick,
        /// The id that hod made for it: Gluster makes none from 3.7 on.
        task: TaskId,
    },
    /// A brick is to be taken into service anew.
    ResetBrick {
        /// The brick.
        brick: Brick,
        /// The id that hod made for it.
        task: TaskId,
    },
}

/// A task that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What it does.
    pub task_type: TaskType,
    /// For a remove-brick: the bricks.
    pub bricks: Vec<TaskBrick>,
    /// Ids that the volume's tasks had before: not to be taken for the new one.
    pub before: BTreeSet<TaskId>,
    /// 1 for a start, one more for each time it goes on after a pause.
    pub run: u32,
    /// What earlier runs have done, by host.
    pub earlier: BTreeMap<HostId, Counters>,
}

/// What the agent answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Gluster did it, under this id if it told one.
    Done(Option<TaskId>),
    /// Gluster refused, in its words.
    Refused(String),
    /// Not known, and why.
    Unknown(String),
}

impl Intention {
    /// Whether a task that is observed is the one that was intended: by type and
    /// bricks as far as they are told, and an id that was not there before.
    #[must_use]
    pub fn is(&self, id: TaskId, task_type: Option<&TaskType>, bricks: &[TaskBrick]) -> bool {
        let Intended::Start(start) = &self.what else { return false };
        match &self.answer {
            Some(Answer::Done(Some(done))) => return *done == id,
            // Nothing was started, so what is there is somebody else's.
            Some(Answer::Refused(_)) => return false,
            _ => {}
        }
        let same_type = match (task_type, &start.task_type) {
            (None, _) | (Some(TaskType::Rebalance { .. }), TaskType::Rebalance { .. }) => true,
            (Some(told), wanted) => told == wanted,
        };
        let resolved = |bricks: &[TaskBrick]| bricks.iter().map(|b| b.brick.clone()).collect::<BTreeSet<_>>();
        let same_bricks = bricks.is_empty() || resolved(bricks) == resolved(&start.bricks);
        !start.before.contains(&id) && same_type && same_bricks
    }
}
