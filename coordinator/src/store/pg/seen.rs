//! A job that somebody acts on: looked at with its row locked, told of, ended.

use deadpool_postgres::GenericClient;
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{JobId, PoolId, StepId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::task::TaskStatus;
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::events::{self, notify};
use super::lease::{self, Writer};
use super::sql::Sql;
use crate::store::error::{Result, StoreError};

const POOL_OF_JOB: Sql = Sql::new("pool_of_job", "SELECT pool_id FROM jobs WHERE id = $1");
const JOB_OF_STEP: Sql = Sql::new("job_of_step", "SELECT job_id FROM steps WHERE id = $1");
const LOOK: Sql = Sql::new(
    "look_at_job",
    "SELECT j.description, j.status::text AS status, j.external,
            CheckIfJobHasTasks(j.id)
            OR EXISTS (SELECT FROM steps s JOIN step_tasks t ON t.step_id = s.id WHERE s.job_id = j.id) AS has_tasks,
            (SELECT min(volume_id::text)::uuid FROM job_subjects b WHERE b.job_id = j.id) AS volume_id
     FROM jobs j WHERE j.id = $1 FOR UPDATE",
);
const RELEASE: Sql = Sql::new("release_locks_of_job", "DELETE FROM volume_locks WHERE job_id = $1");
const SETTLE: Sql = Sql::new(
    "settle_intentions_of_job",
    "UPDATE intentions SET settled_at = now(), outcome = $2 WHERE job_id = $1 AND settled_at IS NULL",
);
const END_TASKS: Sql = Sql::new(
    "end_tasks_of_job",
    "WITH ended AS (
         UPDATE step_tasks t SET status = $2::text::task_status
         FROM steps s WHERE s.id = t.step_id AND s.job_id = $1 AND s.status = 'STARTED'
         RETURNING t.step_id
     )
     UPDATE step_external_ids e SET ended = $2::text::task_status, last_seen = greatest(e.last_seen, now())
     FROM ended WHERE e.step_id = ended.step_id AND e.ended IS NULL",
);
const END_STEPS: Sql =
    Sql::new("end_steps_of_job", "SELECT EndStepsOfJob($1, $2::text::status_transition, now())");
const END_JOB: Sql = Sql::new(
    "end_job",
    "UPDATE jobs j SET status = t.to_status, transition = t.transition, ended_at = now(), message = $3
     FROM status_transitions t
     WHERE j.id = $1 AND t.from_status = j.status AND t.transition = $2::text::status_transition",
);

/// A job as it stands, its row locked.
pub(super) struct Seen {
    pub(super) id: JobId,
    pub(super) pool: PoolId,
    pub(super) description: String,
    pub(super) status: JobStatus,
    pub(super) external: bool,
    pub(super) has_tasks: bool,
    pub(super) volume: Option<VolumeId>,
}

impl Seen {
    /// Locks the pool's row, for who may write for that pool, then the job's.
    pub(super) async fn lock<C: GenericClient>(client: &C, writer: Writer, job: JobId) -> Result<Self> {
        let missing = || StoreError::not_found("job", job);
        let id = job.as_untyped_uuid();
        let row = POOL_OF_JOB.maybe(client, &[id]).await?.ok_or_else(missing)?;
        let pool: PoolId = row.id("pool_id")?;
        if !writer.is_of(pool) {
            return Err(missing());
        }
        lease::lock(client, writer, pool).await?;
        let row = LOOK.maybe(client, &[id]).await?.ok_or_else(missing)?;
        Ok(Self {
            id: job,
            pool,
            description: row.value("description")?,
            status: row.word("status")?,
            external: row.value("external")?,
            has_tasks: row.value("has_tasks")?,
            volume: row.maybe_id("volume_id")?,
        })
    }

    /// The same for the job that a step belongs to.
    pub(super) async fn lock_of_step<C: GenericClient>(
        client: &C,
        writer: Writer,
        step: StepId,
    ) -> Result<Self> {
        let row = JOB_OF_STEP.maybe(client, &[step.as_untyped_uuid()]).await?;
        let row = row.ok_or_else(|| StoreError::not_found("step", step))?;
        Self::lock(client, writer, row.id("job_id")?).await
    }

    /// # Errors
    /// If the job is not another program's, or has ended.
    pub(super) fn for_another_program(&self) -> Result<()> {
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

    /// # Errors
    /// If the job has ended.
    pub(super) fn open(&self) -> Result<()> {
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

    pub(super) async fn tell<C: GenericClient>(
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
            volume: self.volume,
            job: Some(self.id),
            actor: actor.to_owned(),
        };
        events::record(client, self.pool, [&event]).await?;
        notify::jobs(client, &[self.id.into_untyped_uuid()]).await
    }

    /// Ends the job with its open steps and what they carry, see [`end`].
    pub(super) async fn end<C: GenericClient>(
        &self,
        client: &C,
        transition: Transition,
        message: &str,
    ) -> Result<()> {
        end(client, self.id, transition, message).await
    }
}

/// Ends a job with its open steps and the tasks that they carry. Its locks are given
/// back first and its intention is settled: an ended job can't have any. A job that
/// has ended already is left as it is.
pub(super) async fn end<C: GenericClient>(
    client: &C,
    job: JobId,
    transition: Transition,
    message: &str,
) -> Result<()> {
    let id = job.as_untyped_uuid();
    let task = match transition {
        Transition::Complete => TaskStatus::Completed,
        Transition::Fail => TaskStatus::Failed,
        Transition::Abort => TaskStatus::Aborted,
        // What is not known any more is UNKNOWN, until Gluster is heard of again.
        Transition::Lose | Transition::Abandon => TaskStatus::Unknown,
        Transition::RunAgain => {
            return Err(StoreError::invalid("end", "a job that runs again has not ended"));
        }
    };
    RELEASE.execute(client, &[id]).await?;
    SETTLE.execute(client, &[id, &message]).await?;
    END_TASKS.execute(client, &[id, &task.code()]).await?;
    END_STEPS.rows(client, &[id, &transition.code()]).await?;
    END_JOB.execute(client, &[id, &transition.code(), &message]).await?;
    Ok(())
}
