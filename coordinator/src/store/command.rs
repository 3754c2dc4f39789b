//! What commands ask of the record: intentions before actions, pauses, heals,
//! throttles, windows.
//!
//! Each function that writes is one transaction that has locked the pool's row, and
//! proves the pool's lease in it: what a command has checked is what the pool's holder
//! sees, and only that one may act on it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hod_core::command::intention::{Answer, Intention};
use hod_core::id::{IntentionId, JobId, PoolId, StepId, VolumeId};
use hod_core::lease::Lease;
use hod_core::transition::Transition;

use super::command_model::{
    CommandEvent, FoundHeal, HealProgress, NewCommand, NewThrottle, Resume, Throttle, VolumeWindow,
};
use super::error::Result;
use super::model::{Job, Task};

/// The part of the record that commands write.
///
/// As for [`Store`](super::Store), everything can fail with
/// [`StoreError::Unavailable`](super::StoreError::Unavailable) and
/// [`StoreError::Query`](super::StoreError::Query), and what fails has changed nothing.
/// What takes a lease fails with [`StoreError::LeaseLost`](super::StoreError::LeaseLost)
/// if that is not the pool's last one, and finds only what is the lease's pool's.
#[async_trait]
pub trait CommandStore: Send + Sync + 'static {
    // Intentions

    /// Opens a command, all in one transaction: the volume's lock, the job (not
    /// external) with VALIDATING finished, EXECUTING and the sub-step under way, the
    /// intention, windows and throttle if there are any, and an event `command`. A
    /// replacement or reset of a brick carries its task, with the id that hod made,
    /// from here on.
    ///
    /// # Errors
    /// [`StoreError::Busy`](super::StoreError::Busy) with the job that holds the
    /// volume; [`StoreError::NotFound`](super::StoreError::NotFound) for a pool or a
    /// volume that is not there; [`StoreError::Invalid`](super::StoreError::Invalid)
    /// for a blank description, a step type that carries no task, or a bad window.
    async fn open_command(&self, lease: Lease, new: &NewCommand) -> Result<Intention>;

    /// Opens the next run of a paused task, on the same job and step: an intention
    /// with what the earlier runs have done, and an event `command`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound) if there is no such
    /// step; [`StoreError::Refused`](super::StoreError::Refused) if it carries no
    /// task that is paused; [`StoreError::Busy`](super::StoreError::Busy) if another
    /// job holds the volume, or it is about to go on already.
    async fn open_resume(&self, lease: Lease, resume: &Resume) -> Result<Intention>;

    /// An intention that is not settled. `None`: it is settled, or there is none. To
    /// be asked right before an agent is: a coordinator that was paused in between
    /// must not act on what was settled meanwhile.
    async fn open_intention(&self, intention: IntentionId) -> Result<Option<Intention>>;

    /// Records what the agent answered. An answer that is known is not overwritten.
    /// Returns whether the intention is still to be settled.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound) with the id.
    async fn answer(&self, lease: Lease, intention: IntentionId, answer: &Answer) -> Result<bool>;

    // Commands on the job that is there

    /// Says that the task of a step is to be stopped to go on later, before Gluster
    /// is asked to stop it; with an event `command`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Refused`](super::StoreError::Refused) if its task does not run,
    /// or is paused already, by whom.
    async fn set_pause(&self, lease: Lease, step: StepId, by: &str) -> Result<()>;

    /// Takes a pause back that Gluster refused, with an event `command-refused`. One
    /// that has come true is left.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Refused`](super::StoreError::Refused) if the task is paused by now.
    async fn clear_pause(&self, lease: Lease, step: StepId, by: &str, why: &str) -> Result<()>;

    /// Ends the job of a paused task that is stopped: ABORTED, its lock released,
    /// with an event `task-ended`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Refused`](super::StoreError::Refused) if its task is not paused,
    /// or about to go on.
    async fn end_paused(&self, lease: Lease, job: JobId, actor: &str) -> Result<Job>;

    /// Records an event of a job and its volume.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound) with the id.
    async fn record_command(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<()>;

    /// Records an event of a job unless the last one of its kind said the same.
    /// Returns whether it was recorded.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound) with the id.
    async fn record_once(&self, lease: Lease, job: JobId, event: &CommandEvent) -> Result<bool>;

    /// The tasks of a pool's remove-bricks that have completed and are to be
    /// committed by themselves.
    async fn awaiting_auto_commit(&self, pool: PoolId) -> Result<Vec<Task>>;

    /// The bytes a second that the volume's last task that moved data moved, by the
    /// longest run time of its hosts. `None`: there was none, or its files were so small
    /// that their bytes say nothing of the time.
    async fn last_rate(&self, pool: PoolId, volume: VolumeId) -> Result<Option<u64>>;

    // Heals after a brick was replaced or reset

    /// The heals of a pool that are to be watched: their jobs are open, and their
    /// intentions settled.
    async fn open_heals(&self, pool: PoolId) -> Result<Vec<Task>>;

    /// A replacement that was found done becomes an external job with a task to be
    /// watched; it takes the volume's lock if that is free. Returns the job, the same
    /// one if it was found before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Invalid`](super::StoreError::Invalid) for a blank description.
    async fn add_found_heal(&self, lease: Lease, found: &FoundHeal) -> Result<Job>;

    /// Brings a heal up to date. Nothing changed: nothing is written.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound) if the step carries no
    /// heal; [`StoreError::Refused`](super::StoreError::Refused) if it has ended.
    async fn put_heal(&self, lease: Lease, step: StepId, progress: &HealProgress) -> Result<()>;

    /// Ends a heal's job, its steps and its task by a transition, releases its lock,
    /// and records an event `task-ended`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Refused`](super::StoreError::Refused) if it has ended, or its
    /// intention is not settled; [`StoreError::Invalid`](super::StoreError::Invalid)
    /// for a transition that ends nothing.
    async fn finish_heal(
        &self,
        lease: Lease,
        job: JobId,
        end: Transition,
        message: &str,
        actor: &str,
    ) -> Result<Job>;

    // Throttles

    /// Records that the throttle is about to be set for a job. Where another job's
    /// is still to be put back, its value is put back after this one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Refused`](super::StoreError::Refused) if the job has ended.
    async fn put_throttle(
        &self,
        lease: Lease,
        job: JobId,
        volume: VolumeId,
        throttle: &NewThrottle,
    ) -> Result<()>;

    /// Says that Gluster took it.
    async fn throttle_is_set(&self, lease: Lease, volume: VolumeId, set: &str) -> Result<()>;

    /// The throttles of a pool that are to be put back once their jobs have ended.
    async fn throttles(&self, pool: PoolId) -> Result<Vec<Throttle>>;

    /// Forgets a throttle that was put back, or that somebody else has changed. One
    /// that was set anew meanwhile is left. Returns whether it was forgotten.
    async fn remove_throttle(&self, lease: Lease, throttle: &Throttle) -> Result<bool>;

    // Windows

    /// The windows of a pool's volumes; a volume without any may run at any time.
    async fn windows(&self, pool: PoolId) -> Result<BTreeMap<VolumeId, Vec<VolumeWindow>>>;

    /// Sets a volume's windows, with an event `windows-set`; none: at any time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](super::StoreError::NotFound);
    /// [`StoreError::Invalid`](super::StoreError::Invalid) with the field of a window
    /// that can't be read.
    async fn set_windows(
        &self,
        lease: Lease,
        volume: VolumeId,
        windows: &[VolumeWindow],
        actor: &str,
    ) -> Result<()>;
}
