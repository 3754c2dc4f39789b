//! Jobs, steps and tasks: inserted when found, brought up to date through
//! GetStepsByExternalTaskId.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::GenericClient;
use hod_core::change::PutTask;
use hod_core::id::PoolId;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::convert::Columns as _;
use super::super::sql::Sql;
use super::Placed;
use super::columns::{Columns, planned};
use crate::store::error::{Result, StoreError};

const KNOWN: Sql = Sql::new(
    "tasks_known",
    "SELECT external_id, step_id IS NULL AS cleared FROM step_external_ids
     WHERE pool_id = $1 AND system = 'GLUSTER' AND external_id = ANY ($2)",
);

/// A job, its step EXECUTING, and the sub-step with its external id. Where it is
/// found ended, when it ended is not known. An id that a cleared job left behind
/// is taken up again.
const INSERT: Sql = Sql::new(
    "insert_tasks",
    concat!(
        "WITH planned AS MATERIALIZED (SELECT * FROM ",
        planned!(),
        "), jobs_in AS (
            INSERT INTO jobs (id, pool_id, description, status, external, found_at, ended_at, found_ended, message)
            SELECT p.job, $1, p.job_description, p.job_status, true, p.found_at, p.ended_at,
                   p.job_status <> 'STARTED' AND p.ended_at IS NULL, p.message
            FROM planned p
        ), subjects_in AS (
            INSERT INTO job_subjects (job_id, volume_id, volume_name)
            SELECT p.job, p.volume_id, p.volume_name FROM planned p
        ), steps_in AS (
            INSERT INTO steps (id, pool_id, job_id, parent_id, number, type, description, status, external,
                               ended_at, found_ended)
            SELECT p.executing, $1, p.job, NULL, 1, 'EXECUTING', 'Executing', p.job_status, true,
                   p.ended_at, p.job_status <> 'STARTED' AND p.ended_at IS NULL
            FROM planned p
            UNION ALL
            SELECT p.step, $1, p.job, p.executing, 2, p.step_type, p.step_description, p.step_status, true,
                   CASE WHEN p.step_status <> 'STARTED' THEN p.ended_at END,
                   p.step_status <> 'STARTED' AND p.ended_at IS NULL
            FROM planned p
        ), ids_in AS (
            INSERT INTO step_external_ids AS e (pool_id, system, external_id, step_id, first_seen, last_seen, ended)
            SELECT $1, 'GLUSTER', p.task, p.step, p.found_at, greatest(p.found_at, now()),
                   CASE WHEN p.step_status = 'UNKNOWN' THEN 'UNKNOWN'
                        WHEN p.status IN ('COMPLETED', 'FAILED', 'ABORTED') THEN p.status END
            FROM planned p
            ON CONFLICT (pool_id, system, external_id) DO UPDATE SET
                step_id = EXCLUDED.step_id, run = EXCLUDED.run, cleared_at = NULL, ended = EXCLUDED.ended,
                last_seen = greatest(e.last_seen, EXCLUDED.last_seen)
            WHERE e.step_id IS NULL
        ), tasks_in AS (
            INSERT INTO step_tasks (step_id, type, type_name, fix_layout, reset, status, volume_id, volume_name,
                                    attention, found_at, running_at, followed, absence_looks, absence_span_ns,
                                    absence_since, absence_last)
            SELECT p.step, p.type, p.type_name, p.fix_layout, p.reset, p.status, p.volume_id, p.volume_name,
                   p.attention, p.found_at, p.running_at, p.followed, p.absence_looks, p.absence_span_ns,
                   p.absence_since, p.absence_last
            FROM planned p
        )
        SELECT p.task, p.step AS step_id, p.job AS job_id FROM planned p"
    ),
);

/// A status moves only by a transition, and only from where the plan saw it: a job
/// that an operator abandoned meanwhile is left alone, and the next plan sees it. So
/// is a task whose pause was set or taken back meanwhile, if that matters, and an
/// earlier run of a step. A pause is not the plan's to write. The step EXECUTING goes
/// with its job. A command's job keeps the words that it was opened with.
const UPDATE: Sql = Sql::new(
    "update_tasks",
    concat!(
        "WITH carried AS MATERIALIZED (
            SELECT p.*, s.id AS step_id, s.job_id, s.parent_id, j.external
            FROM ",
        planned!(),
        "   CROSS JOIN LATERAL GetStepsByExternalTaskId(p.task) s
            JOIN step_tasks t ON t.step_id = s.id
            JOIN jobs j ON j.id = s.job_id
            LEFT JOIN status_transitions job_t
                   ON job_t.from_status = j.status AND job_t.transition = p.job_transition
            LEFT JOIN status_transitions step_t
                   ON step_t.from_status = s.status AND step_t.transition = p.step_transition
            WHERE s.pool_id = $1
              AND p.job_status = CASE WHEN p.job_transition IS NULL THEN j.status ELSE job_t.to_status END
              AND p.step_status = CASE WHEN p.step_transition IS NULL THEN s.status ELSE step_t.to_status END
              AND (p.status <> 'PAUSED' OR t.pause_at IS NOT NULL)
              AND (p.step_transition IS NULL OR p.pause_at IS NOT DISTINCT FROM t.pause_at)
              AND NOT EXISTS (
                  SELECT FROM step_external_ids e
                  JOIN step_external_ids n ON n.step_id = e.step_id AND n.run > e.run
                  WHERE e.pool_id = $1 AND e.system = 'GLUSTER' AND e.external_id = p.task)
        ), tasks_up AS (
            UPDATE step_tasks t SET
                type = c.type, type_name = c.type_name, fix_layout = c.fix_layout, reset = c.reset,
                status = c.status, volume_id = c.volume_id, volume_name = c.volume_name, attention = c.attention,
                running_at = c.running_at, followed = c.followed, absence_looks = c.absence_looks,
                absence_span_ns = c.absence_span_ns, absence_since = c.absence_since,
                absence_last = c.absence_last
            FROM carried c
            WHERE t.step_id = c.step_id
              AND (t.type, t.type_name, t.fix_layout, t.reset, t.status, t.volume_id, t.volume_name, t.attention,
                   t.running_at, t.followed, t.absence_looks, t.absence_span_ns, t.absence_since,
                   t.absence_last)
                  IS DISTINCT FROM
                  (c.type, c.type_name, c.fix_layout, c.reset, c.status, c.volume_id, c.volume_name, c.attention,
                   c.running_at, c.followed, c.absence_looks, c.absence_span_ns, c.absence_since,
                   c.absence_last)
        ), steps_up AS (
            UPDATE steps s SET
                type = CASE WHEN c.external THEN c.step_type ELSE s.type END,
                description = CASE WHEN c.external THEN c.step_description ELSE s.description END,
                status = c.step_status,
                transition = coalesce(c.step_transition, s.transition),
                ended_at = CASE WHEN c.step_transition IS NULL THEN s.ended_at
                                WHEN c.step_status = 'STARTED' THEN NULL
                                ELSE coalesce(c.ended_at, now()) END,
                found_ended = s.found_ended AND c.step_transition IS NULL
            FROM carried c
            WHERE s.id = c.step_id
              AND (c.step_transition IS NOT NULL
                   OR (c.external
                       AND (s.type, s.description) IS DISTINCT FROM (c.step_type, c.step_description)))
        ), executing_up AS (
            UPDATE steps s SET
                status = t.to_status, transition = t.transition,
                ended_at = CASE WHEN t.to_status <> 'STARTED' THEN coalesce(c.ended_at, now()) END,
                found_ended = false
            FROM carried c, status_transitions t
            WHERE s.id = c.parent_id AND t.from_status = s.status AND t.transition = c.job_transition
        ), ids_up AS (
            UPDATE step_external_ids e SET
                last_seen = greatest(e.last_seen, now()),
                ended = CASE WHEN c.step_status = 'UNKNOWN' THEN 'UNKNOWN'
                             WHEN c.status IN ('COMPLETED', 'FAILED', 'ABORTED') THEN c.status
                             WHEN c.status = 'PAUSED' THEN 'ABORTED' END
            FROM carried c
            WHERE e.pool_id = $1 AND e.system = 'GLUSTER' AND e.external_id = c.task
              AND (e.last_seen < now() - interval '1 min'
                   OR e.ended IS DISTINCT FROM
                      CASE WHEN c.step_status = 'UNKNOWN' THEN 'UNKNOWN'
                           WHEN c.status IN ('COMPLETED', 'FAILED', 'ABORTED') THEN c.status
                             WHEN c.status = 'PAUSED' THEN 'ABORTED' END)
        ), subjects_up AS (
            UPDATE job_subjects b SET volume_name = c.volume_name
            FROM carried c
            WHERE b.job_id = c.job_id AND b.volume_id = c.volume_id AND b.volume_name <> c.volume_name
        ), jobs_up AS (
            UPDATE jobs j SET
                description = CASE WHEN c.external THEN c.job_description ELSE j.description END,
                message = c.message, status = c.job_status,
                transition = coalesce(c.job_transition, j.transition),
                ended_at = CASE WHEN c.job_transition IS NULL THEN j.ended_at
                                WHEN c.job_status = 'STARTED' THEN NULL
                                ELSE coalesce(c.ended_at, now()) END,
                found_ended = j.found_ended AND c.job_transition IS NULL
            FROM carried c
            WHERE j.id = c.job_id
              AND (c.job_transition IS NOT NULL
                   OR j.message <> c.message
                   OR (c.external AND j.description <> c.job_description))
        )
        SELECT c.task, c.step_id, c.job_id FROM carried c"
    ),
);

/// Whatever else is open in a job that has ended, such as a step of its own kind.
const END_STEPS: Sql = Sql::new(
    "end_steps_of_jobs",
    "SELECT EndStepsOfJob(j.id, j.transition, j.ended_at)
     FROM jobs j
     WHERE j.id = ANY ($1) AND j.status <> 'STARTED' AND j.transition IS NOT NULL AND j.ended_at IS NOT NULL
       AND EXISTS (SELECT FROM steps s WHERE s.job_id = j.id AND s.status = 'STARTED')",
);

/// Those of the found tasks that are recorded already: found twice, or cleared and
/// still listed. A cleared one that runs again is found again.
pub(super) async fn recorded_already<C: GenericClient>(
    client: &C,
    pool: PoolId,
    found: &[&PutTask],
) -> Result<HashSet<Uuid>> {
    if found.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = found.iter().map(|put| put.task.task.into_untyped_uuid()).collect();
    let open: HashSet<&Uuid> = found
        .iter()
        .filter(|put| put.task.job_status.is_open())
        .map(|put| put.task.task.as_untyped_uuid())
        .collect();
    let mut already = HashSet::new();
    for row in KNOWN.rows(client, &[pool.as_untyped_uuid(), &ids]).await? {
        let (id, cleared): (Uuid, bool) = (row.value("external_id")?, row.value("cleared")?);
        if !(cleared && open.contains(&id)) {
            already.insert(id);
        }
    }
    Ok(already)
}

/// Makes the jobs of found tasks.
pub(super) async fn insert<'a, C: GenericClient>(
    client: &C,
    pool: PoolId,
    found: &[&'a PutTask],
) -> Result<Vec<Placed<'a>>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(found)?;
    let rows = INSERT.rows(client, &columns.params(pool.as_untyped_uuid())).await?;
    placed(found, &rows)
}

/// Brings tasks up to date.
pub(super) async fn update<'a, C: GenericClient>(
    client: &C,
    pool: PoolId,
    tasks: &[&'a PutTask],
) -> Result<Vec<Placed<'a>>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let columns = Columns::of(tasks)?;
    let rows = UPDATE.rows(client, &columns.params(pool.as_untyped_uuid())).await?;
    let placed = placed(tasks, &rows)?;
    let ended: Vec<Uuid> = placed
        .iter()
        .filter(|p| p.put.job.is_some() && !p.put.task.job_status.is_open())
        .map(|p| p.job)
        .collect();
    if !ended.is_empty() {
        END_STEPS.rows(client, &[&ended]).await?;
    }
    Ok(placed)
}

/// Where each was recorded; each must have been.
fn placed<'a>(puts: &[&'a PutTask], rows: &[Row]) -> Result<Vec<Placed<'a>>> {
    let mut places: HashMap<Uuid, (Uuid, Uuid)> = HashMap::with_capacity(rows.len());
    for row in rows {
        places.insert(row.value("task")?, (row.value("step_id")?, row.value("job_id")?));
    }
    puts.iter()
        .map(|put| match places.get(put.task.task.as_untyped_uuid()) {
            Some(&(step, job)) => Ok(Placed { put, step, job }),
            None => Err(StoreError::Stale(format!("job {}", put.task.job))),
        })
        .collect()
}
