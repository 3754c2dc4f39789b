//! What is kept for a time: ended jobs, and the evidence of jobs.

use deadpool_postgres::GenericClient;
use hod_core::id::{JobId, PoolId, TaskId};
use jiff::Timestamp;
use newtype_uuid::GenericUuid as _;
use std::collections::BTreeSet;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, Time, uuids};
use super::events::notify;
use super::sql::Sql;
use crate::store::error::{Result, StoreError};
use crate::store::model::Evidence;

const CLEAR_ENDED: Sql =
    Sql::new("clear_ended_jobs", "SELECT DeleteCompletedJobsOlderThan($1, $2, $3) AS id");
const JOB_EXISTS: Sql =
    Sql::new("job_exists", "SELECT FROM jobs WHERE id = $1 AND ($2::uuid IS NULL OR pool_id = $2)");
const KEEP: Sql = Sql::new(
    "keep_evidence",
    "INSERT INTO evidence (job_id, at, host_id, what, raw)
     SELECT $1, e.* FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::bytea[]) AS e",
);
const BOUND: Sql = Sql::new(
    "bound_evidence",
    "DELETE FROM evidence WHERE job_id = $1 AND id <= (
         SELECT id FROM evidence WHERE job_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)",
);
const EVIDENCE: Sql =
    Sql::new("evidence", "SELECT at, host_id, what, raw FROM evidence WHERE job_id = $1 ORDER BY id");

/// zstd's own default: raw answers shrink to a tenth at it.
const LEVEL: i32 = 3;

/// In a transaction that has proven the lease.
pub(super) async fn clear_ended<C: GenericClient>(
    client: &C,
    pool: PoolId,
    before: Timestamp,
    listed: &BTreeSet<TaskId>,
) -> Result<u64> {
    let before = Time::from(before);
    let rows = CLEAR_ENDED.rows(client, &[pool.as_untyped_uuid(), &before, &uuids(listed)]).await?;
    let jobs: Vec<Uuid> = rows.iter().map(|row| row.value("id")).collect::<Result<_>>()?;
    notify::jobs(client, &jobs).await?;
    Ok(jobs.len() as u64)
}

/// In a transaction that has proven the lease.
pub(super) async fn keep<C: GenericClient>(
    client: &C,
    pool: PoolId,
    job: JobId,
    evidence: &[Evidence],
) -> Result<()> {
    let id = job.as_untyped_uuid();
    let pool = Some(pool.into_untyped_uuid());
    JOB_EXISTS.maybe(client, &[id, &pool]).await?.ok_or_else(|| StoreError::not_found("job", job))?;
    // Of more than are kept only the last would stay.
    let newest = &evidence[evidence.len().saturating_sub(Evidence::MAX_PER_JOB)..];
    let at: Vec<Time> = newest.iter().map(|e| e.at.into()).collect();
    let hosts: Vec<Option<Uuid>> = newest.iter().map(|e| e.host.map(|h| h.into_untyped_uuid())).collect();
    let what: Vec<&str> = newest.iter().map(|e| e.what.as_str()).collect();
    let raw: Vec<Vec<u8>> = newest
        .iter()
        .map(|e| zstd::bulk::compress(&e.raw[..e.raw.len().min(Evidence::MAX_BYTES)], LEVEL))
        .collect::<std::io::Result<_>>()
        .map_err(|e| StoreError::Refused(format!("evidence of job {job} can't be compressed: {e}")))?;
    KEEP.execute(client, &[id, &at, &hosts, &what, &raw]).await?;
    BOUND.execute(client, &[id, &(Evidence::MAX_PER_JOB as i64)]).await?;
    Ok(())
}

pub(super) async fn evidence<C: GenericClient>(client: &C, job: JobId) -> Result<Vec<Evidence>> {
    let id = job.as_untyped_uuid();
    JOB_EXISTS.maybe(client, &[id, &None::<Uuid>]).await?.ok_or_else(|| StoreError::not_found("job", job))?;
    let rows = EVIDENCE.rows(client, &[id]).await?;
    rows.iter().map(one).collect()
}

fn one(row: &Row) -> Result<Evidence> {
    let raw: &[u8] = row.value("raw")?;
    Ok(Evidence {
        at: row.time("at")?,
        host: row.maybe_id("host_id")?,
        what: row.value("what")?,
        raw: zstd::bulk::decompress(raw, Evidence::MAX_BYTES)
            .map_err(|e| StoreError::Unreadable(format!("evidence: {e}")))?,
    })
}
