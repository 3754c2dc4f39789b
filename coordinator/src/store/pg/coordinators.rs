//! Which coordinators there are. Each says so in a row of its own: that renews all its
//! leases by one small write, which waits for no transaction that has locked a pool.

use std::collections::BTreeSet;

use deadpool_postgres::GenericClient;
use hod_core::id::{CoordinatorId, PoolId};
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;

use super::convert::Columns as _;
use super::events::notify;
use super::sql::Sql;
use crate::store::error::Result;
use crate::store::model::{Coordinator, Held, Roster};

/// Those that went without a word are forgotten after a day.
const SUCCEED: Sql = Sql::new(
    "succeed_coordinator",
    "DELETE FROM coordinators
     WHERE id <> $1 AND ($3 OR name = $2 OR seen_at < clock_timestamp() - interval '1 day')",
);
const CHECK_IN: Sql = Sql::new(
    "check_in",
    "INSERT INTO coordinators (id, name, address, seen_at) VALUES ($1, $2, $3, clock_timestamp())
     ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()",
);
const SEEN: Sql = Sql::new(
    "coordinators",
    "SELECT id, name, address FROM coordinators
     WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY id",
);
const HELD: Sql = Sql::new("pools_held", "SELECT id, epoch, holder_id FROM pools ORDER BY id");
const GIVE_BACK: Sql = Sql::new(
    "give_pools_back",
    "UPDATE pools SET epoch = epoch + 1, holder_id = NULL, holder = '' WHERE holder_id = $1 RETURNING id",
);
const FORGET: Sql = Sql::new("forget_coordinator", "DELETE FROM coordinators WHERE id = $1");

pub(super) async fn succeed<C: GenericClient>(client: &C, of: &Coordinator, alone: bool) -> Result<()> {
    SUCCEED.execute(client, &[of.id.as_untyped_uuid(), &of.name, &alone]).await?;
    Ok(())
}

pub(super) async fn check_in<C: GenericClient>(client: &C, of: &Coordinator) -> Result<Roster> {
    CHECK_IN.execute(client, &[of.id.as_untyped_uuid(), &of.name, &of.address]).await?;
    let rows = SEEN.rows(client, &[&Lease::LASTS.as_secs_f64()]).await?;
    let coordinators: Vec<Coordinator> = rows
        .iter()
        .map(|row| {
            Ok(Coordinator { id: row.id("id")?, name: row.value("name")?, address: row.value("address")? })
        })
        .collect::<Result<_>>()?;
    let seen: BTreeSet<CoordinatorId> = coordinators.iter().map(|c| c.id).collect();
    let rows = HELD.rows(client, &[]).await?;
    let pools = rows.iter().map(|row| {
        let lease = Lease { pool: row.id("id")?, epoch: row.value("epoch")? };
        Ok(Held { lease, by: row.maybe_id("holder_id")?.filter(|id| seen.contains(id)) })
    });
    Ok(Roster { pools: pools.collect::<Result<_>>()?, coordinators })
}

/// In a transaction.
pub(super) async fn check_out<C: GenericClient>(client: &C, of: CoordinatorId) -> Result<()> {
    for row in GIVE_BACK.rows(client, &[of.as_untyped_uuid()]).await? {
        let pool: PoolId = row.id("id")?;
        notify::pool(client, pool).await?;
    }
    FORGET.execute(client, &[of.as_untyped_uuid()]).await?;
    Ok(())
}
