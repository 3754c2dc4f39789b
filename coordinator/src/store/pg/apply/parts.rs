//! The hosts' parts of tasks, and their bricks. A row that would not change is not
//! written.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use hod_core::id::HostId;
use hod_core::record::PartRecord;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::{Time, bigint, integer, nanoseconds};
use super::super::sql::Sql;
use super::Placed;
use crate::store::error::Result;

const PUT_HOSTS: Sql = Sql::new(
    "put_step_hosts",
    "INSERT INTO step_hosts AS h (step_id, host_id, must_take_part, held, not_held_looks, not_held_at, status,
                                  files, bytes, scanned, failed, skipped, run_time_ns, changed_at)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bool[], $4::bool[], $5::int4[], $6::timestamptz[],
                          $7::text[]::part_status[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], $12::int8[],
                          $13::int8[], $14::timestamptz[])
     ON CONFLICT (step_id, host_id) DO UPDATE SET
         must_take_part = EXCLUDED.must_take_part, held = EXCLUDED.held,
         not_held_looks = EXCLUDED.not_held_looks, not_held_at = EXCLUDED.not_held_at, status = EXCLUDED.status,
         files = EXCLUDED.files, bytes = EXCLUDED.bytes, scanned = EXCLUDED.scanned, failed = EXCLUDED.failed,
         skipped = EXCLUDED.skipped, run_time_ns = EXCLUDED.run_time_ns, changed_at = EXCLUDED.changed_at
     WHERE h.* IS DISTINCT FROM EXCLUDED.*",
);
const DROP_HOSTS: Sql = Sql::new(
    "drop_step_hosts",
    "DELETE FROM step_hosts h
     WHERE h.step_id = ANY ($1)
       AND NOT EXISTS (
           SELECT FROM unnest($2::uuid[], $3::uuid[]) AS n (step_id, host_id)
           WHERE n.step_id = h.step_id AND n.host_id = h.host_id)",
);
const PUT_BRICKS: Sql = Sql::new(
    "put_step_bricks",
    "INSERT INTO step_bricks AS b (step_id, position, name, host_id, path)
     SELECT * FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::uuid[], $5::text[])
     ON CONFLICT (step_id, position) DO UPDATE SET
         name = EXCLUDED.name, host_id = EXCLUDED.host_id, path = EXCLUDED.path
     WHERE b.* IS DISTINCT FROM EXCLUDED.*",
);
const DROP_BRICKS: Sql = Sql::new(
    "drop_step_bricks",
    "DELETE FROM step_bricks b USING unnest($1::uuid[], $2::int4[]) AS n (step_id, bricks)
     WHERE b.step_id = n.step_id AND b.position >= n.bricks",
);

/// Records the parts and bricks of tasks that were placed.
pub(super) async fn put<C: GenericClient>(client: &C, placed: &[Placed<'_>]) -> Result<()> {
    if placed.is_empty() {
        return Ok(());
    }
    let parts: Vec<_> = placed.iter().map(|p| (p.step, &p.put.task.parts)).collect();
    put_hosts(client, &parts).await?;
    put_bricks(client, placed).await
}

#[derive(Default)]
struct Hosts {
    steps: Vec<Uuid>,
    hosts: Vec<Uuid>,
    must_take_part: Vec<bool>,
    held: Vec<bool>,
    not_held_looks: Vec<Option<i32>>,
    not_held_at: Vec<Option<Time>>,
    status: Vec<&'static str>,
    files: Vec<i64>,
    bytes: Vec<i64>,
    scanned: Vec<i64>,
    failed: Vec<i64>,
    skipped: Vec<i64>,
    run_time: Vec<Option<i64>>,
    changed_at: Vec<Time>,
}

/// Records the parts of steps' tasks: these and no others. Returns how many rows that
/// changed.
pub(in super::super) async fn put_hosts<C: GenericClient>(
    client: &C,
    placed: &[(Uuid, &BTreeMap<HostId, PartRecord>)],
) -> Result<u64> {
    let mut h = Hosts::default();
    for (step, parts) in placed {
        for (host, part) in *parts {
            let counters = &part.counters;
            let looks = part.not_held.map(|(looks, _)| integer("how often a host held no task", looks));
            let run_time = counters.run_time.map(|time| nanoseconds("a run time", time));
            h.steps.push(*step);
            h.hosts.push(host.into_untyped_uuid());
            h.must_take_part.push(part.must_take_part);
            h.held.push(part.held);
            h.not_held_looks.push(looks.transpose()?);
            h.not_held_at.push(part.not_held.map(|(_, at)| at.into()));
            h.status.push(part.status.code());
            h.files.push(bigint("the number of files", counters.files)?);
            h.bytes.push(bigint("the number of bytes", counters.bytes)?);
            h.scanned.push(bigint("the number of files looked at", counters.scanned)?);
            h.failed.push(bigint("the number of files failed", counters.failed)?);
            h.skipped.push(bigint("the number of files passed over", counters.skipped)?);
            h.run_time.push(run_time.transpose()?);
            h.changed_at.push(part.changed_at.into());
        }
    }
    let steps: Vec<Uuid> = placed.iter().map(|(step, _)| *step).collect();
    let dropped = DROP_HOSTS.execute(client, &[&steps, &h.steps, &h.hosts]).await?;
    let put = PUT_HOSTS
        .execute(
            client,
            &[
                &h.steps,
                &h.hosts,
                &h.must_take_part,
                &h.held,
                &h.not_held_looks,
                &h.not_held_at,
                &h.status,
                &h.files,
                &h.bytes,
                &h.scanned,
                &h.failed,
                &h.skipped,
                &h.run_time,
                &h.changed_at,
            ],
        )
        .await?;
    Ok(dropped + put)
}

async fn put_bricks<C: GenericClient>(client: &C, placed: &[Placed<'_>]) -> Result<()> {
    let mut steps: Vec<Uuid> = Vec::new();
    let mut positions: Vec<i32> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut hosts: Vec<Option<Uuid>> = Vec::new();
    let mut paths: Vec<Option<&str>> = Vec::new();
    let mut wholes: Vec<(Uuid, i32)> = Vec::new();
    for Placed { put, step, .. } in placed {
        let mut position = 0;
        for brick in &put.task.bricks {
            steps.push(*step);
            positions.push(position);
            names.push(brick.name.as_str());
            hosts.push(brick.brick.as_ref().map(|b| b.host.into_untyped_uuid()));
            paths.push(brick.brick.as_ref().map(|b| b.path.as_str()));
            position += 1;
        }
        wholes.push((*step, position));
    }
    let (ids, counts): (Vec<Uuid>, Vec<i32>) = wholes.into_iter().unzip();
    DROP_BRICKS.execute(client, &[&ids, &counts]).await?;
    if !steps.is_empty() {
        PUT_BRICKS.execute(client, &[&steps, &positions, &names, &hosts, &paths]).await?;
    }
    Ok(())
}
