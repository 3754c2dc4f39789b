//! The ids, each a type of its own so that one can't stand in for another.

use newtype_uuid::{GenericUuid as _, TypedUuid, TypedUuidKind, TypedUuidTag};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident, $kind:ident, $tag:literal;)*) => {$(
        #[doc = concat!("The kind of [`", stringify!($id), "`].")]
        #[derive(Clone, Copy, Debug)]
        pub enum $kind {}

        impl TypedUuidKind for $kind {
            fn tag() -> TypedUuidTag {
                const TAG: TypedUuidTag = TypedUuidTag::new($tag);
                TAG
            }
        }

        $(#[$doc])*
        pub type $id = TypedUuid<$kind>;
    )*};
}

ids! {
    /// A pool's id: hod's own, given when the pool is added.
    PoolId, PoolKind, "pool";
    /// A host's id: the UUID that its glusterd gave itself.
    HostId, HostKind, "host";
    /// A volume's id, as Gluster gave it. The name is an attribute.
    VolumeId, VolumeKind, "volume";
    /// A Gluster task's id, as Gluster gave it.
    TaskId, TaskKind, "task";
    /// A job's id: hod's own.
    JobId, JobKind, "job";
    /// A step's id: hod's own.
    StepId, StepKind, "step";
    /// A coordinator's id: each process that runs has its own.
    CoordinatorId, CoordinatorKind, "coordinator";
    /// An intention's id: hod's own, and the request id that an agent is asked under.
    IntentionId, IntentionKind, "intention";
}

/// The ids of the job and the steps that a found task becomes. They are derived
/// from the pool and the task, so that finding it twice makes one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundIds {
    /// The job.
    pub job: JobId,
    /// Its step EXECUTING.
    pub executing: StepId,
    /// The sub-step that carries the task.
    pub step: StepId,
}

impl FoundIds {
    /// The ids for a task of a pool.
    #[must_use]
    pub fn of(pool: PoolId, task: TaskId) -> Self {
        let named = |role: &str| {
            let name = format!("{}/{role}", task.into_untyped_uuid());
            Uuid::new_v5(pool.as_untyped_uuid(), name.as_bytes())
        };
        Self {
            job: JobId::from_untyped_uuid(named("job")),
            executing: StepId::from_untyped_uuid(named("executing")),
            step: StepId::from_untyped_uuid(named("task")),
        }
    }
}
