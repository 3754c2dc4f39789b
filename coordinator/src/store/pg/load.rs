//! What a plan is made against.

use std::collections::BTreeSet;

use deadpool_postgres::GenericClient;
use hod_core::id::{PoolId, TaskId};
use hod_core::record::Recorded;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::sql::{Params, Sql};
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
    // Asked in one go: a plan waits for the database's answer twice, not ten times.
    let id: Params<'_> = &[pool.as_untyped_uuid()];
    let (exists, hosts, volumes, tasks, cleared, intentions, locks) = tokio::try_join!(
        EXISTS.maybe(client, id),
        pools::hosts(client, Some(pool)),
        volumes::list(client, Some(pool)),
        tasks::of_gluster(client, pool, observed),
        tasks::cleared(client, pool, observed),
        intentions::open(client, pool),
        LOCKS.rows(client, id),
    )?;
    exists.ok_or_else(|| StoreError::not_found("pool", pool))?;
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
