//! The throttle that hod sets for a task, and owes to put back.

use deadpool_postgres::GenericClient;
use hod_core::id::{JobId, PoolId, VolumeId};
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;

use super::super::convert::Columns as _;
use super::super::lease::{self, Writer};
use super::super::seen::Seen;
use super::super::sql::Sql;
use crate::store::command_model::{NewThrottle, Throttle};
use crate::store::error::Result;

const LOOK: Sql = Sql::new(
    "look_at_throttle",
    "SELECT set_value, previous FROM throttles WHERE pool_id = $1 AND volume_id = $2 FOR UPDATE",
);
const PUT: Sql = Sql::new(
    "put_throttle",
    "INSERT INTO throttles (pool_id, volume_id, job_id, set_value, previous) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (pool_id, volume_id) DO UPDATE SET
         job_id = EXCLUDED.job_id, set_value = EXCLUDED.set_value, previous = EXCLUDED.previous,
         state = 'INTENDED', put_at = now()",
);
const DROP: Sql = Sql::new("drop_throttle", "DELETE FROM throttles WHERE pool_id = $1 AND volume_id = $2");
const IS_SET: Sql = Sql::new(
    "throttle_is_set",
    "UPDATE throttles SET state = 'SET' WHERE pool_id = $1 AND volume_id = $2 AND set_value = $3",
);
const LIST: Sql = Sql::new(
    "throttles",
    "SELECT t.pool_id, t.volume_id, t.job_id, coalesce(j.open, false) AS job_open, t.set_value, t.previous,
            t.state::text AS state
     FROM throttles t LEFT JOIN jobs j ON j.id = t.job_id
     WHERE t.pool_id = $1 ORDER BY t.volume_id",
);
const REMOVE: Sql = Sql::new(
    "remove_throttle",
    "DELETE FROM throttles
     WHERE pool_id = $1 AND volume_id = $2 AND job_id IS NOT DISTINCT FROM $3 AND set_value = $4",
);

/// For a job that is under way.
pub(super) async fn put_for<C: GenericClient>(
    client: &C,
    by: Lease,
    job: JobId,
    volume: VolumeId,
    new: &NewThrottle,
) -> Result<()> {
    let seen = Seen::lock(client, Writer::Holder(by), job).await?;
    seen.open()?;
    put(client, seen.pool, job, volume, new).await
}

pub(super) async fn put<C: GenericClient>(
    client: &C,
    pool: PoolId,
    job: JobId,
    volume: VolumeId,
    new: &NewThrottle,
) -> Result<()> {
    let (pool, volume) = (pool.as_untyped_uuid(), volume.as_untyped_uuid());
    let mut previous = new.previous.clone();
    if let Some(row) = LOOK.maybe(client, &[pool, volume]).await? {
        // What is there now is what hod set for another job: what was there before
        // that one is still owed.
        if previous.as_deref() == Some(row.value("set_value")?) {
            previous = row.value("previous")?;
        }
    }
    if previous.as_ref() == Some(&new.set) {
        // As it is to be in the end: nothing is owed.
        DROP.execute(client, &[pool, volume]).await?;
        return Ok(());
    }
    PUT.execute(client, &[pool, volume, job.as_untyped_uuid(), &new.set, &previous]).await?;
    Ok(())
}

pub(super) async fn is_set<C: GenericClient>(
    client: &C,
    by: Lease,
    volume: VolumeId,
    set: &str,
) -> Result<()> {
    lease::prove(client, by).await?;
    IS_SET.execute(client, &[by.pool.as_untyped_uuid(), volume.as_untyped_uuid(), &set]).await?;
    Ok(())
}

pub(super) async fn list<C: GenericClient>(client: &C, pool: PoolId) -> Result<Vec<Throttle>> {
    let rows = LIST.rows(client, &[pool.as_untyped_uuid()]).await?;
    rows.iter().map(one).collect()
}

fn one(row: &Row) -> Result<Throttle> {
    Ok(Throttle {
        pool: row.id("pool_id")?,
        volume: row.id("volume_id")?,
        job: row.maybe_id("job_id")?,
        job_open: row.value("job_open")?,
        set: row.value("set_value")?,
        previous: row.value("previous")?,
        state: row.word("state")?,
    })
}

pub(super) async fn remove<C: GenericClient>(client: &C, by: Lease, throttle: &Throttle) -> Result<bool> {
    lease::prove_for(client, by, throttle.pool).await?;
    let job = throttle.job.map(|j| j.into_untyped_uuid());
    let params: super::super::sql::Params<'_> =
        &[throttle.pool.as_untyped_uuid(), throttle.volume.as_untyped_uuid(), &job, &throttle.set];
    Ok(REMOVE.execute(client, params).await? > 0)
}
