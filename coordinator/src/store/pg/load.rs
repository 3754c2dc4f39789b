//! What a plan is made against.

use std::collections::BTreeSet;

use deadpool_postgres::GenericClient;
use hod_core::id::{PoolId, TaskId};
use hod_core::record::Recorded;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::sql::Sql;
use super::{intentions, pools, tasks, volumes};
use crate::store::error::{Result, StoreError};

const EXISTS: Sql = Sql::new("pool_exists", "SELECT FROM pools WHERE id = $1");
/// Also of volumes that are gone, should a lock have been left on one.
const LOCKS: Sql = Sql::new("locks", "SELECT volume_id, job_id FROM volume_locks WHERE pool_id = $1");

/// In a transaction that sees one moment.
pub(super) async fn load<C: GenericClient>(
    client: &C,
    pool: PoolId,
    observed: &BTreeSet<TaskId>,
) -> Result<Recorded> {
    EXISTS
        .maybe(client, &[pool.as_untyped_uuid()])
        .await?
        .ok_or_else(|| StoreError::not_found("pool", pool))?;
    let hosts = pools::hosts(client, Some(pool)).await?;
    let volumes = volumes::list(client, Some(pool)).await?;
    let tasks = tasks::of_gluster(client, pool, observed).await?;
    let cleared = tasks::cleared(client, pool, observed).await?;
    let intentions = intentions::open(client, pool).await?;
    let locks = LOCKS.rows(client, &[pool.as_untyped_uuid()]).await?;
    Ok(Recorded {
        pool,
        hosts: hosts.into_iter().map(|h| (h.id, h.host)).collect(),
        volumes: volumes.into_iter().map(|v| (v.record.volume.id, v.record)).collect(),
        tasks: tasks.into_iter().map(|t| (t.record.task, t.record)).collect(),
        cleared,
        intentions: intentions.into_iter().map(|i| (i.volume, i)).collect(),
        locks: locks
            .iter()
            .map(|row| Ok((row.id("volume_id")?, row.id("job_id")?)))
            .collect::<Result<_>>()?,
    })
}
