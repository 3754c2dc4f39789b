//! Jobs that other programs report, and jobs that an operator gives up.
//!
//! Only what another program reported can be changed so: a step of a Gluster task
//! ends when the task does, never from outside. Each runs in a transaction that has
//! locked the pool's row, and needs no lease: what somebody says of his own job is true
//! whichever coordinator hears it, and whenever it is written down.

use deadpool_postgres::GenericClient;
use hod_core::event::Severity;
use hod_core::id::{JobId, StepId};
use hod_core::job::{JobStatus, StepType};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::convert::Columns as _;
use super::lease::{self, Writer};
use super::seen::Seen;
use super::sql::Sql;
use super::{jobs, volumes};
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
const CLEAR: Sql = Sql::new("clear_job", "SELECT ClearJobs(ARRAY[$1::uuid])");

pub(super) async fn add_job<C: GenericClient>(client: &C, new: &NewExternalJob) -> Result<Job> {
    let description = not_blank("description", &new.description)?;
    lease::lock(client, Writer::Anyone, new.pool).await?;
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
    let job = Seen::lock(client, Writer::Anyone, JobId::from_untyped_uuid(id)).await?;
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
    let job = Seen::lock(client, Writer::Anyone, new.job).await?;
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
    let job = Seen::lock_of_step(client, Writer::Anyone, step).await?;
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
    let job = Seen::lock(client, Writer::Anyone, job).await?;
    job.for_another_program()?;
    job.end(client, transition, "").await?;
    let message = format!("{} ended: {}", job.description, status.code());
    job.tell(client, severity(status), "external-job-ended", message, actor).await?;
    jobs::get(client, job.id).await
}

pub(super) async fn clear_job<C: GenericClient>(client: &C, job: JobId, actor: &str) -> Result<()> {
    let job = Seen::lock(client, Writer::Anyone, job).await?;
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
    let job = Seen::lock(client, Writer::Anyone, job).await?;
    job.open()?;
    let by = if actor.is_empty() { "an operator" } else { actor };
    let message = format!("abandoned by {by}: {reason}");
    job.end(client, Transition::Abandon, &message).await?;
    let told = format!("{} was {message}", job.description);
    job.tell(client, Severity::Warning, "job-abandoned", told, actor).await?;
    jobs::get(client, job.id).await
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

pub(super) fn not_blank<'a>(field: &'static str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(StoreError::invalid(field, format!("the {field} is blank")));
    }
    Ok(text)
}
