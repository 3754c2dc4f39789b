//! Jobs that other programs report, and jobs that an operator gives up.
//!
//! Only what another program reported can be changed so: a step of a Gluster task
//! ends when the task does, never from outside. Each runs in a transaction that has
//! locked the pool's row.

use deadpool_postgres::GenericClient;
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{JobId, PoolId, StepId};
use hod_core::job::{JobStatus, StepType};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::convert::Columns as _;
use super::events::{self, notify};
use super::sql::Sql;
use super::{jobs, lease, volumes};
use crate::store::error::{Result, StoreError};
use crate::store::model::{Job, NewExternalJob, NewExternalStep, Step};

const ADD_JOB: Sql = Sql::new(
    "add_external_job",
    "INSERT INTO jobs (id, pool_id, description, status, external, started_at, found_at, actor, origin)
     VALUES ($1, $2, $3, 'STARTED', true, now(), now(), $4, $5)",
);
const ADD_SUBJECT: Sql = Sql::new(
    "add_job_subject",
    "INSERT INTO job_subjects (job_id, volume_id, volume_name) VALUES ($1, $2, $3)",
);
const ADD_STEP: Sql = Sql::new(
    "add_external_step",
    "INSERT INTO steps (id, pool_id, job_id, parent_id, number, type, description, status, external, started_at)
     SELECT $1, $2, $3, $4, coalesce(max(s.number), 0) + 1, $5::text::step_type, $6, 'STARTED', true, now()
     FROM steps s WHERE s.job_id = $3",
);
const POOL_OF_JOB: Sql = Sql::new("pool_of_job", "SELECT pool_id FROM jobs WHERE id = $1");
const JOB_OF_STEP: Sql = Sql::new("job_of_step", "SELECT job_id FROM steps WHERE id = $1");
const LOOK: Sql = Sql::new(
    "look_at_job",
    "SELECT j.description, j.status::text AS status, j.external, CheckIfJobHasTasks(j.id) AS has_tasks,
            (SELECT min(volume_id::text)::uuid FROM job_subjects b WHERE b.job_id = j.id) AS volume_id
     FROM jobs j WHERE j.id = $1 FOR UPDATE",
);
const LOOK_AT_STEP: Sql = Sql::new(
    "look_at_step",
    "SELECT s.description, s.status::text AS status FROM steps s WHERE s.id = $1 AND s.job_id = $2 FOR UPDATE",
);
/// With the open steps under it.
const END_STEP: Sql = Sql::new(
    "end_external_step",
    "WITH RECURSIVE under AS (
         SELECT s.id FROM steps s WHERE s.id = $1
         UNION ALL
         SELECT s.id FROM steps s JOIN under u ON s.parent_id = u.id WHERE s.job_id = $2
     )
     UPDATE steps s SET status = t.to_status, transition = t.transition, ended_at = now()
     FROM under u, status_transitions t
     WHERE s.id = u.id AND t.from_status = s.status AND t.transition = $3::text::status_transition
       AND s.status = 'STARTED'",
);
const END_STEPS: Sql =
    Sql::new("end_steps_of_job", "SELECT EndStepsOfJob($1, $2::text::status_transition, now())");
const END_JOB: Sql = Sql::new(
    "end_job",
    "UPDATE jobs j SET status = t.to_status, transition = t.transition, ended_at = now(), message = $3
     FROM status_transitions t
     WHERE j.id = $1 AND t.from_status = j.status AND t.transition = $2::text::status_transition",
);
/// What is not known any more is UNKNOWN, until Gluster is heard of again.
const LOSE_TASKS: Sql = Sql::new(
    "lose_tasks_of_job",
    "WITH lost AS (
         UPDATE step_tasks t SET status = 'UNKNOWN'
         FROM steps s WHERE s.id = t.step_id AND s.job_id = $1 AND s.status = 'STARTED'
         RETURNING t.step_id
     )
     UPDATE step_external_ids e SET ended = 'UNKNOWN', last_seen = greatest(e.last_seen, now())
     FROM lost WHERE e.step_id = lost.step_id AND e.ended IS NULL",
);
const RELEASE: Sql = Sql::new("release_locks_of_job", "DELETE FROM volume_locks WHERE job_id = $1");
const CLEAR: Sql = Sql::new("clear_job", "SELECT ClearJobs(ARRAY[$1::uuid])");

/// A job as it stands, its row locked.
struct Seen {
    id: JobId,
    pool: PoolId,
    description: String,
    status: JobStatus,
    external: bool,
    has_tasks: bool,
    volume: Option<Uuid>,
}

impl Seen {
    /// Locks the pool's row, then the job's.
    async fn lock<C: GenericClient>(client: &C, job: JobId) -> Result<Self> {
        let missing = || StoreError::not_found("job", job);
        let id = job.as_untyped_uuid();
        let row = POOL_OF_JOB.maybe(client, &[id]).await?.ok_or_else(missing)?;
        let pool: PoolId = row.id("pool_id")?;
        lease::lock(client, pool).await?;
        let row = LOOK.maybe(client, &[id]).await?.ok_or_else(missing)?;
        Ok(Self {
            id: job,
            pool,
            description: row.value("description")?,
            status: row.word("status")?,
            external: row.value("external")?,
            has_tasks: row.value("has_tasks")?,
            volume: row.value("volume_id")?,
        })
    }

    /// # Errors
    /// If the job is not another program's, or has ended.
    fn for_another_program(&self) -> Result<()> {
        let Self { id, description, .. } = self;
        if !self.external {
            return Err(StoreError::Refused(format!(
                "job {id} ({description}) is hod's own; only external jobs can be changed so"
            )));
        }
        if self.has_tasks {
            return Err(StoreError::Refused(format!(
                "job {id} ({description}) follows a Gluster task; it ends when the task does"
            )));
        }
        self.open()
    }

    fn open(&self) -> Result<()> {
        if self.status.is_open() {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "job {} ({}) has ended: {}",
            self.id,
            self.description,
            self.status.code()
        )))
    }

    async fn tell<C: GenericClient>(
        &self,
        client: &C,
        severity: Severity,
        kind: &'static str,
        message: String,
        actor: &str,
    ) -> Result<()> {
        let event = EventDraft {
            severity,
            kind,
            message,
            volume: self.volume.map(hod_core::id::VolumeId::from_untyped_uuid),
            job: Some(self.id),
            actor: actor.to_owned(),
        };
        events::record(client, self.pool, [&event]).await?;
        notify::jobs(client, &[self.id.into_untyped_uuid()]).await
    }
}

pub(super) async fn add_job<C: GenericClient>(client: &C, new: &NewExternalJob) -> Result<Job> {
    let description = not_blank("description", &new.description)?;
    lease::lock(client, new.pool).await?;
    let volume = match &new.volume {
        Some(name) => Some(volumes::present(client, new.pool, name).await?),
        None => None,
    };
    let id = Uuid::new_v4();
    ADD_JOB
        .execute(client, &[&id, new.pool.as_untyped_uuid(), &description, &new.actor, &new.origin])
        .await?;
    if let Some((volume, name)) = &volume {
        ADD_SUBJECT.execute(client, &[&id, volume.as_untyped_uuid(), name]).await?;
    }
    let job = Seen::lock(client, JobId::from_untyped_uuid(id)).await?;
    let by = if new.origin.is_empty() { "another program" } else { &new.origin };
    let message = format!("{by} began a job: {description}");
    job.tell(client, Severity::Info, "external-job-added", message, &new.actor).await?;
    jobs::get(client, job.id).await
}

pub(super) async fn add_step<C: GenericClient>(client: &C, new: &NewExternalStep) -> Result<Step> {
    let description = not_blank("description", &new.description)?;
    if !matches!(new.step_type, StepType::Validating | StepType::Executing | StepType::Finalizing) {
        return Err(StoreError::invalid(
            "type",
            format!(
                "a step of type {} follows a Gluster task; say VALIDATING, EXECUTING or FINALIZING",
                new.step_type.code()
            ),
        ));
    }
    let job = Seen::lock(client, new.job).await?;
    job.for_another_program()?;
    if let Some(parent) = new.parent {
        look_at_open_step(client, parent, new.job).await?;
    }
    let id = StepId::from_untyped_uuid(Uuid::new_v4());
    let parent = new.parent.map(|p| p.into_untyped_uuid());
    ADD_STEP
        .execute(
            client,
            &[
                id.as_untyped_uuid(),
                job.pool.as_untyped_uuid(),
                job.id.as_untyped_uuid(),
                &parent,
                &new.step_type.code(),
                &description,
            ],
        )
        .await?;
    let message = format!("{}: {description} began", job.description);
    job.tell(client, Severity::Info, "external-step-added", message, &new.actor).await?;
    jobs::step(client, job.id, id).await
}

pub(super) async fn end_step<C: GenericClient>(
    client: &C,
    step: StepId,
    status: JobStatus,
    actor: &str,
) -> Result<Step> {
    let transition = ending(status)?;
    let row = JOB_OF_STEP.maybe(client, &[step.as_untyped_uuid()]).await?;
    let row = row.ok_or_else(|| StoreError::not_found("step", step))?;
    let job = Seen::lock(client, row.id("job_id")?).await?;
    job.for_another_program()?;
    let description = look_at_open_step(client, step, job.id).await?;
    END_STEP.execute(client, &[step.as_untyped_uuid(), job.id.as_untyped_uuid(), &transition.code()]).await?;
    let message = format!("{}: {description} ended: {}", job.description, status.code());
    job.tell(client, severity(status), "external-step-ended", message, actor).await?;
    jobs::step(client, job.id, step).await
}

pub(super) async fn end_job<C: GenericClient>(
    client: &C,
    job: JobId,
    status: JobStatus,
    actor: &str,
) -> Result<Job> {
    let transition = ending(status)?;
    let job = Seen::lock(client, job).await?;
    job.for_another_program()?;
    end(client, &job, transition, "").await?;
    let message = format!("{} ended: {}", job.description, status.code());
    job.tell(client, severity(status), "external-job-ended", message, actor).await?;
    jobs::get(client, job.id).await
}

pub(super) async fn clear_job<C: GenericClient>(client: &C, job: JobId, actor: &str) -> Result<()> {
    let job = Seen::lock(client, job).await?;
    let Seen { id, description, .. } = &job;
    if !job.external {
        return Err(StoreError::Refused(format!(
            "job {id} ({description}) is hod's own; only external jobs can be cleared"
        )));
    }
    if job.status.is_open() {
        return Err(StoreError::Refused(format!(
            "job {id} ({description}) is under way; only jobs that have ended can be cleared"
        )));
    }
    CLEAR.rows(client, &[id.as_untyped_uuid()]).await?;
    let message = format!("{description} was cleared from the list");
    job.tell(client, Severity::Info, "external-job-cleared", message, actor).await
}

pub(super) async fn abandon<C: GenericClient>(
    client: &C,
    job: JobId,
    actor: &str,
    reason: &str,
) -> Result<Job> {
    let reason = not_blank("reason", reason)?;
    let job = Seen::lock(client, job).await?;
    job.open()?;
    let by = if actor.is_empty() { "an operator" } else { actor };
    let message = format!("abandoned by {by}: {reason}");
    LOSE_TASKS.execute(client, &[job.id.as_untyped_uuid()]).await?;
    end(client, &job, Transition::Abandon, &message).await?;
    let told = format!("{} was {message}", job.description);
    job.tell(client, Severity::Warning, "job-abandoned", told, actor).await?;
    jobs::get(client, job.id).await
}

/// Ends a job with its open steps, and gives its locks back first: an ended job
/// can't hold any.
async fn end<C: GenericClient>(client: &C, job: &Seen, transition: Transition, message: &str) -> Result<()> {
    let id = job.id.as_untyped_uuid();
    RELEASE.execute(client, &[id]).await?;
    END_STEPS.rows(client, &[id, &transition.code()]).await?;
    END_JOB.execute(client, &[id, &transition.code(), &message]).await?;
    Ok(())
}

/// The description of a step that is open.
async fn look_at_open_step<C: GenericClient>(client: &C, step: StepId, job: JobId) -> Result<String> {
    let row = LOOK_AT_STEP
        .maybe(client, &[step.as_untyped_uuid(), job.as_untyped_uuid()])
        .await?
        .ok_or_else(|| StoreError::not_found("step", step))?;
    let (description, status): (String, JobStatus) = (row.value("description")?, row.word("status")?);
    if status.is_open() {
        return Ok(description);
    }
    Err(StoreError::Refused(format!("step {step} ({description}) has ended: {}", status.code())))
}

/// The transition that ends what is under way.
fn ending(status: JobStatus) -> Result<Transition> {
    Transition::between(JobStatus::Started, status).ok_or_else(|| {
        StoreError::invalid(
            "status",
            format!("{} ends nothing; say FINISHED, FAILED, ABORTED or UNKNOWN", status.code()),
        )
    })
}

fn severity(status: JobStatus) -> Severity {
    match status {
        JobStatus::Started | JobStatus::Finished => Severity::Info,
        JobStatus::Aborted | JobStatus::Unknown => Severity::Warning,
        JobStatus::Failed => Severity::Error,
    }
}

fn not_blank<'a>(field: &'static str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(StoreError::invalid(field, format!("the {field} is blank")));
    }
    Ok(text)
}
