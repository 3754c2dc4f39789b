//! Who writes for a pool. A pool's row is locked by whoever writes for it, and the
//! lease is proven in the same transaction, so that a coordinator that was paused
//! and wakes can change nothing.

use deadpool_postgres::GenericClient;
use hod_core::id::{CoordinatorId, PoolId};
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::events::notify;
use super::sql::Sql;
use crate::store::error::{Result, StoreError};

/// NO KEY: rows that refer to the pool can be written meanwhile.
const LOCK: Sql = Sql::new("lock_pool", "SELECT epoch, holder FROM pools WHERE id = $1 FOR NO KEY UPDATE");
/// A pool whose row is locked for longer is left for the next attempt.
const WAIT_BRIEFLY: Sql = Sql::new("wait_briefly", "SET LOCAL lock_timeout = '1s'");
/// Its row is locked already, so that this sees every check-in that came before.
const TAKE: Sql = Sql::new(
    "take_lease",
    "UPDATE pools p SET epoch = p.epoch + 1, holder_id = me.id, holder = me.name, holder_seen_at = clock_timestamp()
     FROM coordinators me
     WHERE p.id = $1 AND me.id = $2
       AND NOT EXISTS (SELECT FROM coordinators c
                       WHERE c.id = p.holder_id AND c.id <> me.id
                         AND c.seen_at > clock_timestamp() - make_interval(secs => $3))
     RETURNING p.epoch",
);
const RELEASE: Sql = Sql::new(
    "release_lease",
    "UPDATE pools SET epoch = epoch + 1, holder_id = NULL, holder = '' WHERE id = $1",
);

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writer {
    /// The pool's holder, by its lease.
    Holder(Lease),
    /// An operator or another program, by whichever coordinator heard the word: that
    /// needs no lease, but its turn.
    Anyone,
}

impl Writer {
    /// Whether it may write for a pool at all.
    pub(super) fn is_of(self, pool: PoolId) -> bool {
        match self {
            Self::Holder(lease) => lease.pool == pool,
            Self::Anyone => true,
        }
    }
}

/// `None`: another holds the pool.
pub(super) async fn take<C: GenericClient>(
    client: &C,
    pool: PoolId,
    coordinator: CoordinatorId,
) -> Result<Option<Lease>> {
    WAIT_BRIEFLY.execute(client, &[]).await?;
    lock(client, Writer::Anyone, pool).await?;
    let (id, by) = (pool.as_untyped_uuid(), coordinator.as_untyped_uuid());
    let Some(row) = TAKE.maybe(client, &[id, by, &Lease::LASTS.as_secs_f64()]).await? else {
        return Ok(None);
    };
    notify::pool(client, pool).await?;
    Ok(Some(Lease { pool, epoch: row.value("epoch")? }))
}

/// Counts the epoch up: what is still under way with the lease is refused.
pub(super) async fn release<C: GenericClient>(client: &C, lease: Lease) -> Result<()> {
    prove(client, lease).await?;
    RELEASE.execute(client, &[lease.pool.as_untyped_uuid()]).await?;
    notify::pool(client, lease.pool).await
}

/// Locks the pool's row until the transaction ends, if the lease is the last one.
pub(super) async fn prove<C: GenericClient>(client: &C, lease: Lease) -> Result<()> {
    lock(client, Writer::Holder(lease), lease.pool).await
}

/// The same for what is about a pool by itself, which has to be the lease's.
pub(super) async fn prove_for<C: GenericClient>(client: &C, lease: Lease, pool: PoolId) -> Result<()> {
    if lease.pool != pool {
        return Err(StoreError::not_found("pool", pool));
    }
    prove(client, lease).await
}

/// Locks the pool's row until the transaction ends, if the writer may write.
pub(super) async fn lock<C: GenericClient>(client: &C, writer: Writer, pool: PoolId) -> Result<()> {
    let row = LOCK.maybe(client, &[pool.as_untyped_uuid()]).await?;
    let row = row.ok_or_else(|| StoreError::not_found("pool", pool))?;
    let Writer::Holder(lease) = writer else { return Ok(()) };
    if row.value::<i64>("epoch")? == lease.epoch {
        return Ok(());
    }
    let holder: String = row.value("holder")?;
    let holder = if holder.is_empty() { "nobody".to_owned() } else { holder };
    Err(StoreError::LeaseLost { pool, holder })
}
