//! The store in PostgreSQL. One file each: what is read for a plan ([`load`],
//! [`tasks`], [`intentions`]), a plan applied ([`apply`]), what the API asks ([`jobs`],
//! [`external`], [`events`], [`pools`], [`volumes`]), what operators have hod do
//! ([`commands`]), which coordinators there are ([`coordinators`]), and which of them may
//! write ([`lease`]).

mod apply;
mod commands;
mod convert;
mod coordinators;
mod events;
mod external;
mod history;
mod intentions;
mod jobs;
mod lease;
mod listen;
mod load;
mod measure;
mod members;
mod pools;
mod retry;
mod seen;
mod sql;
mod tasks;
mod volumes;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool as Connections, PoolError, Transaction};
use futures::stream::BoxStream;
use hod_core::change::Planned;
use hod_core::event::EventDraft;
use hod_core::id::{CoordinatorId, JobId, PoolId, StepId, TaskId};
use hod_core::job::JobStatus;
use hod_core::lease::Lease;
use hod_core::record::Recorded;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;

use super::Store;
use super::error::{Result, StoreError};
use super::model::{
    Applied, Coordinator, Event, EventFilter, Evidence, Job, JobFilter, JobPage, NewExternalJob,
    NewExternalStep, NewPool, Notice, Page, Pool, PoolHost, PoolVolume, Roster, Step, Task,
};
use crate::database::Database;
use convert::Columns as _;
use listen::Listener;
pub(crate) use measure::register as register_measures;
use retry::{change, look, read};
use sql::{Sql, refusal};

/// Not the transaction's beginning: that would stand still in a long one.
const NOW: Sql = Sql::new("now", "SELECT clock_timestamp() AS now");

/// A check-in that takes longer is given up, while there is time for another.
const CHECK_IN_AT_MOST: Duration = Duration::from_secs(2);

/// The store in PostgreSQL. Clones share their connections.
#[derive(Clone)]
pub struct PgStore {
    connections: Connections,
    /// For what must not wait for others to give a connection back.
    reserved: Connections,
    listener: Listener,
}

impl PgStore {
    /// The store in a database that is migrated.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        let (config, tls) = database.config();
        Self {
            connections: database.pool(),
            reserved: database.reserved(),
            listener: Listener::new(config, tls),
        }
    }

    /// The store over connections that carry no notices: watchers look at everything
    /// again this often. `reserved` are for what must not wait for others.
    #[must_use]
    pub fn polled(connections: Connections, reserved: Connections, every: Duration) -> Self {
        Self { connections, reserved, listener: Listener::polled(every) }
    }

    async fn connection(&self) -> Result<Object> {
        get(&self.connections).await
    }

    async fn reserved(&self) -> Result<Object> {
        get(&self.reserved).await
    }
}

async fn get(connections: &Connections) -> Result<Object> {
    connections.get().await.map_err(|error| match error {
        PoolError::Backend(error) => StoreError::Unavailable(sql::in_words(&error)),
        error => StoreError::Unavailable(error.to_string()),
    })
}

/// A transaction that writes.
async fn begin(connection: &mut Object) -> Result<Transaction<'_>> {
    connection.transaction().await.map_err(|e| refusal("begin", &e))
}

/// A transaction that reads, all at one moment.
async fn snapshot(connection: &mut Object) -> Result<Transaction<'_>> {
    connection
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(|e| refusal("begin", &e))
}

async fn commit(transaction: Transaction<'_>) -> Result<()> {
    transaction.commit().await.map_err(|e| refusal("commit", &e))
}

#[async_trait]
impl Store for PgStore {
    async fn now(&self) -> Result<Timestamp> {
        read!(self, "now", |client| NOW.row(client, &[]).await?.time("now"))
    }

    async fn add_pool(&self, new: NewPool) -> Result<Pool> {
        change!(self, "add_pool", |transaction| pools::add(&transaction, &new).await)
    }

    async fn pools(&self) -> Result<Vec<Pool>> {
        read!(self, "pools", |client| pools::list(client).await)
    }

    async fn pool(&self, name_or_id: &str) -> Result<Pool> {
        read!(self, "pool", |client| pools::find(client, name_or_id).await)
    }

    async fn remove_pool(&self, pool: PoolId) -> Result<()> {
        change!(self, "remove_pool", |transaction| pools::remove(&transaction, pool).await)
    }

    async fn hosts(&self, pool: Option<PoolId>) -> Result<Vec<PoolHost>> {
        read!(self, "hosts", |client| pools::hosts(client, pool).await)
    }

    async fn volumes(&self, pool: Option<PoolId>) -> Result<Vec<PoolVolume>> {
        look!(self, "volumes", |transaction| volumes::list(&transaction, pool).await)
    }

    async fn succeed(&self, coordinator: &Coordinator, alone: bool) -> Result<()> {
        change!(self, "succeed", |transaction| coordinators::succeed(&transaction, coordinator, alone).await)
    }

    async fn check_in(&self, coordinator: &Coordinator) -> Result<Roster> {
        let connection = self.reserved().await?;
        match timeout(CHECK_IN_AT_MOST, coordinators::check_in(&connection, coordinator)).await {
            Ok(roster) => roster,
            Err(_) => {
                // It may lead to a server that is no more: the next one is made anew.
                drop(Object::take(connection));
                Err(StoreError::Unavailable(format!("no answer within {CHECK_IN_AT_MOST:?}")))
            }
        }
    }

    async fn check_out(&self, coordinator: CoordinatorId) -> Result<()> {
        change!(self, "check_out", |transaction| coordinators::check_out(&transaction, coordinator).await)
    }

    async fn take_lease(&self, pool: PoolId, coordinator: CoordinatorId) -> Result<Option<Lease>> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let lease = lease::take(&transaction, pool, coordinator).await?;
        commit(transaction).await?;
        Ok(lease)
    }

    async fn release_lease(&self, lease: Lease) -> Result<()> {
        change!(self, "release_lease", |transaction| lease::release(&transaction, lease).await)
    }

    async fn load(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<Recorded> {
        look!(self, "load", |transaction| load::load(&transaction, pool, observed).await)
    }

    async fn cleared(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<BTreeSet<TaskId>> {
        read!(self, "cleared", |client| tasks::cleared(client, pool, observed).await)
    }

    async fn apply(&self, lease: Lease, plan: &[Planned]) -> Result<Applied> {
        apply::apply(self, lease, plan).await
    }

    async fn record(&self, lease: Lease, drafts: &[EventDraft]) -> Result<()> {
        change!(self, "record", |transaction| {
            lease::prove(&transaction, lease).await?;
            events::record(&transaction, lease.pool, drafts).await
        })
    }

    async fn clear_ended(&self, lease: Lease, before: Timestamp, listed: &BTreeSet<TaskId>) -> Result<u64> {
        change!(self, "clear_ended", |transaction| {
            lease::prove(&transaction, lease).await?;
            history::clear_ended(&transaction, lease.pool, before, listed).await
        })
    }

    async fn keep_evidence(&self, lease: Lease, job: JobId, evidence: &[Evidence]) -> Result<()> {
        change!(self, "keep_evidence", |transaction| {
            lease::prove(&transaction, lease).await?;
            history::keep(&transaction, lease.pool, job, evidence).await
        })
    }

    async fn evidence(&self, job: JobId) -> Result<Vec<Evidence>> {
        read!(self, "evidence", |client| history::evidence(client, job).await)
    }

    async fn jobs(&self, filter: &JobFilter, page: &Page) -> Result<JobPage> {
        look!(self, "jobs", |transaction| jobs::list(&transaction, filter, page).await)
    }

    async fn job(&self, job: JobId) -> Result<Job> {
        look!(self, "job", |transaction| jobs::get(&transaction, job).await)
    }

    async fn tasks(&self, pool: Option<PoolId>, listed: &BTreeSet<TaskId>) -> Result<Vec<Task>> {
        look!(self, "tasks", |transaction| tasks::shown(&transaction, pool, listed).await)
    }

    async fn task(&self, task: TaskId) -> Result<Task> {
        look!(self, "task", |transaction| tasks::by_id(&transaction, task).await)
    }

    async fn add_external_job(&self, new: NewExternalJob) -> Result<Job> {
        change!(self, "add_external_job", |transaction| external::add_job(&transaction, &new).await)
    }

    async fn add_external_step(&self, new: NewExternalStep) -> Result<Step> {
        change!(self, "add_external_step", |transaction| external::add_step(&transaction, &new).await)
    }

    async fn end_external_step(&self, step: StepId, status: JobStatus, actor: &str) -> Result<Step> {
        change!(self, "end_external_step", |transaction| external::end_step(
            &transaction,
            step,
            status,
            actor
        )
        .await)
    }

    async fn end_external_job(&self, job: JobId, status: JobStatus, actor: &str) -> Result<Job> {
        change!(self, "end_external_job", |transaction| external::end_job(&transaction, job, status, actor)
            .await)
    }

    async fn clear_external_job(&self, job: JobId, actor: &str) -> Result<()> {
        change!(self, "clear_external_job", |transaction| external::clear_job(&transaction, job, actor).await)
    }

    async fn abandon_job(&self, job: JobId, actor: &str, reason: &str) -> Result<Job> {
        change!(self, "abandon_job", |transaction| external::abandon(&transaction, job, actor, reason).await)
    }

    async fn events(&self, filter: &EventFilter) -> Result<Vec<Event>> {
        read!(self, "events", |client| events::list(client, filter).await)
    }

    fn listen(&self) -> BoxStream<'static, Notice> {
        self.listener.listen()
    }
}
