//! Heals after a brick was replaced or reset. Gluster has no task for them, so hod
//! makes one: it is shown like any other, and no plan looks for it on a host.

use deadpool_postgres::GenericClient;
use hod_core::brick::Brick;
use hod_core::command::intention::Intended;
use hod_core::event::Severity;
use hod_core::id::{JobId, PoolId, StepId, TaskId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::lease::Lease;
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::apply::parts;
use super::super::convert::Columns as _;
use super::super::events::notify;
use super::super::lease::{self, Writer};
use super::super::seen::Seen;
use super::super::sql::Sql;
use super::super::{external, jobs, tasks, volumes};
use crate::store::command_model::{FoundHeal, HealProgress};
use crate::store::error::{Result, StoreError};
use crate::store::model::{Job, Task};

const INSERT: Sql = Sql::new(
    "insert_heal",
    "WITH id_in AS (
         INSERT INTO step_external_ids (pool_id, system, external_id, step_id, first_seen, last_seen)
         VALUES ($1, 'HOD', $2, $3, now(), now())
     )
     INSERT INTO step_tasks (step_id, type, reset, status, volume_id, volume_name, found_at)
     VALUES ($3, 'REPLACE_BRICK', $4, 'RUNNING', $5, $6, now())",
);
/// By the volume's own name for it; one that is not there yet by its host's.
const INSERT_BRICK: Sql = Sql::new(
    "insert_brick_of_heal",
    "INSERT INTO step_bricks (step_id, position, name, host_id, path)
     SELECT $1, $2,
            coalesce(
                (SELECT b.name FROM bricks b
                 WHERE b.pool_id = $3 AND b.volume_id = $4 AND b.host_id = $5 AND b.path = $6 LIMIT 1),
                (SELECT h.names[1] || ':' || $6 FROM hosts h WHERE h.pool_id = $3 AND h.id = $5),
                $5::uuid::text || ':' || $6),
            $5, $6",
);
const INSERT_FOUND: Sql = Sql::new(
    "insert_found_heal",
    "WITH job_in AS (
         INSERT INTO jobs (id, pool_id, description, status, external, found_at, actor)
         VALUES ($1, $2, $3, 'STARTED', true, now(), $4)
     ), subject_in AS (
         INSERT INTO job_subjects (job_id, volume_id, volume_name) VALUES ($1, $5, $6)
     )
     INSERT INTO steps (id, pool_id, job_id, parent_id, number, type, description, status, external)
     VALUES ($7, $2, $1, NULL, 1, 'EXECUTING', 'Executing', 'STARTED', true),
            ($8, $2, $1, $7, 2, 'REPLACING_BRICK', $3, 'STARTED', true)",
);
const INSERT_FOUND_BRICK: Sql = Sql::new(
    "insert_brick_of_found_heal",
    "INSERT INTO step_bricks (step_id, position, name, host_id, path) VALUES ($1, 0, $2, $3, $4)",
);
const TAKE_IF_FREE: Sql = Sql::new(
    "take_lock_if_free",
    "INSERT INTO volume_locks (pool_id, volume_id, job_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);
/// Found before, or cleared since.
const FOUND_BEFORE: Sql = Sql::new(
    "heal_found_before",
    "SELECT s.job_id FROM step_external_ids e LEFT JOIN steps s ON s.id = e.step_id
     WHERE e.pool_id = $1 AND e.system = 'HOD' AND e.external_id = $2",
);
const OPEN: Sql = Sql::new(
    "open_heals",
    "SELECT s.id FROM jobs j
     JOIN steps s ON s.job_id = j.id
     JOIN step_external_ids e ON e.step_id = s.id AND e.system = 'HOD'
     WHERE j.pool_id = $1 AND j.status = 'STARTED' AND s.status = 'STARTED'
       AND NOT EXISTS (SELECT FROM intentions i WHERE i.job_id = j.id AND i.settled_at IS NULL)",
);
const STEP: Sql = Sql::new(
    "step_of_heal",
    "SELECT s.id, s.status::text AS status,
            EXISTS (SELECT FROM intentions i WHERE i.job_id = s.job_id AND i.settled_at IS NULL) AS intended
     FROM steps s JOIN step_external_ids e ON e.step_id = s.id AND e.system = 'HOD'
     WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::uuid IS NULL OR s.job_id = $2)
     ORDER BY s.number DESC LIMIT 1",
);
const PUT: Sql = Sql::new(
    "put_heal",
    "WITH task_up AS (
         UPDATE step_tasks SET attention = $2::text::jsonb
         WHERE step_id = $1 AND attention IS DISTINCT FROM $2::text::jsonb
         RETURNING 1
     ), job_up AS (
         UPDATE jobs j SET message = $3 FROM steps s
         WHERE s.id = $1 AND j.id = s.job_id AND j.message <> $3
         RETURNING 1
     )
     SELECT EXISTS (SELECT FROM task_up) OR EXISTS (SELECT FROM job_up) AS changed",
);

/// The task of a replacement or a reset that is intended; nothing for the rest.
pub(super) async fn begin<C: GenericClient>(
    client: &C,
    pool: PoolId,
    volume: VolumeId,
    volume_name: &str,
    step: StepId,
    what: &Intended,
) -> Result<()> {
    let (task, reset, bricks): (&TaskId, bool, Vec<&Brick>) = match what {
        Intended::ReplaceBrick { old, new, task } => (task, false, vec![old, new]),
        Intended::ResetBrick { brick, task } => (task, true, vec![brick]),
        Intended::Start(_) | Intended::TakeBricks { .. } => return Ok(()),
    };
    insert(client, pool, *task, step, reset, volume, volume_name).await?;
    for (position, brick) in (0_i32..).zip(bricks) {
        INSERT_BRICK
            .execute(
                client,
                &[
                    step.as_untyped_uuid(),
                    &position,
                    pool.as_untyped_uuid(),
                    volume.as_untyped_uuid(),
                    brick.host.as_untyped_uuid(),
                    &brick.path,
                ],
            )
            .await?;
    }
    Ok(())
}

async fn insert<C: GenericClient>(
    client: &C,
    pool: PoolId,
    task: TaskId,
    step: StepId,
    reset: bool,
    volume: VolumeId,
    volume_name: &str,
) -> Result<()> {
    let (pool, task, step) = (pool.as_untyped_uuid(), task.as_untyped_uuid(), step.as_untyped_uuid());
    INSERT.execute(client, &[pool, task, step, &reset, volume.as_untyped_uuid(), &volume_name]).await?;
    Ok(())
}

/// Those whose intentions are settled.
pub(super) async fn open<C: GenericClient>(client: &C, pool: PoolId) -> Result<Vec<Task>> {
    let rows = OPEN.rows(client, &[pool.as_untyped_uuid()]).await?;
    let steps: Vec<Uuid> = rows.iter().map(|row| row.value("id")).collect::<Result<_>>()?;
    tasks::of_steps(client, &steps).await
}

pub(super) async fn found<C: GenericClient>(client: &C, by: Lease, found: &FoundHeal) -> Result<Job> {
    let description = external::not_blank("description", &found.description)?;
    lease::prove_for(client, by, found.pool).await?;
    let pool = found.pool.as_untyped_uuid();
    if let Some(row) = FOUND_BEFORE.maybe(client, &[pool, found.task.as_untyped_uuid()]).await? {
        let job = row.maybe_id("job_id")?;
        let job = job.ok_or_else(|| StoreError::Refused(format!("{description}: its job was cleared")))?;
        return jobs::get(client, job).await;
    }
    let (volume, name) =
        volumes::present(client, found.pool, &found.volume.into_untyped_uuid().to_string()).await?;
    let [job, executing, step] = std::array::from_fn(|_| Uuid::new_v4());
    let volume_id = volume.as_untyped_uuid();
    INSERT_FOUND
        .execute(client, &[&job, pool, &description, &found.actor, volume_id, &name, &executing, &step])
        .await?;
    let step = StepId::from_untyped_uuid(step);
    insert(client, found.pool, found.task, step, found.reset, volume, &name).await?;
    let brick = found.brick.brick.as_ref();
    let (host, path) = (brick.map(|b| b.host.into_untyped_uuid()), brick.map(|b| b.path.as_str()));
    let name = found.brick.name.as_str();
    INSERT_FOUND_BRICK.execute(client, &[step.as_untyped_uuid(), &name, &host, &path]).await?;
    TAKE_IF_FREE.execute(client, &[pool, volume_id, &job]).await?;
    let seen = Seen::lock(client, Writer::Holder(by), JobId::from_untyped_uuid(job)).await?;
    let message = format!("{description}: found done, its heal is watched");
    seen.tell(client, Severity::Info, "task-found", message, &found.actor).await?;
    jobs::get(client, seen.id).await
}

pub(super) async fn put<C: GenericClient>(
    client: &C,
    by: Lease,
    step: StepId,
    progress: &HealProgress,
) -> Result<()> {
    let seen = Seen::lock_of_step(client, Writer::Holder(by), step).await?;
    let row = STEP.maybe(client, &[&Some(step.into_untyped_uuid()), &None::<Uuid>]).await?;
    let row = row.ok_or_else(|| StoreError::not_found("heal of step", step))?;
    seen.open()?;
    let status: JobStatus = row.word("status")?;
    if !status.is_open() {
        return Err(StoreError::Refused(format!("{} has ended: {}", seen.description, status.code())));
    }
    let attention = serde_json::to_string(&progress.attention)
        .map_err(|e| StoreError::Refused(format!("what step {step} wants attention for: {e}")))?;
    let row = PUT.row(client, &[step.as_untyped_uuid(), &attention, &progress.message]).await?;
    let hosts = parts::put_hosts(client, &[(step.into_untyped_uuid(), &progress.parts)]).await?;
    if row.value("changed")? || hosts > 0 {
        notify::jobs(client, &[seen.id.into_untyped_uuid()]).await?;
    }
    Ok(())
}

pub(super) async fn finish<C: GenericClient>(
    client: &C,
    by: Lease,
    job: JobId,
    end: Transition,
    message: &str,
    actor: &str,
) -> Result<Job> {
    let seen = Seen::lock(client, Writer::Holder(by), job).await?;
    let row = STEP.maybe(client, &[&None::<Uuid>, &Some(job.into_untyped_uuid())]).await?;
    let row = row.ok_or_else(|| StoreError::not_found("heal of job", job))?;
    seen.open()?;
    if row.value("intended")? {
        return Err(StoreError::Refused(format!(
            "what became of it is not settled yet: {}",
            seen.description
        )));
    }
    seen.end(client, end, message).await?;
    let severity = match end {
        Transition::Complete => Severity::Info,
        Transition::Fail => Severity::Error,
        _ => Severity::Warning,
    };
    let told = format!("{}: {message}", seen.description);
    seen.tell(client, severity, "task-ended", told, actor).await?;
    jobs::get(client, job).await
}
