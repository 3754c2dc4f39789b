//! Recording what a pool is made of: hosts, volumes, bricks. Each in one statement
//! for however many; a row that would not change is not written.

use deadpool_postgres::GenericClient;
use hod_core::id::{HostId, PoolId, VolumeId};
use hod_core::record::{HostRecord, VolumeRecord};
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::convert::{Time, Word as _, integer};
use super::sql::Sql;
use crate::store::error::{Result, StoreError};

/// unnest takes an array of arrays apart wholly, so names travel as JSON.
const PUT_HOSTS: Sql = Sql::new(
    "put_hosts",
    "INSERT INTO hosts AS h (pool_id, id, names, agent, gluster_version, agent_version, state, state_message, since)
     SELECT $1, n.id, ARRAY(SELECT jsonb_array_elements_text(n.names::jsonb)), n.agent, n.gluster_version,
            n.agent_version, n.state::host_state, n.state_message, n.since
     FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
         AS n (id, names, agent, gluster_version, agent_version, state, state_message, since)
     ON CONFLICT (pool_id, id) DO UPDATE SET
         names = EXCLUDED.names, agent = EXCLUDED.agent, gluster_version = EXCLUDED.gluster_version,
         agent_version = EXCLUDED.agent_version, state = EXCLUDED.state,
         state_message = EXCLUDED.state_message, since = EXCLUDED.since
     WHERE h.* IS DISTINCT FROM EXCLUDED.*",
);
const PUT_VOLUMES: Sql = Sql::new(
    "put_volumes",
    "INSERT INTO volumes AS v (pool_id, id, name, status, kind, distribute_count, replica_count, arbiter_count,
         disperse_count, redundancy_count, options, found_at, trouble, trouble_since)
     SELECT $1, n.id, n.name, n.status::volume_status, n.kind, n.distribute_count, n.replica_count, n.arbiter_count,
            n.disperse_count, n.redundancy_count, n.options::jsonb, n.found_at, n.trouble, n.trouble_since
     FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[], $9::int8[],
              $10::int8[], $11::text[], $12::timestamptz[], $13::text[], $14::timestamptz[])
         AS n (id, name, status, kind, distribute_count, replica_count, arbiter_count, disperse_count,
               redundancy_count, options, found_at, trouble, trouble_since)
     ON CONFLICT (pool_id, id) DO UPDATE SET
         name = EXCLUDED.name, status = EXCLUDED.status, kind = EXCLUDED.kind,
         distribute_count = EXCLUDED.distribute_count, replica_count = EXCLUDED.replica_count,
         arbiter_count = EXCLUDED.arbiter_count, disperse_count = EXCLUDED.disperse_count,
         redundancy_count = EXCLUDED.redundancy_count, options = EXCLUDED.options, found_at = EXCLUDED.found_at,
         trouble = EXCLUDED.trouble, trouble_since = EXCLUDED.trouble_since, gone_at = NULL
     WHERE v.* IS DISTINCT FROM EXCLUDED.*",
);
const PUT_BRICKS: Sql = Sql::new(
    "put_bricks",
    "INSERT INTO bricks AS b (pool_id, volume_id, position, name, host_id, path, arbiter)
     SELECT $1, n.* FROM unnest($2::uuid[], $3::int4[], $4::text[], $5::uuid[], $6::text[], $7::bool[]) AS n
     ON CONFLICT (pool_id, volume_id, position) DO UPDATE SET
         name = EXCLUDED.name, host_id = EXCLUDED.host_id, path = EXCLUDED.path, arbiter = EXCLUDED.arbiter
     WHERE b.* IS DISTINCT FROM EXCLUDED.*",
);
const DROP_BRICKS: Sql = Sql::new(
    "drop_bricks",
    "DELETE FROM bricks b USING unnest($2::uuid[], $3::int4[]) AS n (volume_id, bricks)
     WHERE b.pool_id = $1 AND b.volume_id = n.volume_id AND b.position >= n.bricks",
);
const VOLUMES_GONE: Sql = Sql::new(
    "volumes_gone",
    "UPDATE volumes SET gone_at = now(), trouble = NULL, trouble_since = NULL
     WHERE pool_id = $1 AND id = ANY ($2) AND gone_at IS NULL",
);

/// Hosts, new or changed.
pub(super) async fn put_hosts<C: GenericClient>(
    client: &C,
    pool: PoolId,
    hosts: &[(&HostId, &HostRecord)],
) -> Result<()> {
    if hosts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = hosts.iter().map(|(id, _)| id.into_untyped_uuid()).collect();
    let names: Vec<String> =
        hosts.iter().map(|(_, host)| serde_json::Value::from(host.names.clone()).to_string()).collect();
    let texts = |of: fn(&HostRecord) -> &str| -> Vec<&str> { hosts.iter().map(|(_, h)| of(h)).collect() };
    let since: Vec<Time> = hosts.iter().map(|(_, h)| h.since.into()).collect();
    PUT_HOSTS
        .execute(
            client,
            &[
                pool.as_untyped_uuid(),
                &ids,
                &names,
                &texts(|h| &h.agent),
                &texts(|h| &h.gluster_version),
                &texts(|h| &h.agent_version),
                &texts(|h| h.state.code()),
                &texts(|h| &h.state_message),
                &since,
            ],
        )
        .await?;
    Ok(())
}

/// Volumes with their bricks, new or changed.
pub(super) async fn put_volumes<C: GenericClient>(
    client: &C,
    pool: PoolId,
    records: &[&VolumeRecord],
) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = records.iter().map(|r| r.volume.id.into_untyped_uuid()).collect();
    let texts = |of: fn(&VolumeRecord) -> &str| -> Vec<&str> { records.iter().map(|r| of(r)).collect() };
    let counts =
        |of: fn(&VolumeRecord) -> u32| -> Vec<i64> { records.iter().map(|r| i64::from(of(r))).collect() };
    let options: Vec<String> = records
        .iter()
        .map(|r| serde_json::to_string(&r.volume.options))
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| StoreError::Refused(format!("a volume's options: {e}")))?;
    let found_at: Vec<Time> = records.iter().map(|r| r.found_at.into()).collect();
    let trouble: Vec<Option<&str>> =
        records.iter().map(|r| r.trouble.as_ref().map(|(why, _)| why.as_str())).collect();
    let trouble_since: Vec<Option<Time>> =
        records.iter().map(|r| r.trouble.as_ref().map(|(_, since)| (*since).into())).collect();
    PUT_VOLUMES
        .execute(
            client,
            &[
                pool.as_untyped_uuid(),
                &ids,
                &texts(|r| &r.volume.name),
                &texts(|r| r.volume.status.code()),
                &texts(|r| &r.volume.kind),
                &counts(|r| r.volume.distribute_count),
                &counts(|r| r.volume.replica_count),
                &counts(|r| r.volume.arbiter_count),
                &counts(|r| r.volume.disperse_count),
                &counts(|r| r.volume.redundancy_count),
                &options,
                &found_at,
                &trouble,
                &trouble_since,
            ],
        )
        .await?;
    put_bricks(client, pool, records).await
}

async fn put_bricks<C: GenericClient>(client: &C, pool: PoolId, records: &[&VolumeRecord]) -> Result<()> {
    let mut volumes: Vec<Uuid> = Vec::new();
    let mut positions: Vec<i32> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut hosts: Vec<Option<Uuid>> = Vec::new();
    let mut paths: Vec<Option<&str>> = Vec::new();
    let mut arbiters: Vec<bool> = Vec::new();
    let mut wholes: Vec<(Uuid, i32)> = Vec::new();
    for record in records {
        let volume = record.volume.id.into_untyped_uuid();
        let mut position = 0;
        for brick in &record.volume.bricks {
            volumes.push(volume);
            positions.push(integer("the number of a volume's bricks", position)?);
            names.push(brick.name.as_str());
            hosts.push(brick.brick.as_ref().map(|b| b.host.into_untyped_uuid()));
            paths.push(brick.brick.as_ref().map(|b| b.path.as_str()));
            arbiters.push(brick.arbiter);
            position += 1;
        }
        wholes.push((volume, integer("the number of a volume's bricks", position)?));
    }
    PUT_BRICKS
        .execute(client, &[pool.as_untyped_uuid(), &volumes, &positions, &names, &hosts, &paths, &arbiters])
        .await?;
    let (ids, counts): (Vec<Uuid>, Vec<i32>) = wholes.into_iter().unzip();
    DROP_BRICKS.execute(client, &[pool.as_untyped_uuid(), &ids, &counts]).await?;
    Ok(())
}

/// Volumes that are gone.
pub(super) async fn volumes_gone<C: GenericClient>(
    client: &C,
    pool: PoolId,
    gone: &[VolumeId],
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = gone.iter().map(|id| id.into_untyped_uuid()).collect();
    VOLUMES_GONE.execute(client, &[pool.as_untyped_uuid(), &ids]).await?;
    Ok(())
}
