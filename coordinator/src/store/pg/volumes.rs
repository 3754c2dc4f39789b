//! Volumes and their bricks.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::GenericClient;
use hod_core::id::{JobId, PoolId, VolumeId};
use hod_core::record::VolumeRecord;
use hod_core::volume::{Volume, VolumeBrick};
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, brick, brick_name};
use super::sql::{Params, Sql};
use crate::store::error::{Result, StoreError};
use crate::store::model::PoolVolume;

const LIST: Sql = Sql::new(
    "volumes",
    "SELECT v.pool_id, p.name AS pool_name, v.id, v.name, v.status::text AS status, v.kind,
            v.distribute_count, v.replica_count, v.arbiter_count, v.disperse_count, v.redundancy_count,
            v.options, v.found_at, v.trouble, v.trouble_since, l.job_id AS locked_by
     FROM volumes v
     JOIN pools p ON p.id = v.pool_id
     LEFT JOIN volume_locks l ON l.pool_id = v.pool_id AND l.volume_id = v.id
     WHERE ($1::uuid IS NULL OR v.pool_id = $1) AND v.gone_at IS NULL
     ORDER BY p.name, v.name, v.id",
);
const BRICKS: Sql = Sql::new(
    "bricks",
    "SELECT b.pool_id, b.volume_id, b.name, b.host_id, b.path, b.arbiter
     FROM bricks b
     JOIN volumes v ON v.pool_id = b.pool_id AND v.id = b.volume_id
     WHERE ($1::uuid IS NULL OR b.pool_id = $1) AND v.gone_at IS NULL
     ORDER BY b.pool_id, b.volume_id, b.position",
);
/// Those that are gone too: their jobs are still there. A job's subject keeps the
/// name its volume had.
const FIND: Sql = Sql::new(
    "find_volume",
    "SELECT v.id FROM volumes v
     WHERE ($1::uuid IS NULL OR v.pool_id = $1) AND (v.name = $2 OR v.id = $3)
     UNION
     SELECT s.volume_id FROM job_subjects s JOIN jobs j ON j.id = s.job_id
     WHERE ($1::uuid IS NULL OR j.pool_id = $1) AND s.volume_id = $3",
);
const FIND_PRESENT: Sql = Sql::new(
    "find_present_volume",
    "SELECT v.id, v.name FROM volumes v
     WHERE v.pool_id = $1 AND (v.name = $2 OR v.id = $3) AND v.gone_at IS NULL
     ORDER BY v.id",
);

/// The volumes that are not gone, with what holds them.
pub(super) async fn list<C: GenericClient>(client: &C, pool: Option<PoolId>) -> Result<Vec<PoolVolume>> {
    let pool = pool.map(|p| p.into_untyped_uuid());
    let of_pool: Params<'_> = &[&pool];
    let (brick_rows, rows) = tokio::try_join!(BRICKS.rows(client, of_pool), LIST.rows(client, of_pool))?;
    let mut bricks: HashMap<(Uuid, Uuid), Vec<VolumeBrick>> = HashMap::new();
    for row in brick_rows {
        let key = (row.value("pool_id")?, row.value("volume_id")?);
        bricks.entry(key).or_default().push(VolumeBrick {
            brick: brick(row.maybe_id("host_id")?, row.value("path")?),
            name: brick_name(row.value("name")?)?,
            arbiter: row.value("arbiter")?,
        });
    }
    rows.iter()
        .map(|row| {
            let key = (row.value("pool_id")?, row.value("id")?);
            volume(row, bricks.remove(&key).unwrap_or_default())
        })
        .collect()
}

fn volume(row: &Row, bricks: Vec<VolumeBrick>) -> Result<PoolVolume> {
    let options: serde_json::Value = row.value("options")?;
    let options: BTreeMap<String, String> = serde_json::from_value(options)
        .map_err(|e| StoreError::Unreadable(format!("a volume's options: {e}")))?;
    let trouble: Option<String> = row.value("trouble")?;
    Ok(PoolVolume {
        pool: row.id("pool_id")?,
        pool_name: row.value("pool_name")?,
        record: VolumeRecord {
            volume: Volume {
                id: row.id("id")?,
                name: row.value("name")?,
                status: row.word("status")?,
                kind: row.value("kind")?,
                distribute_count: row.small("distribute_count")?,
                replica_count: row.small("replica_count")?,
                arbiter_count: row.small("arbiter_count")?,
                disperse_count: row.small("disperse_count")?,
                redundancy_count: row.small("redundancy_count")?,
                bricks,
                options,
            },
            found_at: row.time("found_at")?,
            trouble: trouble.zip(row.maybe_time("trouble_since")?),
        },
        locked_by: row.maybe_id::<hod_core::id::JobKind>("locked_by")? as Option<JobId>,
    })
}

/// The volumes that a name or an id means, gone ones too.
pub(super) async fn find<C: GenericClient>(
    client: &C,
    pool: Option<PoolId>,
    name: &str,
) -> Result<Vec<Uuid>> {
    let pool = pool.map(|p| p.into_untyped_uuid());
    let id = name.parse::<Uuid>().ok();
    let rows = FIND.rows(client, &[&pool, &name, &id]).await?;
    if rows.is_empty() {
        return Err(StoreError::not_found("volume", name));
    }
    rows.iter().map(|row| row.value("id")).collect()
}

/// The one volume of a pool that a name or an id means and that is there.
pub(super) async fn present<C: GenericClient>(
    client: &C,
    pool: PoolId,
    name: &str,
) -> Result<(VolumeId, String)> {
    let id = name.parse::<Uuid>().ok();
    let rows = FIND_PRESENT.rows(client, &[pool.as_untyped_uuid(), &name, &id]).await?;
    let row = rows.first().ok_or_else(|| StoreError::not_found("volume", name))?;
    Ok((row.id("id")?, row.value("name")?))
}
