//! Who writes for a pool. A pool's row is locked by whoever writes for it, and the
//! lease is proven in the same transaction, so that a coordinator that was paused
//! and wakes can change nothing.

use deadpool_postgres::GenericClient;
use hod_core::id::PoolId;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::events::notify;
use super::sql::Sql;
use crate::store::error::{Result, StoreError};
use crate::store::model::Lease;

const TAKE: Sql = Sql::new(
    "take_lease",
    "UPDATE pools SET epoch = epoch + 1, holder = $2, holder_seen_at = now() WHERE id = $1 RETURNING epoch",
);
const RENEW: Sql = Sql::new("renew_lease", "UPDATE pools SET holder_seen_at = now() WHERE id = $1");
/// NO KEY: rows that refer to the pool can be written meanwhile.
const LOCK: Sql = Sql::new("lock_pool", "SELECT epoch, holder FROM pools WHERE id = $1 FOR NO KEY UPDATE");

pub(super) async fn take<C: GenericClient>(client: &C, pool: PoolId, holder: &str) -> Result<Lease> {
    let row = TAKE
        .maybe(client, &[pool.as_untyped_uuid(), &holder])
        .await?
        .ok_or_else(|| StoreError::not_found("pool", pool))?;
    notify::pool(client, pool).await?;
    Ok(Lease { pool, epoch: row.value("epoch")? })
}

pub(super) async fn renew<C: GenericClient>(client: &C, lease: Lease) -> Result<()> {
    prove(client, lease).await?;
    RENEW.execute(client, &[lease.pool.as_untyped_uuid()]).await?;
    Ok(())
}

/// Locks the pool's row until the transaction ends, if the lease is the last one.
pub(super) async fn prove<C: GenericClient>(client: &C, lease: Lease) -> Result<()> {
    let row = LOCK
        .maybe(client, &[lease.pool.as_untyped_uuid()])
        .await?
        .ok_or_else(|| StoreError::not_found("pool", lease.pool))?;
    let epoch: i64 = row.value("epoch")?;
    if epoch == lease.epoch {
        return Ok(());
    }
    Err(StoreError::LeaseLost { pool: lease.pool, holder: row.value("holder")? })
}

/// Locks the pool's row for what an operator or another program asks: that needs no
/// lease, but its turn.
pub(super) async fn lock<C: GenericClient>(client: &C, pool: PoolId) -> Result<()> {
    LOCK.maybe(client, &[pool.as_untyped_uuid()])
        .await?
        .map(|_| ())
        .ok_or_else(|| StoreError::not_found("pool", pool))
}
