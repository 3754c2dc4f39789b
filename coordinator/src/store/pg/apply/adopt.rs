//! Tasks that were intended: the job and the steps are there, the id is new.

use std::collections::HashSet;

use deadpool_postgres::GenericClient;
use hod_core::change::{Origin, PutTask};
use hod_core::id::{IntentionId, PoolId};
use hod_core::job::JobStatus;
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::{Columns as _, Time, integer};
use super::super::sql::Sql;
use crate::store::error::{Result, StoreError};

const LOOK: Sql = Sql::new(
    "look_at_intention",
    "SELECT step_id, adopted, settled_at IS NULL AS open FROM intentions
     WHERE id = $1 AND pool_id = $2 FOR UPDATE",
);
const SETTLE: Sql = Sql::new(
    "adopt_intention",
    "UPDATE intentions SET settled_at = now(), adopted = $2, outcome = 'started' WHERE id = $1",
);
/// An id that is recorded already is not taken from where it is.
const INSERT_ID: Sql = Sql::new(
    "insert_id_of_run",
    "INSERT INTO step_external_ids (pool_id, system, external_id, step_id, run, first_seen, last_seen)
     VALUES ($1, 'GLUSTER', $2, $3, $4, $5, greatest($5, now())) ON CONFLICT DO NOTHING",
);
/// What the run before has moved stays as its sums; its hosts' rows become this run's.
const KEEP_RUN: Sql = Sql::new(
    "keep_run",
    "WITH ids_up AS (
         UPDATE step_external_ids e SET ended = 'ABORTED'
         WHERE e.step_id = $1 AND e.run <= $2 AND e.ended IS NULL
     )
     INSERT INTO step_earlier_runs (step_id, run, host_id, files, bytes)
     SELECT h.step_id, $2, h.host_id, h.files, h.bytes FROM step_hosts h
     WHERE h.step_id = $1 AND (h.files > 0 OR h.bytes > 0)
     ON CONFLICT DO NOTHING",
);
/// What else there is to say of it the update says that follows.
const PUT_TASK: Sql = Sql::new(
    "put_task_of_run",
    "INSERT INTO step_tasks (step_id, status, volume_id, volume_name, found_at)
     VALUES ($1, 'RUNNING', $2, $3, $4)
     ON CONFLICT (step_id) DO UPDATE SET
         status = 'RUNNING', found_at = EXCLUDED.found_at, pause_by = NULL, pause_at = NULL",
);

/// The tasks to be brought up to date, and those that were adopted before.
#[derive(Default)]
pub(super) struct Adopted {
    pub(super) tasks: Vec<PutTask>,
    pub(super) already: HashSet<Uuid>,
}

/// Gives tasks to the steps of their intentions, and settles these.
///
/// # Errors
/// [`StoreError::Stale`] if an intention came to something else meanwhile: the next
/// plan finds the task where it is.
pub(super) async fn adopt<C: GenericClient>(client: &C, pool: PoolId, puts: &[&PutTask]) -> Result<Adopted> {
    let mut adopted = Adopted::default();
    for put in puts {
        let Origin::Adopted(intention) = put.origin else { continue };
        if is_new(client, pool, intention, put).await? {
            take(client, pool, intention, put).await?;
            adopted.tasks.push(opened(put));
        } else {
            adopted.already.insert(put.task.task.into_untyped_uuid());
        }
    }
    Ok(adopted)
}

async fn is_new<C: GenericClient>(
    client: &C,
    pool: PoolId,
    intention: IntentionId,
    put: &PutTask,
) -> Result<bool> {
    let stale = || StoreError::Stale(format!("what was intended with job {}", put.task.job));
    let row = LOOK.maybe(client, &[intention.as_untyped_uuid(), pool.as_untyped_uuid()]).await?;
    let row = row.ok_or_else(stale)?;
    let (open, step): (bool, Uuid) = (row.value("open")?, row.value("step_id")?);
    let adopted: Option<Uuid> = row.value("adopted")?;
    if adopted == Some(put.task.task.into_untyped_uuid()) {
        return Ok(false);
    }
    if open && step == put.task.step.into_untyped_uuid() { Ok(true) } else { Err(stale()) }
}

async fn take<C: GenericClient>(
    client: &C,
    pool: PoolId,
    intention: IntentionId,
    put: &PutTask,
) -> Result<()> {
    let task = &put.task;
    let (id, step) = (task.task.as_untyped_uuid(), task.step.as_untyped_uuid());
    let run = integer("the number of runs", task.run)?;
    let found_at = Time::from(task.found_at);
    SETTLE.execute(client, &[intention.as_untyped_uuid(), id]).await?;
    if INSERT_ID.execute(client, &[pool.as_untyped_uuid(), id, step, &run, &found_at]).await? == 0 {
        return Err(StoreError::Stale(format!("task {}", task.task)));
    }
    if run > 1 {
        KEEP_RUN.execute(client, &[step, &(run - 1)]).await?;
    }
    PUT_TASK.execute(client, &[step, task.volume.as_untyped_uuid(), &task.volume_name, &found_at]).await?;
    Ok(())
}

/// The job and its steps are under way; a task that was over by the time it was first
/// seen ends them.
fn opened(put: &PutTask) -> PutTask {
    let moved = |to| Transition::between(JobStatus::Started, to);
    PutTask {
        job: put.job.or_else(|| moved(put.task.job_status)),
        step: put.step.or_else(|| moved(put.task.step_status)),
        ..put.clone()
    }
}
