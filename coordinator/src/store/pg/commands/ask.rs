//! What commands ask of the record.

use deadpool_postgres::GenericClient;
use hod_core::id::{PoolId, VolumeId};
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::Columns as _;
use super::super::sql::Sql;
use super::super::tasks;
use crate::store::error::Result;
use crate::store::model::Task;

const AWAITING: Sql = Sql::new(
    "awaiting_auto_commit",
    "SELECT s.id FROM jobs j
     JOIN steps s ON s.job_id = j.id
     JOIN step_tasks t ON t.step_id = s.id
     WHERE j.pool_id = $1 AND j.status = 'STARTED' AND j.auto_commit
       AND s.status = 'FINISHED' AND t.type = 'REMOVE_BRICK' AND t.status = 'COMPLETED'",
);
/// Of files that are smaller than this on average, their number tells how long it takes, and
/// not their bytes.
const SMALL: u64 = 64 << 10;

/// Hosts move files side by side, so the longest run time is the task's.
const RATE: Sql = Sql::new(
    "last_rate",
    "SELECT r.files, r.bytes, r.run_time_ns
     FROM (SELECT coalesce(s.ended_at, t.found_at) AS at,
                  least(sum(h.files), 9223372036854775807)::int8 AS files,
                  least(sum(h.bytes), 9223372036854775807)::int8 AS bytes, max(h.run_time_ns) AS run_time_ns
           FROM job_subjects b
           JOIN jobs j ON j.id = b.job_id
           JOIN steps s ON s.job_id = j.id
           JOIN step_tasks t ON t.step_id = s.id AND t.type IN ('REBALANCE', 'REMOVE_BRICK')
           JOIN step_hosts h ON h.step_id = s.id
           WHERE j.pool_id = $1 AND b.volume_id = $2 AND s.status <> 'STARTED'
           GROUP BY s.id, t.step_id) r
     WHERE r.bytes > 0 AND r.run_time_ns > 0
     ORDER BY r.at DESC LIMIT 1",
);

pub(super) async fn awaiting_auto_commit<C: GenericClient>(client: &C, pool: PoolId) -> Result<Vec<Task>> {
    let rows = AWAITING.rows(client, &[pool.as_untyped_uuid()]).await?;
    let steps: Vec<Uuid> = rows.iter().map(|row| row.value("id")).collect::<Result<_>>()?;
    tasks::of_steps(client, &steps).await
}

/// In bytes a second.
pub(super) async fn last_rate<C: GenericClient>(
    client: &C,
    pool: PoolId,
    volume: VolumeId,
) -> Result<Option<u64>> {
    let row = RATE.maybe(client, &[pool.as_untyped_uuid(), volume.as_untyped_uuid()]).await?;
    let Some(row) = row else { return Ok(None) };
    if row.count("bytes")? / SMALL < row.count("files")? {
        return Ok(None);
    }
    let (bytes, nanoseconds) = (u128::from(row.count("bytes")?), u128::from(row.count("run_time_ns")?));
    Ok(u64::try_from(bytes * 1_000_000_000 / nanoseconds.max(1)).ok())
}
