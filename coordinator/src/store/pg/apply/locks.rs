//! The volumes' locks.

use deadpool_postgres::GenericClient;
use hod_core::change::{LockChange, PutTask};
use hod_core::id::PoolId;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::Columns as _;
use super::super::sql::Sql;
use crate::store::error::{Result, StoreError};

const RELEASE: Sql = Sql::new(
    "release_locks",
    "DELETE FROM volume_locks l USING unnest($2::uuid[], $3::uuid[]) AS n (volume_id, job_id)
     WHERE l.pool_id = $1 AND l.volume_id = n.volume_id AND l.job_id = n.job_id",
);
/// A lock is taken where it is free, where the job has it already, and from the job
/// that it is to be taken from; from no other.
const TAKE: Sql = Sql::new(
    "take_locks",
    "INSERT INTO volume_locks AS l (pool_id, volume_id, job_id)
     SELECT $1, n.volume_id, n.job_id FROM unnest($2::uuid[], $3::uuid[]) AS n (volume_id, job_id)
     ON CONFLICT (pool_id, volume_id) DO UPDATE SET job_id = EXCLUDED.job_id, taken_at = now()
     WHERE l.job_id <> EXCLUDED.job_id
       AND EXISTS (
           SELECT FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS n (volume_id, job_id, taken_from)
           WHERE n.volume_id = l.volume_id AND n.taken_from = l.job_id)",
);
const HELD_BY_OTHERS: Sql = Sql::new(
    "locks_held_by_others",
    "SELECT v.name, l.job_id
     FROM unnest($2::uuid[], $3::uuid[]) AS n (volume_id, job_id)
     JOIN volume_locks l ON l.pool_id = $1 AND l.volume_id = n.volume_id
     JOIN volumes v ON v.pool_id = $1 AND v.id = n.volume_id
     WHERE l.job_id <> n.job_id
     LIMIT 1",
);

/// Gives locks back. One that is another's by now is left to it.
pub(super) async fn release<C: GenericClient>(client: &C, pool: PoolId, tasks: &[&PutTask]) -> Result<()> {
    let (volumes, jobs): (Vec<Uuid>, Vec<Uuid>) = tasks
        .iter()
        .filter(|put| put.lock == LockChange::Release)
        .map(|put| (put.task.volume.into_untyped_uuid(), put.task.job.into_untyped_uuid()))
        .unzip();
    if volumes.is_empty() {
        return Ok(());
    }
    RELEASE.execute(client, &[pool.as_untyped_uuid(), &volumes, &jobs]).await?;
    Ok(())
}

/// Takes locks.
///
/// # Errors
/// If one is in another's hands: with the volume and the job that has it.
pub(super) async fn take<'a, C: GenericClient>(
    client: &C,
    pool: PoolId,
    tasks: impl Iterator<Item = &'a PutTask>,
) -> Result<()> {
    let (mut volumes, mut jobs, mut from) = (Vec::new(), Vec::new(), Vec::new());
    for put in tasks {
        let taken_from = match put.lock {
            LockChange::Keep | LockChange::Release => continue,
            LockChange::Take => None,
            LockChange::TakeFrom(other) => Some(other.into_untyped_uuid()),
        };
        volumes.push(put.task.volume.into_untyped_uuid());
        jobs.push(put.task.job.into_untyped_uuid());
        from.push(taken_from);
    }
    if volumes.is_empty() {
        return Ok(());
    }
    let pool = pool.as_untyped_uuid();
    TAKE.execute(client, &[pool, &volumes, &jobs, &from]).await?;
    match HELD_BY_OTHERS.maybe(client, &[pool, &volumes, &jobs]).await? {
        None => Ok(()),
        Some(row) => {
            let (volume, job): (String, Uuid) = (row.value("name")?, row.value("job_id")?);
            Err(StoreError::Refused(format!("volume {volume} is in the hands of job {job}")))
        }
    }
}
