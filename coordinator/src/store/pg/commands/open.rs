//! A command opened: lock, job, steps and intention in one transaction, before an
//! agent is asked.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::GenericClient;
use hod_core::brick::{Brick, TaskBrick};
use hod_core::command::intention::{Intended, Intention, Start};
use hod_core::event::Severity;
use hod_core::id::{IntentionId, JobId, PoolId, StepId, TaskId, VolumeId};
use hod_core::job::StepType;
use hod_core::lease::Lease;
use hod_core::task::{TaskStatus, TaskType};
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::{Columns as _, Time, brick, brick_name, integer, task_type};
use super::super::lease::{self, Writer};
use super::super::seen::Seen;
use super::super::sql::Sql;
use super::super::{external, intentions};
use super::{heal, throttle, window};
use crate::store::command_model::{NewCommand, Resume};
use crate::store::error::{Result, StoreError};

const VOLUME: Sql = Sql::new(
    "volume_of_command",
    "SELECT name FROM volumes WHERE pool_id = $1 AND id = $2 AND gone_at IS NULL",
);
const INSERT_JOB: Sql = Sql::new(
    "insert_job_of_command",
    "WITH job_in AS (
         INSERT INTO jobs (id, pool_id, description, status, external, started_at, found_at, actor, action,
                           auto_commit)
         VALUES ($1, $2, $3, 'STARTED', false, least($4, now()), now(), $5, $6, $7)
     )
     INSERT INTO job_subjects (job_id, volume_id, volume_name) VALUES ($1, $8, $9)",
);
const INSERT_STEPS: Sql = Sql::new(
    "insert_steps_of_command",
    "INSERT INTO steps (id, pool_id, job_id, parent_id, number, type, description, status, external,
                        started_at, ended_at)
     VALUES ($1, $4, $5, NULL, 1, 'VALIDATING', 'Checking', 'FINISHED', false, least($6, now()), now()),
            ($2, $4, $5, NULL, 2, 'EXECUTING', 'Executing', 'STARTED', false, now(), NULL),
            ($3, $4, $5, $2, 3, $7::text::step_type, $8, 'STARTED', false, now(), NULL)",
);
const TAKE: Sql = Sql::new(
    "take_lock",
    "INSERT INTO volume_locks (pool_id, volume_id, job_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);
/// Who has the volume in hands: another that holds its lock, or whoever's intention
/// about it is not settled.
const HELD_BY: Sql = Sql::new(
    "volume_held_by",
    "SELECT h.job_id, j.description, v.name
     FROM (SELECT job_id FROM volume_locks WHERE pool_id = $1 AND volume_id = $2 AND job_id <> $3
           UNION ALL
           SELECT job_id FROM intentions WHERE pool_id = $1 AND volume_id = $2 AND settled_at IS NULL) h
     JOIN jobs j ON j.id = h.job_id
     JOIN volumes v ON v.pool_id = $1 AND v.id = $2
     LIMIT 1",
);
/// Of all that the record knows of the volume's tasks, ended ones and earlier runs too.
const IDS_BEFORE: Sql = Sql::new(
    "task_ids_of_volume",
    "SELECT e.external_id
     FROM job_subjects b
     JOIN steps s ON s.job_id = b.job_id
     JOIN step_external_ids e ON e.step_id = s.id AND e.system = 'GLUSTER'
     WHERE b.volume_id = $2 AND s.pool_id = $1",
);
/// When it is committed is not known yet: this is as near as can be.
const INSERT: Sql = Sql::new(
    "insert_intention",
    "INSERT INTO intentions (id, pool_id, volume_id, job_id, executing_id, step_id, kind, task_type, fix_layout,
                             before, run, task_id, actor, made_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::text::intention_kind, $8::text::task_type, $9, $10, $11, $12, $13,
             clock_timestamp())",
);
const INSERT_BRICKS: Sql = Sql::new(
    "insert_intention_bricks",
    "INSERT INTO intention_bricks (intention_id, position, name, host_id, path)
     SELECT $1, b.place - 1, b.name, b.host, b.path
     FROM unnest($2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY AS b (name, host, path, place)",
);
const PAUSED: Sql = Sql::new(
    "task_to_go_on",
    "SELECT s.parent_id, t.status::text AS status, t.type::text AS task_type, t.type_name, t.fix_layout, t.reset,
            t.volume_id, (SELECT max(e.run) FROM step_external_ids e WHERE e.step_id = s.id) AS run
     FROM steps s JOIN step_tasks t ON t.step_id = s.id
     WHERE s.id = $1 FOR UPDATE OF t",
);
const BRICKS: Sql = Sql::new(
    "bricks_to_go_on",
    "SELECT name, host_id, path FROM step_bricks WHERE step_id = $1 ORDER BY position",
);

/// Where an intention belongs.
struct Place {
    pool: PoolId,
    volume: VolumeId,
    job: JobId,
    executing: StepId,
    step: StepId,
}

pub(super) async fn command<C: GenericClient>(client: &C, by: Lease, new: &NewCommand) -> Result<Intention> {
    let description = external::not_blank("description", &new.description)?;
    let action = external::not_blank("action", &new.action)?;
    if matches!(
        new.step_type,
        StepType::Validating | StepType::Executing | StepType::Finalizing | StepType::UnknownTask
    ) {
        return Err(StoreError::invalid(
            "step_type",
            format!("a step of type {} carries no task of a command", new.step_type.code()),
        ));
    }
    let (pool, volume) = (new.pool.as_untyped_uuid(), new.volume.as_untyped_uuid());
    lease::prove_for(client, by, new.pool).await?;
    let row = VOLUME.maybe(client, &[pool, volume]).await?;
    let name: String = row.ok_or_else(|| StoreError::not_found("volume", new.volume))?.value("name")?;

    let [job, validating, executing, step] = std::array::from_fn(|_| Uuid::new_v4());
    let began_at = Time::from(new.began_at);
    INSERT_JOB
        .execute(
            client,
            &[&job, pool, &description, &began_at, &new.actor, &action, &new.auto_commit, volume, &name],
        )
        .await?;
    let step_type = new.step_type.code();
    INSERT_STEPS
        .execute(client, &[&validating, &executing, &step, pool, &job, &began_at, &step_type, &description])
        .await?;
    let place = Place {
        pool: new.pool,
        volume: new.volume,
        job: JobId::from_untyped_uuid(job),
        executing: StepId::from_untyped_uuid(executing),
        step: StepId::from_untyped_uuid(step),
    };
    take(client, &place).await?;
    let what = match &new.intended {
        Intended::Start(start) => {
            Intended::Start(Start { run: 1, earlier: BTreeMap::new(), ..start.clone() })
        }
        other => other.clone(),
    };
    let id = insert(client, &place, &what, &new.actor).await?;
    heal::begin(client, new.pool, new.volume, &name, place.step, &new.intended).await?;
    if let Some(windows) = &new.windows {
        window::put(client, new.pool, new.volume, windows).await?;
    }
    if let Some(throttle) = &new.throttle {
        throttle::put(client, new.pool, place.job, new.volume, throttle).await?;
    }
    let seen = Seen::lock(client, Writer::Holder(by), place.job).await?;
    seen.tell(client, Severity::Info, "command", description.to_owned(), &new.actor).await?;
    made(client, id).await
}

pub(super) async fn resume<C: GenericClient>(client: &C, by: Lease, resume: &Resume) -> Result<Intention> {
    let step = resume.step.as_untyped_uuid();
    let seen = Seen::lock_of_step(client, Writer::Holder(by), resume.step).await?;
    seen.open()?;
    let refused = |what: &str| StoreError::Refused(format!("{} {what}", seen.description));
    let row = PAUSED.maybe(client, &[step]).await?.ok_or_else(|| refused("has no task yet"))?;
    let status: TaskStatus = row.word("status")?;
    if status != TaskStatus::Paused {
        return Err(refused(&format!("is not paused: {}", status.code())));
    }
    let (Some(executing), Some(run)) = (row.maybe_id("parent_id")?, row.value::<Option<i32>>("run")?) else {
        return Err(StoreError::Unreadable(format!(
            "step {} lacks its parent or its task's id",
            resume.step
        )));
    };
    let task_type = task_type(&row)?.ok_or_else(|| refused("is of a type that is not known"))?;
    let rows = BRICKS.rows(client, &[step]).await?;
    let bricks = rows.iter().map(|row| {
        Ok(TaskBrick {
            name: brick_name(row.value("name")?)?,
            brick: brick(row.maybe_id("host_id")?, row.value("path")?),
        })
    });
    let start = Start {
        task_type,
        bricks: bricks.collect::<Result<_>>()?,
        before: resume.before.clone(),
        run: run.unsigned_abs().saturating_add(1),
        earlier: BTreeMap::new(),
    };
    let place =
        Place { pool: seen.pool, volume: row.id("volume_id")?, job: seen.id, executing, step: resume.step };
    take(client, &place).await?;
    let id = insert(client, &place, &Intended::Start(start), &resume.actor).await?;
    let message = format!("{}: to go on after a pause", seen.description);
    seen.tell(client, Severity::Info, "command", message, &resume.actor).await?;
    made(client, id).await
}

/// Takes the volume for the job, which may have it already.
async fn take<C: GenericClient>(client: &C, place: &Place) -> Result<()> {
    let (pool, volume, job) =
        (place.pool.as_untyped_uuid(), place.volume.as_untyped_uuid(), place.job.as_untyped_uuid());
    TAKE.execute(client, &[pool, volume, job]).await?;
    match HELD_BY.maybe(client, &[pool, volume, job]).await? {
        None => Ok(()),
        Some(row) => Err(StoreError::Busy {
            volume: row.value("name")?,
            job: row.id("job_id")?,
            doing: row.value("description")?,
        }),
    }
}

async fn insert<C: GenericClient>(
    client: &C,
    place: &Place,
    what: &Intended,
    actor: &str,
) -> Result<IntentionId> {
    let (pool, volume) = (place.pool.as_untyped_uuid(), place.volume.as_untyped_uuid());
    let id = Uuid::new_v4();
    let row = Row::of(what)?;
    let mut before: BTreeSet<Uuid> = BTreeSet::new();
    if let Intended::Start(start) = what {
        before.extend(start.before.iter().map(|id| id.into_untyped_uuid()));
        for known in IDS_BEFORE.rows(client, &[pool, volume]).await? {
            before.insert(known.value("external_id")?);
        }
    }
    let before: Vec<Uuid> = before.into_iter().collect();
    INSERT
        .execute(
            client,
            &[
                &id,
                pool,
                volume,
                place.job.as_untyped_uuid(),
                place.executing.as_untyped_uuid(),
                place.step.as_untyped_uuid(),
                &row.kind,
                &row.task_type,
                &row.fix_layout,
                &before,
                &row.run,
                &row.task,
                &actor,
            ],
        )
        .await?;
    let names: Vec<Option<&str>> = row.bricks.iter().map(|(name, _)| *name).collect();
    let hosts: Vec<Option<Uuid>> =
        row.bricks.iter().map(|(_, brick)| brick.map(|b| b.host.into_untyped_uuid())).collect();
    let paths: Vec<Option<&str>> =
        row.bricks.iter().map(|(_, brick)| brick.map(|b| b.path.as_str())).collect();
    INSERT_BRICKS.execute(client, &[&id, &names, &hosts, &paths]).await?;
    Ok(IntentionId::from_untyped_uuid(id))
}

/// What is intended, as columns.
struct Row<'a> {
    kind: &'static str,
    task_type: Option<&'static str>,
    fix_layout: bool,
    run: i32,
    task: Option<Uuid>,
    bricks: Vec<(Option<&'a str>, Option<&'a Brick>)>,
}

impl<'a> Row<'a> {
    fn of(what: &'a Intended) -> Result<Self> {
        let bare =
            |kind| Self { kind, task_type: None, fix_layout: false, run: 1, task: None, bricks: Vec::new() };
        let unnamed = |brick: &'a Brick| (None, Some(brick));
        let made = |task: &TaskId| Some(task.into_untyped_uuid());
        Ok(match what {
            Intended::Start(start) => Self {
                task_type: Some(start.task_type.code()),
                fix_layout: start.task_type == TaskType::Rebalance { fix_layout: true },
                run: integer("the number of runs", start.run)?,
                bricks: start.bricks.iter().map(|b| (Some(b.name.as_str()), b.brick.as_ref())).collect(),
                ..bare("START")
            },
            Intended::TakeBricks { bricks } => {
                Self { bricks: bricks.iter().map(unnamed).collect(), ..bare("TAKE_BRICKS") }
            }
            Intended::ReplaceBrick { old, new, task } => {
                Self { bricks: vec![unnamed(old), unnamed(new)], task: made(task), ..bare("REPLACE_BRICK") }
            }
            Intended::ResetBrick { brick, task } => {
                Self { bricks: vec![unnamed(brick)], task: made(task), ..bare("RESET_BRICK") }
            }
        })
    }
}

/// The intention as it was recorded.
async fn made<C: GenericClient>(client: &C, id: IntentionId) -> Result<Intention> {
    intentions::one(client, id).await?.ok_or_else(|| StoreError::not_found("intention", id))
}
