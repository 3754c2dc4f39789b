//! Pools and their hosts.

use deadpool_postgres::GenericClient;
use hod_core::event::{EventDraft, Severity};
use hod_core::id::PoolId;
use hod_core::lease::Lease;
use hod_core::record::HostRecord;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::convert::{Columns as _, uuids};
use super::events::{self, notify};
use super::members;
use super::sql::Sql;
use crate::store::error::{Result, StoreError};
use crate::store::model::{NewPool, Pool, PoolHost};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.name, p.follow::text AS follow, p.added_at, p.holder,
                coalesce(c.address, '') AS holder_address,
                extract(epoch FROM clock_timestamp() - c.seen_at)::float8 AS holder_unseen_for,
                coalesce(c.seen_at, p.holder_seen_at) AS holder_seen_at,
                (SELECT count(*) FROM hosts h WHERE h.pool_id = p.id AND h.state <> 'LEFT') AS hosts,
                (SELECT count(*) FROM hosts h WHERE h.pool_id = p.id AND h.state = 'ANSWERING') AS hosts_answering,
                (SELECT count(*) FROM volumes v WHERE v.pool_id = p.id AND v.gone_at IS NULL) AS volumes,
                (SELECT count(*) FROM jobs j WHERE j.pool_id = p.id AND j.status = 'STARTED') AS open_jobs
             FROM pools p
             LEFT JOIN coordinators c ON c.id = p.holder_id ",
            $rest
        )
    };
}
const LIST: Sql = Sql::new("pools", select!("ORDER BY p.name"));
/// No name is a UUID, so there is at most one.
const FIND: Sql = Sql::new("pool", select!("WHERE p.name = $1 OR p.id = $2"));
const INSERT: Sql = Sql::new(
    "insert_pool",
    "INSERT INTO pools (id, name, follow) VALUES ($1, $2, $3::text::follow)
     ON CONFLICT (name) DO NOTHING",
);
const CLAIMED: Sql = Sql::new(
    "hosts_claimed",
    "SELECT h.id, coalesce(h.names[1], h.id::text) AS host, p.name AS pool_name
     FROM hosts h JOIN pools p ON p.id = h.pool_id
     WHERE h.id = ANY ($1) AND h.state <> 'LEFT' AND h.pool_id <> $2
     ORDER BY h.id LIMIT 1",
);
const DELETE: Sql = Sql::new("delete_pool", "DELETE FROM pools WHERE id = $1");
const HOSTS: Sql = Sql::new(
    "hosts",
    "SELECT h.pool_id, p.name AS pool_name, h.id, h.names, h.agent, h.gluster_version, h.agent_version,
            h.state::text AS state, h.state_message, h.since
     FROM hosts h JOIN pools p ON p.id = h.pool_id
     WHERE $1::uuid IS NULL OR h.pool_id = $1
     ORDER BY p.name, h.names, h.id",
);

/// In a transaction.
pub(super) async fn add<C: GenericClient>(client: &C, new: &NewPool) -> Result<Pool> {
    let name = new.name.trim();
    if name.is_empty() {
        return Err(StoreError::invalid("name", "a pool needs a name"));
    }
    if name.parse::<Uuid>().is_ok() {
        return Err(StoreError::invalid(
            "name",
            format!("{name} would be taken for a pool's id; choose a name that is no UUID"),
        ));
    }
    if new.hosts.is_empty() {
        return Err(StoreError::invalid("hosts", "a pool has at least one host"));
    }
    let pool = PoolId::from_untyped_uuid(Uuid::new_v4());
    refuse_claimed(client, pool, name, new).await?;
    let inserted = INSERT.execute(client, &[pool.as_untyped_uuid(), &name, &new.follow.code()]).await?;
    if inserted == 0 {
        return Err(StoreError::Exists(format!("there is a pool {name} already")));
    }
    let hosts: Vec<_> = new.hosts.iter().collect();
    if let Err(error) = members::put_hosts(client, pool, &hosts).await {
        // Another pool took one of them at the same moment.
        return Err(explain_claim(error, name));
    }
    let added = EventDraft {
        severity: Severity::Info,
        kind: "pool-added",
        message: format!("pool {name} was added with {} hosts", hosts.len()),
        volume: None,
        job: None,
        actor: new.actor.clone(),
    };
    events::record(client, pool, [&added]).await?;
    notify::pool(client, pool).await?;
    find(client, name).await
}

async fn refuse_claimed<C: GenericClient>(client: &C, pool: PoolId, name: &str, new: &NewPool) -> Result<()> {
    let ids = uuids(new.hosts.keys());
    match CLAIMED.maybe(client, &[&ids, pool.as_untyped_uuid()]).await? {
        None => Ok(()),
        Some(row) => {
            let (host, id): (String, Uuid) = (row.value("host")?, row.value("id")?);
            let other: String = row.value("pool_name")?;
            Err(StoreError::Exists(format!(
                "host {host} ({id}) belongs to pool {other}; pool {name} can't have it too"
            )))
        }
    }
}

fn explain_claim(error: StoreError, name: &str) -> StoreError {
    match &error {
        StoreError::Query { constraint: Some(constraint), message, .. }
            if constraint == "hosts_in_one_pool" =>
        {
            StoreError::Exists(format!("a host of pool {name} belongs to another pool: {message}"))
        }
        _ => error,
    }
}

pub(super) async fn list<C: GenericClient>(client: &C) -> Result<Vec<Pool>> {
    LIST.rows(client, &[]).await?.iter().map(pool).collect()
}

pub(super) async fn find<C: GenericClient>(client: &C, name_or_id: &str) -> Result<Pool> {
    let id = name_or_id.parse::<Uuid>().ok();
    let row = FIND.maybe(client, &[&name_or_id, &id]).await?;
    pool(&row.ok_or_else(|| StoreError::not_found("pool", name_or_id))?)
}

/// In a transaction.
pub(super) async fn remove<C: GenericClient>(client: &C, id: PoolId) -> Result<()> {
    if DELETE.execute(client, &[id.as_untyped_uuid()]).await? == 0 {
        return Err(StoreError::not_found("pool", id));
    }
    notify::pool(client, id).await
}

pub(super) async fn hosts<C: GenericClient>(client: &C, pool: Option<PoolId>) -> Result<Vec<PoolHost>> {
    let pool = pool.map(|p| p.into_untyped_uuid());
    HOSTS.rows(client, &[&pool]).await?.iter().map(host).collect()
}

fn pool(row: &Row) -> Result<Pool> {
    let unseen_for: Option<f64> = row.value("holder_unseen_for")?;
    let is_there = unseen_for.is_some_and(|seconds| seconds < Lease::LASTS.as_secs_f64());
    Ok(Pool {
        id: row.id("id")?,
        name: row.value("name")?,
        follow: row.word("follow")?,
        added_at: row.time("added_at")?,
        hosts: row.small("hosts")?,
        hosts_answering: row.small("hosts_answering")?,
        volumes: row.small("volumes")?,
        open_jobs: row.small("open_jobs")?,
        holder: row.value("holder")?,
        holder_address: if is_there { row.value("holder_address")? } else { String::new() },
        holder_seen_at: row.maybe_time("holder_seen_at")?,
    })
}

fn host(row: &Row) -> Result<PoolHost> {
    Ok(PoolHost {
        pool: row.id("pool_id")?,
        pool_name: row.value("pool_name")?,
        id: row.id("id")?,
        host: HostRecord {
            names: row.value("names")?,
            agent: row.value("agent")?,
            gluster_version: row.value("gluster_version")?,
            agent_version: row.value("agent_version")?,
            state: row.word("state")?,
            state_message: row.value("state_message")?,
            since: row.time("since")?,
        },
    })
}
