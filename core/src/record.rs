//! What is recorded of a pool: the part of the store that a plan is made against.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::brick::TaskBrick;
use crate::command::intention::Intention;
use crate::id::{HostId, JobId, PoolId, StepId, TaskId, VolumeId};
use crate::job::JobStatus;
use crate::task::{Counters, PartStatus, TaskStatus, TaskType};
use crate::volume::Volume;

/// A pool as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The pool.
    pub pool: PoolId,
    /// Its hosts, those that left included.
    pub hosts: BTreeMap<HostId, HostRecord>,
    /// Its volumes that are not gone.
    pub volumes: BTreeMap<VolumeId, VolumeRecord>,
    /// Tasks with an open job, and those that are observed, by Gluster's id.
    pub tasks: BTreeMap<TaskId, TaskRecord>,
    /// Observed tasks whose job was cleared: known, and not to be found again.
    pub cleared: BTreeSet<TaskId>,
    /// What hod is about to have Gluster do, and what became of it is not settled.
    pub intentions: BTreeMap<VolumeId, Intention>,
    /// Who holds which volume.
    pub locks: BTreeMap<VolumeId, JobId>,
}

/// A host as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// Names and addresses; the first is shown.
    pub names: Vec<String>,
    /// Where its agent listens, HOST:PORT.
    pub agent: String,
    /// Such as "10.3"; empty until its agent told.
    pub gluster_version: String,
    /// The agent's version; empty until it told.
    pub agent_version: String,
    /// How it stands.
    pub state: HostState,
    /// Why, in words, where it is not answering.
    pub state_message: String,
    /// Since when the state has held.
    pub since: Timestamp,
}

/// How a host of a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostState {
    /// Its agent answers, and glusterd answers the agent.
    Answering,
    /// Its agent answers, glusterd does not.
    GlusterdDown,
    /// Its agent does not answer.
    Silent,
    /// It was detached from the pool.
    Left,
    /// What answers at its address is refused.
    Refused,
}

impl HostState {
    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Answering => "ANSWERING",
            Self::GlusterdDown => "GLUSTERD_DOWN",
            Self::Silent => "SILENT",
            Self::Left => "LEFT",
            Self::Refused => "REFUSED",
        }
    }
}

/// A volume as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRecord {
    /// As last told.
    pub volume: Volume,
    /// When hod first saw it.
    pub found_at: Timestamp,
    /// What keeps hod from looking at its task, and since when.
    pub trouble: Option<(String, Timestamp)>,
}

/// A Gluster task as recorded: its job, the sub-step that carries it, and its hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// The job.
    pub job: JobId,
    /// The job's step EXECUTING, the parent of `step`.
    pub executing: StepId,
    /// The sub-step that carries the task.
    pub step: StepId,
    /// How the job stands. A remove-brick's job stays open when its step has ended.
    pub job_status: JobStatus,
    /// How the sub-step stands.
    pub step_status: JobStatus,
    /// How the job ended, or what it waits for, in words.
    pub message: String,
    /// Gluster's id; one of hod's own for a replace-brick from 3.7 on.
    pub task: TaskId,
    /// Whether it was started outside of hod.
    pub external: bool,
    /// 1, and one more for each time it went on after a pause, under a new id.
    pub run: u32,
    /// What earlier runs have done, by host: files and bytes add up over the runs.
    pub earlier: BTreeMap<HostId, Counters>,
    /// Who asked for a pause, if anybody did.
    pub pause: Option<Pause>,
    /// `None` until something told.
    pub task_type: Option<TaskType>,
    /// The volume it is about.
    pub volume: VolumeId,
    /// The volume's name when last seen.
    pub volume_name: String,
    /// For a remove-brick: the bricks.
    pub bricks: Vec<TaskBrick>,
    /// As worked out from the hosts.
    pub status: TaskStatus,
    /// The hosts' parts.
    pub parts: BTreeMap<HostId, PartRecord>,
    /// What an operator should know.
    pub attention: Vec<Attention>,
    /// When hod first saw it.
    pub found_at: Timestamp,
    /// When it was last seen in progress on any host.
    pub running_at: Option<Timestamp>,
    /// When hod saw the job end. `None` while it is open, and if it was found ended.
    pub ended_at: Option<Timestamp>,
    /// Whether a locked call has told of it: its start has released the lock.
    pub followed: bool,
    /// Whether an operator gave it up.
    pub abandoned: bool,
    /// How often it was looked for in vain.
    pub absence: Absence,
}

impl TaskRecord {
    /// The sums over the hosts; the run time is the longest one. Files and bytes are
    /// those of all runs, the rest is the last run's.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let now = self.parts.values().fold(Counters::default(), |sum, part| sum + part.counters);
        let earlier = self.earlier.values().fold(Counters::default(), |sum, c| sum + *c);
        Counters {
            files: now.files.saturating_add(earlier.files),
            bytes: now.bytes.saturating_add(earlier.bytes),
            ..now
        }
    }

    /// What all runs up to now have moved, by host.
    #[must_use]
    pub fn moved_by_host(&self) -> BTreeMap<HostId, Counters> {
        let mut moved = self.earlier.clone();
        for (host, part) in &self.parts {
            let sum = moved.entry(*host).or_default();
            sum.files = sum.files.saturating_add(part.counters.files);
            sum.bytes = sum.bytes.saturating_add(part.counters.bytes);
        }
        moved.retain(|_, c| (c.files, c.bytes) != (0, 0));
        moved
    }
}

/// Who asked for a pause, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Who: an operator, or `hod` by a window.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One host's part of a task as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRecord {
    /// Whether the task needs this host's word to end: fixed when the task was
    /// first seen.
    pub must_take_part: bool,
    /// Whether this host's own glusterd has ever held the task.
    pub held: bool,
    /// In how many looks after the start this host's own glusterd held no such
    /// task, and the last of them.
    pub not_held: Option<(u32, Timestamp)>,
    /// How it stands. [`PartStatus::Unknown`] until something told.
    pub status: PartStatus,
    /// What it has done.
    pub counters: Counters,
    /// When this last changed.
    pub changed_at: Timestamp,
}

impl PartRecord {
    /// Whether the host took no part: its own glusterd twice showed no such task
    /// after the start had released the lock.
    #[must_use]
    pub fn took_no_part(&self) -> bool {
        !self.held && self.status == PartStatus::Unknown && self.not_held.is_some_and(|(looks, _)| looks >= 2)
    }
}

/// How often a task was looked for in vain since it was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// Complete observations without it.
    pub looks: u32,
    /// The time they span, gaps counted only so far.
    pub span: Duration,
    /// The first of them.
    pub since: Option<Timestamp>,
    /// The last of them.
    pub last: Option<Timestamp>,
}

/// Something an operator should know of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// A word for scripts.
    pub code: AttentionCode,
    /// What it is and what to do, in words.
    pub text: String,
}

/// The kinds of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionCode {
    /// A host that must take part does not answer.
    WaitingForHost,
    /// Hosts hold different tasks for the volume.
    HostsDisagree,
    /// A host did not take part and will not.
    TookNoPart,
    /// A remove-brick's migration has ended and it is neither committed nor stopped.
    AwaitingCommit,
    /// A remove-brick's migration failed: stop it, or retry.
    StopOrRetry,
    /// The task has ended, and a host still runs it.
    StillRunning,
    /// No host lists the task any more, and nothing tells how it ended.
    NotSeen,
    /// Hosts can't say which tasks they hold.
    StateWithheld,
    /// The volume is in another job's hands.
    LockedByAnother,
    /// Files of a brick that is being healed are in split-brain.
    SplitBrain,
    /// A heal has not moved on for long.
    HealStandsStill,
    /// The brick that is to be healed does not serve.
    BrickDown,
}

impl AttentionCode {
    /// The word for scripts.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::WaitingForHost => "waiting-for-host",
            Self::HostsDisagree => "hosts-disagree",
            Self::TookNoPart => "took-no-part",
            Self::AwaitingCommit => "awaiting-commit",
            Self::StopOrRetry => "stop-or-retry",
            Self::StillRunning => "still-running",
            Self::NotSeen => "not-seen",
            Self::StateWithheld => "state-withheld",
            Self::LockedByAnother => "locked-by-another",
            Self::SplitBrain => "split-brain",
            Self::HealStandsStill => "heal-stands-still",
            Self::BrickDown => "brick-down",
        }
    }
}
