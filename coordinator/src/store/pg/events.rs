//! Events: numbered in the order of commits, and told of by NOTIFY.

use deadpool_postgres::GenericClient;
use hod_core::event::EventDraft;
use hod_core::id::PoolId;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::convert::{Columns as _, bigint};
use super::sql::Sql;
use super::volumes;
use crate::store::error::{Result, StoreError};
use crate::store::model::{Event, EventFilter, EventsFrom};

/// The counter's row stays locked until the commit, so numbers follow commits.
const COUNT_UP: Sql = Sql::new(
    "count_events_up",
    "UPDATE pools SET last_event = last_event + $2 WHERE id = $1 RETURNING last_event - $2 AS before",
);
const INSERT: Sql = Sql::new(
    "insert_events",
    "INSERT INTO events (pool_id, number, severity, kind, message, volume_id, job_id, actor)
     SELECT $1, $2 + e.place, e.severity::severity, e.kind, e.message, e.volume, e.job, e.actor
     FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[])
         WITH ORDINALITY AS e (severity, kind, message, volume, job, actor, place)",
);

macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT e.pool_id, p.name AS pool_name, e.number, e.at, e.severity::text AS severity, e.kind,
                    e.message, e.volume_id, coalesce(v.name, '') AS volume_name, e.job_id, e.actor
             FROM events e
             JOIN pools p ON p.id = e.pool_id
             LEFT JOIN volumes v ON v.pool_id = e.pool_id AND v.id = e.volume_id
             WHERE e.pool_id = $1
               AND ($2::uuid[] IS NULL OR e.volume_id = ANY ($2))
               AND ($3::uuid IS NULL OR e.job_id = $3)",
            $where
        )
    };
}
const AFTER: Sql = Sql::new("events_after", select!(" AND e.number > $4 ORDER BY e.number LIMIT $5"));
const NEWEST: Sql = Sql::new("newest_events", select!(" ORDER BY e.number DESC LIMIT $4"));

/// Records events of a pool, whose row the transaction has locked.
pub(super) async fn record<'a, C: GenericClient>(
    client: &C,
    pool: PoolId,
    events: impl IntoIterator<Item = &'a EventDraft>,
) -> Result<()> {
    let events: Vec<&EventDraft> = events.into_iter().collect();
    if events.is_empty() {
        return Ok(());
    }
    let count = bigint("the number of events", events.len() as u64)?;
    let row = COUNT_UP.row(client, &[pool.as_untyped_uuid(), &count]).await?;
    let before: i64 = row.value("before")?;
    let texts = |of: fn(&EventDraft) -> &str| -> Vec<&str> { events.iter().map(|e| of(e)).collect() };
    let uuids =
        |of: fn(&EventDraft) -> Option<Uuid>| -> Vec<Option<Uuid>> { events.iter().map(|e| of(e)).collect() };
    INSERT
        .execute(
            client,
            &[
                pool.as_untyped_uuid(),
                &before,
                &texts(|e| e.severity.code()),
                &texts(|e| e.kind),
                &texts(|e| &e.message),
                &uuids(|e| e.volume.map(|v| v.into_untyped_uuid())),
                &uuids(|e| e.job.map(|j| j.into_untyped_uuid())),
                &texts(|e| &e.actor),
            ],
        )
        .await?;
    notify::events(client, pool).await
}

pub(super) async fn list<C: GenericClient>(client: &C, filter: &EventFilter) -> Result<Vec<Event>> {
    let limit = page_size("page_size", filter.limit)?;
    let volumes = match &filter.volume {
        Some(name) => Some(volumes::find(client, Some(filter.pool), name).await?),
        None => None,
    };
    let job = filter.job.map(|job| job.into_untyped_uuid());
    let common: [&(dyn ToSql + Sync); 3] = [filter.pool.as_untyped_uuid(), &volumes, &job];
    let [pool, volumes, job] = common;
    let mut rows = match filter.from {
        EventsFrom::After(number) => {
            // Past the largest number there is nothing.
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            AFTER.rows(client, &[pool, volumes, job, &number, &limit]).await?
        }
        EventsFrom::Newest => NEWEST.rows(client, &[pool, volumes, job, &limit]).await?,
    };
    if filter.from == EventsFrom::Newest {
        rows.reverse();
    }
    rows.iter().map(event).collect()
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        pool: row.id("pool_id")?,
        pool_name: row.value("pool_name")?,
        number: row.count("number")?,
        at: row.time("at")?,
        severity: row.word("severity")?,
        kind: row.value("kind")?,
        message: row.value("message")?,
        volume: row.maybe_id("volume_id")?,
        volume_name: row.value("volume_name")?,
        job: row.maybe_id("job_id")?,
        actor: row.value("actor")?,
    })
}

/// A page size as asked for: from 1 to 1000, and 100 for 0.
pub(super) fn page_size(field: &'static str, asked: i32) -> Result<i64> {
    match asked {
        0 => Ok(100),
        1..=1000 => Ok(i64::from(asked)),
        _ => Err(StoreError::invalid(
            field,
            format!("{field} is {asked}; it goes from 1 to 1000, and 0 means 100"),
        )),
    }
}

/// NOTIFY: sent at the commit, and only then. It carries no more than an id; what
/// has changed is read.
pub(super) mod notify {
    use deadpool_postgres::GenericClient;
    use hod_core::id::PoolId;
    use newtype_uuid::GenericUuid as _;
    use uuid::Uuid;

    use super::super::sql::Sql;
    use crate::store::error::Result;

    const EVENTS: Sql = Sql::new("notify_events", "SELECT pg_notify('hod_events', $1::uuid::text)");
    const POOL: Sql = Sql::new("notify_pool", "SELECT pg_notify('hod_pools', $1::uuid::text)");
    /// A payload has less than 8,000 bytes: 200 ids of 36, and the spaces between.
    const JOBS: Sql = Sql::new(
        "notify_jobs",
        "SELECT pg_notify('hod_jobs', string_agg(j.id::text, ' '))
         FROM unnest($1::uuid[]) WITH ORDINALITY AS j (id, place)
         GROUP BY j.place / 200",
    );

    pub(crate) async fn events<C: GenericClient>(client: &C, pool: PoolId) -> Result<()> {
        EVENTS.rows(client, &[pool.as_untyped_uuid()]).await.map(|_| ())
    }

    pub(crate) async fn pool<C: GenericClient>(client: &C, pool: PoolId) -> Result<()> {
        POOL.rows(client, &[pool.as_untyped_uuid()]).await.map(|_| ())
    }

    pub(crate) async fn jobs<C: GenericClient>(client: &C, jobs: &[Uuid]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        JOBS.rows(client, &[&jobs]).await.map(|_| ())
    }
}
