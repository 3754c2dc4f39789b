//! What a plan consists of. Each change is applied in one piece, with its events.

use jiff::Timestamp;

use crate::event::EventDraft;
use crate::id::{HostId, IntentionId, JobId, StepId, TaskId, VolumeId};
use crate::record::{HostRecord, Recorded, TaskRecord, VolumeRecord};
use crate::transition::Transition;

/// One change with the events it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What to record.
    pub change: Change,
    /// What to tell.
    pub events: Vec<EventDraft>,
}

/// What to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A host is new, or differs from what is recorded.
    PutHost(HostId, HostRecord),
    /// A volume is new, or differs from what is recorded.
    PutVolume(VolumeRecord),
    /// A volume is gone.
    VolumeGone(VolumeId),
    /// A task is new, or differs from what is recorded.
    PutTask(Box<PutTask>),
    /// An intention came to something else than a task.
    Settle(Box<Settle>),
}

/// A task to be recorded with its job, steps, hosts and lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutTask {
    /// How it is to be recorded.
    pub task: TaskRecord,
    /// Where it comes from.
    pub origin: Origin,
    /// How the job's status changes, if it does.
    pub job: Option<Transition>,
    /// How the sub-step's status changes, if it does.
    pub step: Option<Transition>,
    /// What becomes of the volume's lock.
    pub lock: LockChange,
}

/// Where a task that is to be recorded comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is recorded already.
    Known,
    /// Nobody here started it: an external job is to be made.
    Found,
    /// It is what was intended: the job is there, the id is new. An earlier run's
    /// record on the same step is over.
    Adopted(IntentionId),
}

/// An intention that came to something else than a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The intention.
    pub intention: IntentionId,
    /// Its job.
    pub job: JobId,
    /// The sub-step.
    pub step: StepId,
    /// The volume.
    pub volume: VolumeId,
    /// How the job ends. `None`: it goes on, as a pause that could not be ended, or
    /// as a replace-brick whose heal is to be watched.
    pub end: Option<Transition>,
    /// Why, in words: the job's message.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// What becomes of a volume's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// Nothing.
    Keep,
    /// The job takes it; it was free.
    Take,
    /// The job takes it from another, which is not Gluster's.
    TakeFrom(JobId),
    /// The job gives it back.
    Release,
}

impl Recorded {
    /// What is recorded after a change: what the store does in SQL, in memory.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PutHost(id, host) => {
                self.hosts.insert(*id, host.clone());
            }
            Change::PutVolume(record) => {
                self.volumes.insert(record.volume.id, record.clone());
            }
            Change::VolumeGone(id) => {
                self.volumes.remove(id);
            }
            Change::PutTask(put) => {
                let task = &put.task;
                match put.lock {
                    LockChange::Keep => {}
                    LockChange::Take | LockChange::TakeFrom(_) => {
                        self.locks.insert(task.volume, task.job);
                    }
                    LockChange::Release => {
                        self.locks.remove(&task.volume);
                    }
                }
                // Of one step only the last run counts: an earlier one's id is known, and over.
                let over = |t: &TaskRecord| t.step == task.step && t.task != task.task;
                let ids: Vec<TaskId> = self.tasks.values().filter(|t| over(t)).map(|t| t.task).collect();
                for id in ids {
                    self.tasks.remove(&id);
                    self.cleared.insert(id);
                }
                if let Origin::Adopted(_) = put.origin {
                    self.intentions.remove(&task.volume);
                }
                self.tasks.insert(task.task, task.clone());
            }
            Change::Settle(settle) => {
                self.intentions.retain(|_, intention| intention.id != settle.intention);
                // What an operator should know of the task comes before why it did not go on.
                let open = |t: &&mut TaskRecord| {
                    t.step == settle.step && t.job_status.is_open() && t.attention.is_empty()
                };
                for task in self.tasks.values_mut().filter(open) {
                    task.message.clone_from(&settle.message);
                }
                if settle.end.is_some() && self.locks.get(&settle.volume) == Some(&settle.job) {
                    self.locks.remove(&settle.volume);
                }
            }
        }
    }
}
