//! What the store takes and gives, where `hod-core` has no type for it.

use std::collections::BTreeMap;

use hod_core::event::Severity;
use hod_core::id::{CoordinatorId, HostId, JobId, PoolId, StepId, VolumeId};
use hod_core::job::{JobStatus, StepType};
use hod_core::lease::Lease;
use hod_core::record::{HostRecord, TaskRecord, VolumeRecord};
use jiff::Timestamp;

use super::error::StoreError;

/// How a pool's running tasks are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// By status calls that take the volume's lock for a moment.
    #[default]
    Normal,
    /// By calls that take no lock.
    Quiet,
}

impl Follow {
    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Quiet => "QUIET",
        }
    }
}

/// A pool to be taken up.
#[derive(Clone, Debug)]
pub struct NewPool {
    /// Unique; not blank.
    pub name: String,
    /// How its tasks are followed.
    pub follow: Follow,
    /// The hosts known so far; at least one.
    pub hosts: BTreeMap<HostId, HostRecord>,
    /// Who asked for it.
    pub actor: String,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// hod's id of it.
    pub id: PoolId,
    /// Its name.
    pub name: String,
    /// How its tasks are followed.
    pub follow: Follow,
    /// When it was added.
    pub added_at: Timestamp,
    /// Hosts that have not left.
    pub hosts: u32,
    /// Hosts whose agent answers and whose glusterd answers it.
    pub hosts_answering: u32,
    /// Volumes that are not gone.
    pub volumes: u32,
    /// Jobs under way.
    pub open_jobs: u32,
    /// The name of the coordinator that writes for it; empty: none does.
    pub holder: String,
    /// Where that one is reached; empty: none holds the pool, or it was not seen for
    /// [`Lease::LASTS`].
    pub holder_address: String,
    /// When the holder was last seen.
    pub holder_seen_at: Option<Timestamp>,
}

/// A host with its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolHost {
    /// The pool.
    pub pool: PoolId,
    /// The pool's name.
    pub pool_name: String,
    /// glusterd's UUID.
    pub id: HostId,
    /// As recorded.
    pub host: HostRecord,
}

/// A volume with its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolVolume {
    /// The pool.
    pub pool: PoolId,
    /// The pool's name.
    pub pool_name: String,
    /// As recorded.
    pub record: VolumeRecord,
    /// The open job that holds it.
    pub locked_by: Option<JobId>,
}

/// A coordinator that runs against the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinator {
    /// This process's id.
    pub id: CoordinatorId,
    /// What it is called; two that run at the same time have different names.
    pub name: String,
    /// Where the others reach its gRPC.
    pub address: String,
}

/// Who is there, and who holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The coordinators that were seen within [`Lease::LASTS`].
    pub coordinators: Vec<Coordinator>,
    /// All pools.
    pub pools: Vec<Held>,
}

/// A pool in a [`Roster`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The pool with its last epoch.
    pub lease: Lease,
    /// Which of the roster's coordinators holds it. `None`: it can be taken.
    pub by: Option<CoordinatorId>,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many changes were applied.
    pub applied: usize,
    /// Changes that were not.
    pub failed: Vec<NotApplied>,
}

/// A change that was not applied.
#[derive(Debug)]
pub struct NotApplied {
    /// Its place in the plan.
    pub index: usize,
    /// Why.
    pub error: StoreError,
}

/// A raw answer that decided a change of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When it was given.
    pub at: Timestamp,
    /// The host that gave it.
    pub host: Option<HostId>,
    /// What it answers, such as `volume rebalance dist status`.
    pub what: String,
    /// As given; cut at [`Evidence::MAX_BYTES`].
    pub raw: Vec<u8>,
}

impl Evidence {
    /// An answer is cut here, before it is compressed.
    pub const MAX_BYTES: usize = 1024 * 1024;
    /// As many answers of a job are kept, the newest.
    pub const MAX_PER_JOB: usize = 100;
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// hod's id of it.
    pub id: JobId,
    /// The pool.
    pub pool: PoolId,
    /// The pool's name.
    pub pool_name: String,
    /// What it does, in words.
    pub description: String,
    /// How it stands.
    pub status: JobStatus,
    /// Whether it was started outside of hod.
    pub external: bool,
    /// The command that it is, such as `rebalance-start`; empty where it was started
    /// outside of hod.
    pub action: String,
    /// Whether it is a remove-brick that is committed by itself once the gate is open.
    pub auto_commit: bool,
    /// When it began, where that is told.
    pub started_at: Option<Timestamp>,
    /// When hod first saw it.
    pub found_at: Timestamp,
    /// When hod saw it end.
    pub ended_at: Option<Timestamp>,
    /// By whom.
    pub actor: String,
    /// The program that reported it; empty for hod's own.
    pub origin: String,
    /// How it ended, or what it waits for.
    pub message: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// Its steps, parents first. Empty where only the list was asked for.
    pub steps: Vec<Step>,
}

/// A volume that a job is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Gluster's id.
    pub volume: VolumeId,
    /// Its name when last seen.
    pub name: String,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// hod's id of it.
    pub id: StepId,
    /// The job.
    pub job: JobId,
    /// The step it is a part of.
    pub parent: Option<StepId>,
    /// Its place in the job, from 1.
    pub number: u32,
    /// What it is for.
    pub step_type: StepType,
    /// What it does, in words.
    pub description: String,
    /// How it stands.
    pub status: JobStatus,
    /// Whether it was started outside of hod.
    pub external: bool,
    /// When it began, where that is told.
    pub started_at: Option<Timestamp>,
    /// When hod saw it end.
    pub ended_at: Option<Timestamp>,
    /// The Gluster task it carries.
    pub task: Option<Box<Task>>,
}

/// A Gluster task with its pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The pool.
    pub pool: PoolId,
    /// The pool's name.
    pub pool_name: String,
    /// The first name of every host that has a part or a brick in it.
    pub host_names: BTreeMap<HostId, String>,
    /// As recorded.
    pub record: TaskRecord,
}

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Of this pool only.
    pub pool: Option<PoolId>,
    /// About this volume only, by name or id.
    pub volume: Option<String>,
    /// With one of these; empty: any.
    pub statuses: Vec<JobStatus>,
    /// With their trees.
    pub trees: bool,
}

/// Which page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// From 1 to 1000; 0 means 100.
    pub size: i32,
    /// Where the page before ended; empty: the first page.
    pub token: String,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPage {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// For the next page; empty: there is none.
    pub next: String,
}

/// Another program's job, to be recorded.
#[derive(Clone, Debug)]
pub struct NewExternalJob {
    /// The pool.
    pub pool: PoolId,
    /// Not blank.
    pub description: String,
    /// The program.
    pub origin: String,
    /// The volume it is about, by name or id.
    pub volume: Option<String>,
    /// Who asked.
    pub actor: String,
}

/// A step of another program's job, to be recorded.
#[derive(Clone, Debug)]
pub struct NewExternalStep {
    /// The job.
    pub job: JobId,
    /// The step it is a part of.
    pub parent: Option<StepId>,
    /// VALIDATING, EXECUTING or FINALIZING.
    pub step_type: StepType,
    /// Not blank.
    pub description: String,
    /// Who asked.
    pub actor: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The pool.
    pub pool: PoolId,
    /// The pool's name.
    pub pool_name: String,
    /// Its number in the pool: in the order of commits, without gaps, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// A word for scripts.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// The volume it is about.
    pub volume: Option<VolumeId>,
    /// That volume's name now; empty where there is none.
    pub volume_name: String,
    /// The job it is about.
    pub job: Option<JobId>,
    /// By whom.
    pub actor: String,
}

/// Which events.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// Of this pool.
    pub pool: PoolId,
    /// From where on.
    pub from: EventsFrom,
    /// From 1 to 1000; 0 means 100.
    pub limit: i32,
    /// About this volume only, by name or id.
    pub volume: Option<String>,
    /// About this job only.
    pub job: Option<JobId>,
}

/// From where on events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsFrom {
    /// The newest ones.
    Newest,
    /// The next ones after this number.
    After(u64),
}

/// That something has changed, or may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A job, its steps or their hosts have changed, or the job was cleared.
    Job(JobId),
    /// A pool has new events.
    Events(PoolId),
    /// A pool was added, removed, or taken by another.
    Pool(PoolId),
    /// Something may have been missed: look at everything again.
    LookAgain,
}
