//! What a plan consists of. Each change is applied in one piece, with its events.

use crate::event::EventDraft;
use crate::id::{HostId, JobId, VolumeId};
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
}

/// A task to be recorded with its job, steps, hosts and lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutTask {
    /// How it is to be recorded.
    pub task: TaskRecord,
    /// Whether it is new: the job is to be made, external.
    pub new: bool,
    /// How the job's status changes, if it does.
    pub job: Option<Transition>,
    /// How the sub-step's status changes, if it does.
    pub step: Option<Transition>,
    /// What becomes of the volume's lock.
    pub lock: LockChange,
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
                self.tasks.insert(task.task, task.clone());
            }
        }
    }
}
