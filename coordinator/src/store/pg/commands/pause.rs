//! Pauses: written before Gluster is asked to stop a task, and ended.

use deadpool_postgres::GenericClient;
use hod_core::event::Severity;
use hod_core::id::{JobId, StepId};
use hod_core::lease::Lease;
use hod_core::task::TaskStatus;
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;

use super::super::convert::Columns as _;
use super::super::jobs;
use super::super::lease::Writer;
use super::super::seen::Seen;
use super::super::sql::Sql;
use crate::store::error::{Result, StoreError};
use crate::store::model::Job;

const LOOK: Sql = Sql::new(
    "look_at_pause",
    "SELECT t.status::text AS status, t.pause_by FROM step_tasks t WHERE t.step_id = $1 FOR UPDATE",
);
const SET: Sql =
    Sql::new("set_pause", "UPDATE step_tasks SET pause_by = $2, pause_at = now() WHERE step_id = $1");
const CLEAR: Sql =
    Sql::new("clear_pause", "UPDATE step_tasks SET pause_by = NULL, pause_at = NULL WHERE step_id = $1");
const PAUSED: Sql = Sql::new(
    "look_at_paused_job",
    "SELECT EXISTS (SELECT FROM steps s JOIN step_tasks t ON t.step_id = s.id
                    WHERE s.job_id = $1 AND s.status = 'STARTED' AND t.status = 'PAUSED') AS paused,
            EXISTS (SELECT FROM intentions i WHERE i.job_id = $1 AND i.settled_at IS NULL) AS goes_on",
);

pub(super) async fn set<C: GenericClient>(client: &C, lease: Lease, step: StepId, by: &str) -> Result<()> {
    let seen = Seen::lock_of_step(client, Writer::Holder(lease), step).await?;
    seen.open()?;
    let (status, pause) = look(client, &seen, step).await?;
    let refused = |what: String| Err(StoreError::Refused(format!("{} {what}", seen.description)));
    match (status, pause) {
        (TaskStatus::Paused, by) => refused(format!("is paused already, by {}", by.unwrap_or_default())),
        (_, Some(by)) => refused(format!("is about to be paused already, by {by}")),
        (TaskStatus::Running, None) => {
            SET.execute(client, &[step.as_untyped_uuid(), &by]).await?;
            let message = format!("{}: to be paused", seen.description);
            seen.tell(client, Severity::Info, "command", message, by).await
        }
        (status, None) => refused(format!("does not run: {}", status.code())),
    }
}

pub(super) async fn clear<C: GenericClient>(
    client: &C,
    lease: Lease,
    step: StepId,
    by: &str,
    why: &str,
) -> Result<()> {
    let seen = Seen::lock_of_step(client, Writer::Holder(lease), step).await?;
    let (status, pause) = look(client, &seen, step).await?;
    if status == TaskStatus::Paused {
        return Err(StoreError::Refused(format!("{} is paused by now", seen.description)));
    }
    if pause.is_none() {
        return Ok(());
    }
    CLEAR.execute(client, &[step.as_untyped_uuid()]).await?;
    let message = format!("{} is not paused: {why}", seen.description);
    seen.tell(client, Severity::Warning, "command-refused", message, by).await
}

async fn look<C: GenericClient>(
    client: &C,
    seen: &Seen,
    step: StepId,
) -> Result<(TaskStatus, Option<String>)> {
    let row = LOOK
        .maybe(client, &[step.as_untyped_uuid()])
        .await?
        .ok_or_else(|| StoreError::Refused(format!("{} has no task yet", seen.description)))?;
    Ok((row.word("status")?, row.value("pause_by")?))
}

/// Stops a task that is paused: there is nothing that Gluster would have to stop.
pub(super) async fn end<C: GenericClient>(client: &C, by: Lease, job: JobId, actor: &str) -> Result<Job> {
    let seen = Seen::lock(client, Writer::Holder(by), job).await?;
    seen.open()?;
    let row = PAUSED.row(client, &[job.as_untyped_uuid()]).await?;
    if !row.value::<bool>("paused")? {
        return Err(StoreError::Refused(format!("{} is not paused", seen.description)));
    }
    if row.value("goes_on")? {
        return Err(StoreError::Refused(format!(
            "{} is about to go on after its pause: stop it once it runs",
            seen.description
        )));
    }
    seen.end(client, Transition::Abort, "stopped while it was paused").await?;
    let message = format!("{} stopped while it was paused", seen.description);
    seen.tell(client, Severity::Info, "task-ended", message, actor).await?;
    jobs::get(client, job).await
}
