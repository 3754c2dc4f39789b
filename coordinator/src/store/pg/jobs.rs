//! Jobs as the API shows them: lists by pages, and one with its tree.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use hod_core::id::{JobId, StepId};
use jiff::Timestamp;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, Time, uuids};
use super::events::page_size;
use super::sql::Sql;
use super::{tasks, volumes};
use crate::store::error::{Result, StoreError};
use crate::store::model::{Job, JobFilter, JobPage, Page, Step, Subject, Task};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT j.id, j.pool_id, p.name AS pool_name, j.description, j.status::text AS status, j.external,
                    j.action, j.auto_commit, j.started_at, j.found_at, j.ended_at, j.actor, j.origin, j.message
             FROM jobs j JOIN pools p ON p.id = j.pool_id ",
            $rest
        )
    };
}
/// A page begins after the last job of the one before, so jobs that come meanwhile
/// neither shift it nor show twice.
const LIST: Sql = Sql::new(
    "jobs",
    select!(
        "WHERE ($1::uuid IS NULL OR j.pool_id = $1)
           AND ($2::uuid[] IS NULL
                OR EXISTS (SELECT FROM job_subjects s WHERE s.job_id = j.id AND s.volume_id = ANY ($2)))
           AND (cardinality($3::text[]) = 0 OR j.status = ANY ($3::text[]::job_status[]))
           AND ($4::timestamptz IS NULL OR (j.found_at, j.id) < ($4, $5::uuid))
         ORDER BY j.found_at DESC, j.id DESC
         LIMIT $6"
    ),
);
const GET: Sql = Sql::new("job", select!("WHERE j.id = $1"));
const SUBJECTS: Sql = Sql::new(
    "job_subjects",
    "SELECT job_id, volume_id, volume_name FROM job_subjects WHERE job_id = ANY ($1)
     ORDER BY job_id, volume_name, volume_id",
);
const STEPS: Sql = Sql::new(
    "steps",
    "SELECT s.id, s.job_id, s.parent_id, s.number, s.type::text AS type, s.description,
            s.status::text AS status, s.external, s.started_at, s.ended_at
     FROM steps s WHERE s.job_id = ANY ($1) ORDER BY s.job_id, s.number",
);

pub(super) async fn list<C: GenericClient>(client: &C, filter: &JobFilter, page: &Page) -> Result<JobPage> {
    let size = page_size("page_size", page.size)?;
    let after = Place::read(&page.token)?;
    let pool = filter.pool.map(|p| p.into_untyped_uuid());
    let volumes = match &filter.volume {
        Some(name) => Some(volumes::find(client, filter.pool, name).await?),
        None => None,
    };
    let statuses: Vec<&str> = filter.statuses.iter().map(|s| s.code()).collect();
    let (time, id) = after.map(|p| (p.found_at, p.id)).unzip();
    let time = time.map(Time::from);
    // One more than is shown tells whether there is another page.
    let mut rows = LIST.rows(client, &[&pool, &volumes, &statuses, &time, &id, &(size + 1)]).await?;
    let more = rows.len() as i64 > size;
    if more {
        rows.pop();
    }
    let jobs = read(client, &rows, filter.trees).await?;
    let next = match jobs.last() {
        Some(last) if more => Place::of(last).token(),
        _ => String::new(),
    };
    Ok(JobPage { jobs, next })
}

/// One job with its tree.
pub(super) async fn get<C: GenericClient>(client: &C, job: JobId) -> Result<Job> {
    let row = GET.maybe(client, &[job.as_untyped_uuid()]).await?;
    let row = row.ok_or_else(|| StoreError::not_found("job", job))?;
    let jobs = read(client, &[row], true).await?;
    jobs.into_iter().next().ok_or_else(|| StoreError::not_found("job", job))
}

/// One step of a job.
pub(super) async fn step<C: GenericClient>(client: &C, job: JobId, step: StepId) -> Result<Step> {
    let job = get(client, job).await?;
    job.steps.into_iter().find(|s| s.id == step).ok_or_else(|| StoreError::not_found("step", step))
}

async fn read<C: GenericClient>(client: &C, rows: &[Row], trees: bool) -> Result<Vec<Job>> {
    let mut jobs: Vec<Job> = rows.iter().map(job).collect::<Result<_>>()?;
    let ids = uuids(jobs.iter().map(|j| &j.id));
    if ids.is_empty() {
        return Ok(jobs);
    }
    let mut subjects: HashMap<Uuid, Vec<Subject>> = HashMap::new();
    for row in SUBJECTS.rows(client, &[&ids]).await? {
        subjects
            .entry(row.value("job_id")?)
            .or_default()
            .push(Subject { volume: row.id("volume_id")?, name: row.value("volume_name")? });
    }
    let mut steps = if trees { steps_of(client, &ids).await? } else { HashMap::new() };
    for job in &mut jobs {
        let id = job.id.as_untyped_uuid();
        job.subjects = subjects.remove(id).unwrap_or_default();
        job.steps = steps.remove(id).unwrap_or_default();
    }
    Ok(jobs)
}

async fn steps_of<C: GenericClient>(client: &C, jobs: &[Uuid]) -> Result<HashMap<Uuid, Vec<Step>>> {
    let rows = STEPS.rows(client, &[&jobs]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.value("id")).collect::<Result<_>>()?;
    let tasks = tasks::of_steps(client, &ids).await?;
    let mut tasks: HashMap<StepId, Task> = tasks.into_iter().map(|t| (t.record.step, t)).collect();
    let mut steps: HashMap<Uuid, Vec<Step>> = HashMap::new();
    for row in &rows {
        let step = step_of(row, &mut tasks)?;
        steps.entry(step.job.into_untyped_uuid()).or_default().push(step);
    }
    Ok(steps)
}

fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        id: row.id("id")?,
        pool: row.id("pool_id")?,
        pool_name: row.value("pool_name")?,
        description: row.value("description")?,
        status: row.word("status")?,
        external: row.value("external")?,
        action: row.value("action")?,
        auto_commit: row.value("auto_commit")?,
        started_at: row.maybe_time("started_at")?,
        found_at: row.time("found_at")?,
        ended_at: row.maybe_time("ended_at")?,
        actor: row.value("actor")?,
        origin: row.value("origin")?,
        message: row.value("message")?,
        subjects: Vec::new(),
        steps: Vec::new(),
    })
}

fn step_of(row: &Row, tasks: &mut HashMap<StepId, Task>) -> Result<Step> {
    let id: StepId = row.id("id")?;
    let number: i32 = row.value("number")?;
    Ok(Step {
        id,
        job: row.id("job_id")?,
        parent: row.maybe_id("parent_id")?,
        number: u32::try_from(number)
            .map_err(|_| StoreError::Unreadable(format!("step {id} has number {number}")))?,
        step_type: row.word("type")?,
        description: row.value("description")?,
        status: row.word("status")?,
        external: row.value("external")?,
        started_at: row.maybe_time("started_at")?,
        ended_at: row.maybe_time("ended_at")?,
        task: tasks.remove(&id).map(Box::new),
    })
}

/// Where a page ended. As a token: microseconds since 1970, a dash, the job's id.
struct Place {
    found_at: Timestamp,
    id: Uuid,
}

impl Place {
    fn of(job: &Job) -> Self {
        Self { found_at: job.found_at, id: job.id.into_untyped_uuid() }
    }

    fn token(&self) -> String {
        format!("{}-{}", self.found_at.as_microsecond(), self.id.simple())
    }

    fn read(token: &str) -> Result<Option<Self>> {
        if token.is_empty() {
            return Ok(None);
        }
        let place = token.rsplit_once('-').and_then(|(time, id)| {
            Some(Self {
                found_at: Timestamp::from_microsecond(time.parse().ok()?).ok()?,
                id: Uuid::try_parse(id).ok()?,
            })
        });
        place.map(Some).ok_or_else(|| {
            StoreError::invalid(
                "page_token",
                format!("{token:?} is no page token; leave it empty for the first page"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let place = Place {
            found_at: Timestamp::from_microsecond(1_732_421_454_123_456).unwrap(),
            id: Uuid::from_u128(7),
        };
        let read = Place::read(&place.token()).unwrap().unwrap();
        assert_eq!((read.found_at, read.id), (place.found_at, place.id));
        assert!(Place::read("").unwrap().is_none());
        for token in ["x", "-", "1-", "1-zz", "99999999999999999999-00000000000000000000000000000007"] {
            let error = Place::read(token).err().unwrap();
            assert!(matches!(error, StoreError::Invalid { field: "page_token", .. }), "{token}");
        }
    }
}
