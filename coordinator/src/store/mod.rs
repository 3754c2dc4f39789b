//! What hod remembers: pools, hosts, volumes, jobs, steps, locks and events.
//!
//! [`Store`] is the border: sync loads what is recorded and applies a plan, the
//! API reads and writes jobs and watches events; [`CommandStore`] is the part of it
//! that commands write. [`PgStore`] is the store in
//! PostgreSQL; SQL stands there and in `migrations/`, and nowhere else.
//!
//! Times are the database's ([`Store::now`]), and travel here as
//! [`jiff::Timestamp`] of whole microseconds, which is what PostgreSQL keeps.

mod command;
mod command_model;
mod describe;
mod error;
mod model;
mod pg;

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::stream::BoxStream;
use hod_core::change::Planned;
use hod_core::event::EventDraft;
use hod_core::id::{CoordinatorId, JobId, PoolId, StepId, TaskId};
use hod_core::job::JobStatus;
use hod_core::record::Recorded;
use jiff::Timestamp;

pub use command::CommandStore;
pub use command_model::{
    CommandEvent, FoundHeal, HealProgress, NewCommand, NewThrottle, Resume, Throttle, ThrottleState,
    VolumeWindow,
};
pub use describe::{describe_job, describe_step};
pub use error::{Result, StoreError};
pub use hod_core::lease::Lease;
pub use model::{
    Applied, Coordinator, Event, EventFilter, EventsFrom, Evidence, Follow, Held, Job, JobFilter, JobPage,
    NewExternalJob, NewExternalStep, NewPool, NotApplied, Notice, Page, Pool, PoolHost, PoolVolume, Roster,
    Step, Subject, Task,
};
pub use pg::PgStore;
pub(crate) use pg::register_measures;

/// The record of every pool.
///
/// Everything here can fail with [`StoreError::Unavailable`] (the database does
/// not answer: try again) and [`StoreError::Query`] (it refused); what else can
/// go wrong is said at each function. What fails has changed nothing.
#[async_trait]
pub trait Store: CommandStore {
    /// The database's time, in whole microseconds: the `now` of a plan.
    async fn now(&self) -> Result<Timestamp>;

    // Pools

    /// Takes up a pool with its hosts.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the name is blank, is a UUID, or there is no host;
    /// [`StoreError::Exists`] if the name is taken, or another pool claims one of
    /// the hosts: both are named.
    async fn add_pool(&self, new: NewPool) -> Result<Pool>;

    /// All pools, by name.
    async fn pools(&self) -> Result<Vec<Pool>>;

    /// One pool, by its name or id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the name.
    async fn pool(&self, name_or_id: &str) -> Result<Pool>;

    /// Forgets a pool with all that is recorded of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id.
    async fn remove_pool(&self, pool: PoolId) -> Result<()>;

    /// The hosts of a pool (`None`: of all pools), those that left included.
    async fn hosts(&self, pool: Option<PoolId>) -> Result<Vec<PoolHost>>;

    /// The volumes of a pool (`None`: of all pools) that are not gone.
    async fn volumes(&self, pool: Option<PoolId>) -> Result<Vec<PoolVolume>>;

    // Who writes for a pool

    /// Forgets the coordinators that this one comes after: one of the same name, which
    /// can't run any more, and where the database is this one's own (`alone`) all. What
    /// they held is free at once. To be called once, before the first
    /// [`Store::check_in`].
    async fn succeed(&self, coordinator: &Coordinator, alone: bool) -> Result<()>;

    /// Says that a coordinator is there, which renews all its leases, and tells who
    /// else is, and who holds what. It waits for no other write.
    async fn check_in(&self, coordinator: &Coordinator) -> Result<Roster>;

    /// Gives back all that a coordinator holds, and forgets it. Its leases prove
    /// nothing any more.
    async fn check_out(&self, coordinator: CoordinatorId) -> Result<()>;

    /// Makes a coordinator that has checked in the one who writes for a pool. Whoever
    /// held it before can write nothing more. `None`: another holds it, who was seen
    /// within [`Lease::LASTS`] by the database's clock.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id.
    async fn take_lease(&self, pool: PoolId, coordinator: CoordinatorId) -> Result<Option<Lease>>;

    /// Gives a pool back: it is free, and the lease proves nothing any more.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if another holds it; [`StoreError::NotFound`] if the
    /// pool was removed.
    async fn release_lease(&self, lease: Lease) -> Result<()>;

    // Sync

    /// What is recorded of a pool, at one moment: its hosts, its volumes that are
    /// not gone, its locks, and the tasks that have an open job or are among
    /// `observed`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id.
    async fn load(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<Recorded>;

    /// Which of these tasks had a job that was cleared. [`Store::load`] does not
    /// tell of them; a plan is not to find them again unless they run again.
    async fn cleared(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<BTreeSet<TaskId>>;

    /// Applies a plan: all of it in one transaction, and if that fails, each change
    /// with its events in one of its own, so that one that can't be applied stops
    /// no other. A new task that is recorded already changes nothing.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] and [`StoreError::NotFound`] as for
    /// [`Store::release_lease`]. A change that could not be applied is no error here,
    /// but told in [`Applied::failed`].
    async fn apply(&self, lease: Lease, plan: &[Planned]) -> Result<Applied>;

    /// Records events that come from no change.
    ///
    /// # Errors
    /// As [`Store::release_lease`].
    async fn record(&self, lease: Lease, events: &[EventDraft]) -> Result<()>;

    /// Clears jobs that ended before a time (found ended: that were found before
    /// it). Tasks among `listed`, those that Gluster still lists, stay known, see
    /// [`Store::cleared`]. Returns how many jobs were cleared.
    ///
    /// # Errors
    /// As [`Store::release_lease`].
    async fn clear_ended(&self, lease: Lease, before: Timestamp, listed: &BTreeSet<TaskId>) -> Result<u64>;

    /// Keeps raw answers that decided a change of a job. Each is compressed, and
    /// cut at [`Evidence::MAX_BYTES`]; of a job the newest
    /// [`Evidence::MAX_PER_JOB`] are kept.
    ///
    /// # Errors
    /// As [`Store::release_lease`]; [`StoreError::NotFound`] if there is no such job.
    async fn keep_evidence(&self, lease: Lease, job: JobId, evidence: &[Evidence]) -> Result<()>;

    /// The evidence of a job, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such job.
    async fn evidence(&self, job: JobId) -> Result<Vec<Evidence>>;

    // Jobs

    /// Jobs, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a page token that is none, or a page size that
    /// is out of range; [`StoreError::NotFound`] for a volume that is not known.
    async fn jobs(&self, filter: &JobFilter, page: &Page) -> Result<JobPage>;

    /// One job with its tree.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id.
    async fn job(&self, job: JobId) -> Result<Job>;

    /// The tasks of a pool (`None`: of all pools) that have an open job or are
    /// among `listed`.
    async fn tasks(&self, pool: Option<PoolId>, listed: &BTreeSet<TaskId>) -> Result<Vec<Task>>;

    /// One task, by Gluster's id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id.
    async fn task(&self, task: TaskId) -> Result<Task>;

    /// Records a job of another program. This and what follows up to
    /// [`Store::abandon_job`] needs no lease: it is somebody's word, true whichever
    /// coordinator hears it, and no conclusion of a coordinator's own.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank description; [`StoreError::NotFound`]
    /// for a pool or a volume that is not known.
    async fn add_external_job(&self, new: NewExternalJob) -> Result<Job>;

    /// Records a step of another program's job.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank description, or a type that only hod's
    /// own steps have; [`StoreError::NotFound`] for an unknown job or parent;
    /// [`StoreError::Refused`] if the job or the parent has ended, is not external,
    /// or follows a Gluster task.
    async fn add_external_step(&self, new: NewExternalStep) -> Result<Step>;

    /// Ends a step of another program's job, with the open steps under it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a status that ends nothing;
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] as for
    /// [`Store::add_external_step`].
    async fn end_external_step(&self, step: StepId, status: JobStatus, actor: &str) -> Result<Step>;

    /// Ends another program's job, with its open steps.
    ///
    /// # Errors
    /// As [`Store::end_external_step`].
    async fn end_external_job(&self, job: JobId, status: JobStatus, actor: &str) -> Result<Job>;

    /// Takes an ended external job out of the record.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] if it is open or not external.
    async fn clear_external_job(&self, job: JobId, actor: &str) -> Result<()>;

    /// Ends a job that can't end otherwise: UNKNOWN, by whom and why. Its lock is
    /// released.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a blank reason; [`StoreError::NotFound`];
    /// [`StoreError::Refused`] if it has ended.
    async fn abandon_job(&self, job: JobId, actor: &str, reason: &str) -> Result<Job>;

    // Events

    /// Events of a pool, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a limit that is out of range;
    /// [`StoreError::NotFound`] for a volume that is not known.
    async fn events(&self, filter: &EventFilter) -> Result<Vec<Event>>;

    /// Tells from now on what has changed. It begins with [`Notice::LookAgain`]
    /// once it listens, so that what was read before can be read again without a
    /// gap, and says so again whenever something may have been missed.
    fn listen(&self) -> BoxStream<'static, Notice>;
}
