//! Reading Gluster tasks as recorded, with their hosts' parts and their bricks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::GenericClient;
use hod_core::brick::TaskBrick;
use hod_core::id::{HostId, PoolId, TaskId};
use hod_core::record::{Absence, Attention, PartRecord, Pause, TaskRecord};
use hod_core::task::Counters;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, brick, brick_name, duration, small, task_type, uuids};
use super::sql::{Params, Sql};
use crate::store::error::{Result, StoreError};
use crate::store::model::Task;

/// Of a step that ran under several ids the last one stands for it. $3: by which
/// systems.
const OPEN_OR_OBSERVED: Sql = Sql::new(
    "tasks_open_or_observed",
    "SELECT * FROM (
         SELECT DISTINCT ON (e.step_id) e.external_id, e.step_id, e.run
         FROM jobs j
         JOIN steps s ON s.job_id = j.id
         JOIN step_external_ids e ON e.step_id = s.id AND e.system = ANY ($3::text[]::external_system[])
         WHERE j.status = 'STARTED' AND ($1::uuid IS NULL OR j.pool_id = $1)
         ORDER BY e.step_id, e.run DESC
     ) open
     UNION
     SELECT e.external_id, e.step_id, e.run
     FROM step_external_ids e
     WHERE e.system = ANY ($3::text[]::external_system[]) AND e.external_id = ANY ($2) AND e.step_id IS NOT NULL
       AND ($1::uuid IS NULL OR e.pool_id = $1)
       AND NOT EXISTS (SELECT FROM step_external_ids n WHERE n.step_id = e.step_id AND n.run > e.run)",
);
const OF_STEPS: Sql = Sql::new(
    "tasks_of_steps",
    "SELECT DISTINCT ON (e.step_id) e.external_id, e.step_id, e.run
     FROM step_external_ids e
     WHERE e.system IN ('GLUSTER', 'HOD') AND e.step_id = ANY ($1)
     ORDER BY e.step_id, e.run DESC",
);
/// An earlier run's id finds the step too, which is shown as it is by its last run.
const BY_ID: Sql = Sql::new(
    "task",
    "SELECT n.external_id, n.step_id, n.run
     FROM step_external_ids e
     JOIN step_external_ids n ON n.step_id = e.step_id AND n.system IN ('GLUSTER', 'HOD')
     WHERE e.system IN ('GLUSTER', 'HOD') AND e.external_id = $1
     ORDER BY e.last_seen DESC, n.run DESC LIMIT 1",
);
/// Ids that are known, and not to be found again: their job was cleared, or their
/// step has gone on under another.
const CLEARED: Sql = Sql::new(
    "tasks_cleared",
    "SELECT e.external_id FROM step_external_ids e
     WHERE e.pool_id = $1 AND e.system = 'GLUSTER' AND e.external_id = ANY ($2)
       AND (e.step_id IS NULL
            OR EXISTS (SELECT FROM step_external_ids n WHERE n.step_id = e.step_id AND n.run > e.run))",
);
const TASKS: Sql = Sql::new(
    "tasks",
    "SELECT s.id AS step_id, s.parent_id, s.job_id, s.pool_id, p.name AS pool_name,
            j.status::text AS job_status, s.status::text AS step_status, j.message, j.ended_at, j.external,
            t.type::text AS task_type, t.type_name, t.fix_layout, t.reset, t.status::text AS status,
            t.volume_id, t.volume_name, t.attention, t.found_at, t.running_at, t.followed,
            t.pause_by, t.pause_at, t.absence_looks, t.absence_span_ns, t.absence_since, t.absence_last,
            coalesce(j.transition = 'ABANDON', false) AS abandoned
     FROM step_tasks t
     JOIN steps s ON s.id = t.step_id
     JOIN jobs j ON j.id = s.job_id
     JOIN pools p ON p.id = s.pool_id
     WHERE t.step_id = ANY ($1)",
);
const PARTS: Sql = Sql::new(
    "tasks_parts",
    "SELECT h.step_id, h.host_id, h.must_take_part, h.held, h.not_held_looks, h.not_held_at,
            h.status::text AS status, h.files, h.bytes, h.scanned, h.failed, h.skipped, h.run_time_ns, h.changed_at
     FROM step_hosts h WHERE h.step_id = ANY ($1)",
);
const EARLIER: Sql = Sql::new(
    "tasks_earlier_runs",
    "SELECT r.step_id, r.host_id, sum(r.files)::int8 AS files, sum(r.bytes)::int8 AS bytes
     FROM step_earlier_runs r WHERE r.step_id = ANY ($1) GROUP BY r.step_id, r.host_id",
);
const BRICKS: Sql = Sql::new(
    "tasks_bricks",
    "SELECT b.step_id, b.name, b.host_id, b.path
     FROM step_bricks b WHERE b.step_id = ANY ($1) ORDER BY b.step_id, b.position",
);
const HOST_NAMES: Sql = Sql::new(
    "tasks_host_names",
    "SELECT h.pool_id, h.id, coalesce(h.names[1], h.id::text) AS name
     FROM hosts h WHERE h.pool_id = ANY ($1)",
);

/// A task's place: the id it goes by, and the step that carries it.
struct Carried {
    task: TaskId,
    step: Uuid,
    run: i32,
}

/// What a plan is made against: Gluster's tasks that have an open job or are among
/// `observed`. What has an id that hod made is none of Gluster's: no host lists it.
pub(super) async fn of_gluster<C: GenericClient>(
    client: &C,
    pool: PoolId,
    observed: &BTreeSet<TaskId>,
) -> Result<Vec<Task>> {
    open_or_observed(client, Some(pool), observed, &["GLUSTER"]).await
}

/// What is shown: all tasks that have an open job or are among `listed`.
pub(super) async fn shown<C: GenericClient>(
    client: &C,
    pool: Option<PoolId>,
    listed: &BTreeSet<TaskId>,
) -> Result<Vec<Task>> {
    open_or_observed(client, pool, listed, &["GLUSTER", "HOD"]).await
}

async fn open_or_observed<C: GenericClient>(
    client: &C,
    pool: Option<PoolId>,
    observed: &BTreeSet<TaskId>,
    systems: &[&str],
) -> Result<Vec<Task>> {
    let pool = pool.map(|p| p.into_untyped_uuid());
    let rows = OPEN_OR_OBSERVED.rows(client, &[&pool, &uuids(observed), &systems]).await?;
    read(client, &carried(&rows)?).await
}

/// One task. Should two pools know it, the one that saw it last.
pub(super) async fn by_id<C: GenericClient>(client: &C, task: TaskId) -> Result<Task> {
    let rows = BY_ID.rows(client, &[task.as_untyped_uuid()]).await?;
    let tasks = read(client, &carried(&rows)?).await?;
    tasks.into_iter().next().ok_or_else(|| StoreError::not_found("task", task))
}

/// The tasks that these steps carry.
pub(super) async fn of_steps<C: GenericClient>(client: &C, steps: &[Uuid]) -> Result<Vec<Task>> {
    let rows = OF_STEPS.rows(client, &[&steps]).await?;
    read(client, &carried(&rows)?).await
}

/// Those that are known and over: their job was cleared, or went on under another id.
pub(super) async fn cleared<C: GenericClient>(
    client: &C,
    pool: PoolId,
    observed: &BTreeSet<TaskId>,
) -> Result<BTreeSet<TaskId>> {
    if observed.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = CLEARED.rows(client, &[pool.as_untyped_uuid(), &uuids(observed)]).await?;
    rows.iter().map(|row| row.id("external_id")).collect()
}

fn carried(rows: &[Row]) -> Result<Vec<Carried>> {
    rows.iter()
        .map(|row| {
            Ok(Carried { task: row.id("external_id")?, step: row.value("step_id")?, run: row.value("run")? })
        })
        .collect()
}

async fn read<C: GenericClient>(client: &C, carried: &[Carried]) -> Result<Vec<Task>> {
    if carried.is_empty() {
        return Ok(Vec::new());
    }
    let steps: Vec<Uuid> = carried.iter().map(|c| c.step).collect();
    let of_steps: Params<'_> = &[&steps];
    let (part_rows, earlier_rows, brick_rows, rows) = tokio::try_join!(
        PARTS.rows(client, of_steps),
        EARLIER.rows(client, of_steps),
        BRICKS.rows(client, of_steps),
        TASKS.rows(client, of_steps),
    )?;
    let mut parts: HashMap<Uuid, BTreeMap<HostId, PartRecord>> = HashMap::new();
    for row in part_rows {
        let of = parts.entry(row.value("step_id")?).or_default();
        of.insert(row.id("host_id")?, part(&row)?);
    }
    let mut earlier: HashMap<Uuid, BTreeMap<HostId, Counters>> = HashMap::new();
    for row in earlier_rows {
        earlier.entry(row.value("step_id")?).or_default().insert(row.id("host_id")?, moved(&row)?);
    }
    let mut bricks: HashMap<Uuid, Vec<TaskBrick>> = HashMap::new();
    for row in brick_rows {
        bricks.entry(row.value("step_id")?).or_default().push(TaskBrick {
            name: brick_name(row.value("name")?)?,
            brick: brick(row.maybe_id("host_id")?, row.value("path")?),
        });
    }
    let names = host_names(client, &rows).await?;
    let mut rows_of: HashMap<Uuid, &Row> = HashMap::new();
    for row in &rows {
        rows_of.insert(row.value("step_id")?, row);
    }
    let mut tasks = Vec::with_capacity(carried.len());
    for Carried { task, step, run } in carried {
        let Some(row) = rows_of.get(step) else {
            continue;
        };
        let pool: PoolId = row.id("pool_id")?;
        let parts = parts.get(step).cloned().unwrap_or_default();
        let bricks = bricks.get(step).cloned().unwrap_or_default();
        let in_bricks = bricks.iter().filter_map(|b| Some(b.brick.as_ref()?.host));
        let hosts: BTreeSet<HostId> = parts.keys().copied().chain(in_bricks).collect();
        let host_names =
            hosts.into_iter().filter_map(|host| Some((host, names.get(&(pool, host))?.clone()))).collect();
        tasks.push(Task {
            pool,
            pool_name: row.value("pool_name")?,
            host_names,
            record: TaskRecord {
                run: small("run", *run)?,
                earlier: earlier.remove(step).unwrap_or_default(),
                ..record(row, *task, parts, bricks)?
            },
        });
    }
    Ok(tasks)
}

async fn host_names<C: GenericClient>(
    client: &C,
    tasks: &[Row],
) -> Result<HashMap<(PoolId, HostId), String>> {
    let pools: BTreeSet<PoolId> = tasks.iter().map(|row| row.id("pool_id")).collect::<Result<_>>()?;
    let rows = HOST_NAMES.rows(client, &[&uuids(&pools)]).await?;
    rows.iter().map(|row| Ok(((row.id("pool_id")?, row.id("id")?), row.value("name")?))).collect()
}

fn record(
    row: &Row,
    task: TaskId,
    parts: BTreeMap<HostId, PartRecord>,
    bricks: Vec<TaskBrick>,
) -> Result<TaskRecord> {
    let attention: serde_json::Value = row.value("attention")?;
    let attention: Vec<Attention> = serde_json::from_value(attention)
        .map_err(|e| StoreError::Unreadable(format!("what task {task} wants attention for: {e}")))?;
    let parent = row.maybe_id("parent_id")?;
    let pause: Option<String> = row.value("pause_by")?;
    Ok(TaskRecord {
        job: row.id("job_id")?,
        executing: parent
            .ok_or_else(|| StoreError::Unreadable(format!("task {task} has no step EXECUTING")))?,
        step: row.id("step_id")?,
        job_status: row.word("job_status")?,
        step_status: row.word("step_status")?,
        message: row.value("message")?,
        task,
        task_type: task_type(row)?,
        volume: row.id("volume_id")?,
        volume_name: row.value("volume_name")?,
        bricks,
        status: row.word("status")?,
        parts,
        attention,
        found_at: row.time("found_at")?,
        running_at: row.maybe_time("running_at")?,
        ended_at: row.maybe_time("ended_at")?,
        abandoned: row.value("abandoned")?,
        external: row.value("external")?,
        run: 1,
        earlier: BTreeMap::new(),
        pause: pause.zip(row.maybe_time("pause_at")?).map(|(by, at)| Pause { by, at }),
        followed: row.value("followed")?,
        absence: Absence {
            looks: small("absence_looks", row.value("absence_looks")?)?,
            span: duration(row.value("absence_span_ns")?)?,
            since: row.maybe_time("absence_since")?,
            last: row.maybe_time("absence_last")?,
        },
    })
}

fn part(row: &Row) -> Result<PartRecord> {
    let looks: Option<i32> = row.value("not_held_looks")?;
    let looks = looks.map(|looks| small("not_held_looks", looks)).transpose()?;
    let run_time: Option<i64> = row.value("run_time_ns")?;
    Ok(PartRecord {
        must_take_part: row.value("must_take_part")?,
        held: row.value("held")?,
        not_held: looks.zip(row.maybe_time("not_held_at")?),
        status: row.word("status")?,
        counters: Counters {
            files: row.count("files")?,
            bytes: row.count("bytes")?,
            scanned: row.count("scanned")?,
            failed: row.count("failed")?,
            skipped: row.count("skipped")?,
            run_time: run_time.map(duration).transpose()?,
        },
        changed_at: row.time("changed_at")?,
    })
}

/// What a host has moved in runs that are over.
pub(super) fn moved(row: &Row) -> Result<Counters> {
    Ok(Counters { files: row.count("files")?, bytes: row.count("bytes")?, ..Counters::default() })
}
