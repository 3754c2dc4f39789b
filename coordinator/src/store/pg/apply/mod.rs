//! Applying a plan.
//!
//! All of it goes in one transaction, a few statements for however many changes.
//! If the database refuses that, the plan is halved, and halved again, until what
//! was refused stands alone: every other change is applied, in the plan's order,
//! and the refused one is told with its reason.

mod adopt;
mod columns;
mod locks;
pub(super) mod parts;
mod settle;
mod steps;

use std::collections::HashSet;

use deadpool_postgres::GenericClient;
use hod_core::change::{Change, Origin, Planned, PutTask, Settle};
use hod_core::id::{HostId, IntentionId, VolumeId};
use hod_core::lease::Lease;
use hod_core::record::{HostRecord, VolumeRecord};
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::events::{self, notify};
use super::sql::Sql;
use super::{PgStore, begin, commit, lease, members};
use crate::store::error::{Result, StoreError};
use crate::store::model::{Applied, NotApplied};

const CLAIMED_BY: Sql = Sql::new(
    "host_claimed_by",
    "SELECT p.name FROM hosts h JOIN pools p ON p.id = h.pool_id WHERE h.id = $1 AND h.state <> 'LEFT'",
);

/// Applies a plan, see [`crate::store::Store::apply`].
pub(super) async fn apply(store: &PgStore, lease: Lease, plan: &[Planned]) -> Result<Applied> {
    let mut done = Applied::default();
    // What is still to be tried, last first: from where, and how many.
    let mut waiting = vec![(0, plan.len())];
    while let Some((from, count)) = waiting.pop() {
        if count == 0 {
            continue;
        }
        match together(store, lease, &plan[from..from + count]).await {
            Ok(()) => done.applied += count,
            Err(error) if stops_all(&error) => return Err(error),
            Err(error) if count == 1 => done
                .failed
                .push(NotApplied { index: from, error: explained(store, &plan[from].change, error).await }),
            Err(error) => {
                tracing::debug!("{count} changes can't be applied together: {error}");
                let half = count / 2;
                waiting.push((from + half, count - half));
                waiting.push((from, half));
            }
        }
    }
    Ok(done)
}

/// Whether no other change can be applied either.
fn stops_all(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::LeaseLost { .. } | StoreError::Unavailable(_) | StoreError::NotFound { what: "pool", .. }
    )
}

/// Applies changes with their events, all or none.
async fn together(store: &PgStore, lease: Lease, plan: &[Planned]) -> Result<()> {
    let mut connection = store.connection().await?;
    let transaction = begin(&mut connection).await?;
    lease::prove(&transaction, lease).await?;
    let mut sorted = Sorted::default();
    for planned in plan {
        match &planned.change {
            Change::PutHost(id, host) => sorted.hosts.push((id, host)),
            Change::PutVolume(record) => sorted.volumes.push(record),
            Change::VolumeGone(id) => sorted.gone.push(*id),
            Change::PutTask(put) => match put.origin {
                Origin::Found => sorted.found.push(put),
                Origin::Adopted(_) => sorted.adopted.push(put),
                Origin::Known => sorted.tasks.push(put),
            },
            Change::Settle(settle) => sorted.settles.push(settle),
        }
    }
    members::put_hosts(&transaction, lease.pool, &sorted.hosts).await?;
    members::put_volumes(&transaction, lease.pool, &sorted.volumes).await?;
    // A job that ends has no intention left, and a settled one ends its job after
    // Gluster's own task has taken the volume.
    let mut already = Already {
        settled: settle::settle(&transaction, lease.pool, &sorted.settles).await?,
        ..Already::default()
    };
    already.tasks = put_tasks(&transaction, lease, &sorted).await?;
    sorted.settles.retain(|settle| !already.settled.contains(&settle.intention));
    settle::end_jobs(&transaction, &sorted.settles).await?;
    members::volumes_gone(&transaction, lease.pool, &sorted.gone).await?;
    let news = plan.iter().filter(|planned| !already.has(&planned.change));
    events::record(&transaction, lease.pool, news.flat_map(|planned| &planned.events)).await?;
    commit(transaction).await
}

#[derive(Default)]
struct Sorted<'a> {
    hosts: Vec<(&'a HostId, &'a HostRecord)>,
    volumes: Vec<&'a VolumeRecord>,
    gone: Vec<VolumeId>,
    found: Vec<&'a PutTask>,
    adopted: Vec<&'a PutTask>,
    tasks: Vec<&'a PutTask>,
    settles: Vec<&'a Settle>,
}

/// What was recorded already, and has had its events.
#[derive(Default)]
struct Already {
    tasks: HashSet<Uuid>,
    settled: HashSet<IntentionId>,
}

impl Already {
    fn has(&self, change: &Change) -> bool {
        match change {
            Change::PutTask(put) => {
                put.origin != Origin::Known && self.tasks.contains(put.task.task.as_untyped_uuid())
            }
            Change::Settle(settle) => self.settled.contains(&settle.intention),
            Change::PutHost(..) | Change::PutVolume(_) | Change::VolumeGone(_) => false,
        }
    }
}

/// Tasks, new, adopted and known; returns those of the new ones that were recorded
/// already.
///
/// The order keeps the constraints: a lock is released before its job ends, and
/// taken once its job is open.
async fn put_tasks<C: GenericClient>(client: &C, lease: Lease, sorted: &Sorted<'_>) -> Result<HashSet<Uuid>> {
    let mut already = steps::recorded_already(client, lease.pool, &sorted.found).await?;
    let found: Vec<&PutTask> = sorted
        .found
        .iter()
        .copied()
        .filter(|put| !already.contains(put.task.task.as_untyped_uuid()))
        .collect();
    let adopted = adopt::adopt(client, lease.pool, &sorted.adopted).await?;
    let tasks: Vec<&PutTask> = sorted.tasks.iter().copied().chain(&adopted.tasks).collect();
    already.extend(adopted.already);
    locks::release(client, lease.pool, &tasks).await?;
    let mut placed = steps::insert(client, lease.pool, &found).await?;
    placed.extend(steps::update(client, lease.pool, &tasks).await?);
    parts::put(client, &placed).await?;
    locks::take(client, lease.pool, found.iter().chain(&tasks).copied()).await?;
    let jobs: Vec<Uuid> = placed.iter().map(|p| p.job).collect();
    notify::jobs(client, &jobs).await?;
    Ok(already)
}

/// A refusal in words that name who is concerned.
async fn explained(store: &PgStore, change: &Change, error: StoreError) -> StoreError {
    let StoreError::Query { constraint: Some(constraint), .. } = &error else {
        return error;
    };
    match (constraint.as_str(), change) {
        ("hosts_in_one_pool", Change::PutHost(id, host)) => {
            let Ok(connection) = store.connection().await else {
                return error;
            };
            let other = CLAIMED_BY.maybe(&connection, &[id.as_untyped_uuid()]).await;
            let Ok(Some(row)) = other else {
                return error;
            };
            let other: String = row.get(0);
            let name = host.names.first().cloned().unwrap_or_default();
            StoreError::Exists(format!("host {name} ({id}) belongs to pool {other} already"))
        }
        ("volume_locks_of_open_jobs", Change::PutTask(put)) => StoreError::Refused(format!(
            "job {} and the lock of volume {} do not fit together: only an open job holds one",
            put.task.job, put.task.volume_name
        )),
        _ => error,
    }
}

/// Where a task was recorded.
struct Placed<'a> {
    put: &'a PutTask,
    step: Uuid,
    job: Uuid,
}
