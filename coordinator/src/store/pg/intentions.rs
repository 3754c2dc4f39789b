//! Intentions that are not settled, as recorded.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::GenericClient;
use hod_core::brick::{Brick, TaskBrick};
use hod_core::command::intention::{Answer, Intended, Intention, Start};
use hod_core::id::{HostId, IntentionId, PoolId, TaskId};
use hod_core::task::{Counters, TaskType};
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, brick, brick_name, small};
use super::sql::Sql;
use super::tasks;
use crate::store::error::{Result, StoreError};

const OPEN: Sql = Sql::new(
    "open_intentions",
    "SELECT i.id, i.job_id, i.executing_id, i.step_id, i.volume_id, i.kind::text AS kind,
            i.task_type::text AS task_type, i.fix_layout, i.before, i.run, i.task_id, i.made_at, i.actor,
            i.answer::text AS answer, i.answer_task, i.answer_words
     FROM intentions i
     WHERE i.settled_at IS NULL AND ($1::uuid IS NULL OR i.pool_id = $1) AND ($2::uuid IS NULL OR i.id = $2)",
);
const BRICKS: Sql = Sql::new(
    "intention_bricks",
    "SELECT b.intention_id, b.name, b.host_id, b.path
     FROM intention_bricks b WHERE b.intention_id = ANY ($1) ORDER BY b.intention_id, b.position",
);
/// The run before the one intended is still in step_hosts.
const EARLIER: Sql = Sql::new(
    "intention_earlier_runs",
    "SELECT r.step_id, r.host_id, sum(r.files)::int8 AS files, sum(r.bytes)::int8 AS bytes
     FROM (SELECT step_id, host_id, files, bytes FROM step_earlier_runs WHERE step_id = ANY ($1)
           UNION ALL
           SELECT step_id, host_id, files, bytes FROM step_hosts WHERE step_id = ANY ($1)) r
     WHERE r.files > 0 OR r.bytes > 0
     GROUP BY r.step_id, r.host_id",
);

/// A brick as an intention has it: its name where it has one, and the brick.
type Named = (Option<String>, Option<Brick>);

/// Those of a pool.
pub(super) async fn open<C: GenericClient>(client: &C, pool: PoolId) -> Result<Vec<Intention>> {
    read(client, Some(pool.into_untyped_uuid()), None).await
}

/// One of them.
pub(super) async fn one<C: GenericClient>(client: &C, id: IntentionId) -> Result<Option<Intention>> {
    Ok(read(client, None, Some(id.into_untyped_uuid())).await?.pop())
}

async fn read<C: GenericClient>(
    client: &C,
    pool: Option<Uuid>,
    intention: Option<Uuid>,
) -> Result<Vec<Intention>> {
    let rows = OPEN.rows(client, &[&pool, &intention]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.value("id")).collect::<Result<_>>()?;
    let mut bricks: HashMap<Uuid, Vec<Named>> = HashMap::new();
    for row in BRICKS.rows(client, &[&ids]).await? {
        let named = (row.value("name")?, brick(row.maybe_id("host_id")?, row.value("path")?));
        bricks.entry(row.value("intention_id")?).or_default().push(named);
    }
    let mut resumed = Vec::new();
    for row in &rows {
        if row.value::<i32>("run")? > 1 {
            resumed.push(row.value("step_id")?);
        }
    }
    let mut earlier = earlier(client, &resumed).await?;
    rows.iter()
        .map(|row| {
            let (id, step): (Uuid, Uuid) = (row.value("id")?, row.value("step_id")?);
            let bricks = bricks.remove(&id).unwrap_or_default();
            let what = intended(row, &bricks, earlier.remove(&step).unwrap_or_default())?;
            one_of(row, what)
        })
        .collect()
}

async fn earlier<C: GenericClient>(
    client: &C,
    steps: &[Uuid],
) -> Result<HashMap<Uuid, BTreeMap<HostId, Counters>>> {
    let mut earlier: HashMap<Uuid, BTreeMap<HostId, Counters>> = HashMap::new();
    if steps.is_empty() {
        return Ok(earlier);
    }
    for row in EARLIER.rows(client, &[&steps]).await? {
        earlier.entry(row.value("step_id")?).or_default().insert(row.id("host_id")?, tasks::moved(&row)?);
    }
    Ok(earlier)
}

fn one_of(row: &Row, what: Intended) -> Result<Intention> {
    Ok(Intention {
        id: row.id("id")?,
        job: row.id("job_id")?,
        executing: row.id("executing_id")?,
        step: row.id("step_id")?,
        volume: row.id("volume_id")?,
        what,
        made_at: row.time("made_at")?,
        answer: answer(row)?,
        actor: row.value("actor")?,
    })
}

fn intended(row: &Row, bricks: &[Named], earlier: BTreeMap<HostId, Counters>) -> Result<Intended> {
    let id: Uuid = row.value("id")?;
    let unreadable = |what: &str| StoreError::Unreadable(format!("intention {id} {what}"));
    let task = || -> Result<TaskId> {
        row.maybe_id("task_id")?.ok_or_else(|| unreadable("has no task that hod made"))
    };
    let whole = || -> Result<std::vec::IntoIter<Brick>> {
        let whole: Option<Vec<Brick>> = bricks.iter().map(|(_, brick)| brick.clone()).collect();
        Ok(whole.ok_or_else(|| unreadable("has a brick that is not known"))?.into_iter())
    };
    let kind: &str = row.value("kind")?;
    Ok(match kind {
        "START" => {
            let named = |(name, brick): &Named| -> Result<TaskBrick> {
                let name = name.as_deref().ok_or_else(|| unreadable("has a brick without a name"))?;
                Ok(TaskBrick { name: brick_name(name)?, brick: brick.clone() })
            };
            let before: Vec<Uuid> = row.value("before")?;
            Intended::Start(Start {
                task_type: match row.value::<Option<&str>>("task_type")? {
                    Some("REBALANCE") => TaskType::Rebalance { fix_layout: row.value("fix_layout")? },
                    Some("REMOVE_BRICK") => TaskType::RemoveBrick,
                    other => return Err(unreadable(&format!("starts a task of type {other:?}"))),
                },
                bricks: bricks.iter().map(named).collect::<Result<_>>()?,
                before: before.into_iter().map(TaskId::from_untyped_uuid).collect(),
                run: small("run", row.value("run")?)?,
                earlier,
            })
        }
        "TAKE_BRICKS" => Intended::TakeBricks { bricks: whole()?.collect() },
        "REPLACE_BRICK" => {
            let mut bricks = whole()?;
            let (Some(old), Some(new)) = (bricks.next(), bricks.next()) else {
                return Err(unreadable("lacks a brick"));
            };
            Intended::ReplaceBrick { old, new, task: task()? }
        }
        "RESET_BRICK" => {
            let brick = whole()?.next().ok_or_else(|| unreadable("lacks its brick"))?;
            Intended::ResetBrick { brick, task: task()? }
        }
        kind => return Err(unreadable(&format!("is of kind {kind:?}, which this version does not know"))),
    })
}

fn answer(row: &Row) -> Result<Option<Answer>> {
    let words = || -> Result<String> { Ok(row.value::<Option<String>>("answer_words")?.unwrap_or_default()) };
    Ok(match row.value::<Option<&str>>("answer")? {
        None => None,
        Some("DONE") => Some(Answer::Done(row.maybe_id("answer_task")?)),
        Some("REFUSED") => Some(Answer::Refused(words()?)),
        Some("UNKNOWN") => Some(Answer::Unknown(words()?)),
        Some(word) => {
            return Err(StoreError::Unreadable(format!("{word:?} is no answer that this version knows")));
        }
    })
}
