//! Intentions that came to something else than a task.

use std::collections::HashSet;

use deadpool_postgres::GenericClient;
use hod_core::change::Settle;
use hod_core::id::{IntentionId, PoolId};
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::Columns as _;
use super::super::events::notify;
use super::super::seen;
use super::super::sql::Sql;
use crate::store::error::{Result, StoreError};

const LOOK: Sql = Sql::new(
    "look_at_intentions",
    "SELECT id, settled_at IS NULL AS open FROM intentions WHERE pool_id = $1 AND id = ANY ($2) FOR UPDATE",
);
const SETTLE: Sql = Sql::new(
    "settle_intention",
    "UPDATE intentions SET settled_at = now(), outcome = $2 WHERE id = $1 AND settled_at IS NULL",
);
/// What an operator should know of the task comes before why it did not go on.
const MESSAGE: Sql = Sql::new(
    "message_of_settled_job",
    "UPDATE jobs j SET message = $2
     WHERE j.id = $1 AND j.status = 'STARTED' AND j.message <> $2
       AND NOT EXISTS (SELECT FROM steps s JOIN step_tasks t ON t.step_id = s.id
                       WHERE s.job_id = j.id AND t.attention <> '[]')",
);

/// Settles intentions. Returns those that were settled already: nothing more is to be
/// done about them.
pub(super) async fn settle<C: GenericClient>(
    client: &C,
    pool: PoolId,
    settles: &[&Settle],
) -> Result<HashSet<IntentionId>> {
    let mut already = HashSet::new();
    if settles.is_empty() {
        return Ok(already);
    }
    let ids: Vec<Uuid> = settles.iter().map(|s| s.intention.into_untyped_uuid()).collect();
    let mut known = HashSet::new();
    for row in LOOK.rows(client, &[pool.as_untyped_uuid(), &ids]).await? {
        let id: IntentionId = row.id("id")?;
        known.insert(id);
        if !row.value::<bool>("open")? {
            already.insert(id);
        }
    }
    for settle in settles {
        if !known.contains(&settle.intention) {
            return Err(StoreError::Stale(format!("what was intended with job {}", settle.job)));
        }
        SETTLE.execute(client, &[settle.intention.as_untyped_uuid(), &settle.message]).await?;
    }
    Ok(already)
}

/// What that means for the jobs: they end with their steps, and give their volumes
/// back, or they go on.
pub(super) async fn end_jobs<C: GenericClient>(client: &C, settled: &[&Settle]) -> Result<()> {
    for settle in settled {
        match settle.end {
            Some(end) => seen::end(client, settle.job, end, &settle.message).await?,
            None => {
                MESSAGE.execute(client, &[settle.job.as_untyped_uuid(), &settle.message]).await?;
            }
        }
    }
    let jobs: Vec<Uuid> = settled.iter().map(|s| s.job.into_untyped_uuid()).collect();
    notify::jobs(client, &jobs).await
}
