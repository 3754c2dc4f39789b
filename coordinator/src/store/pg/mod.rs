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
mod members;
mod pools;
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
use hod_core::record::Recorded;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;

use super::Store;
use super::error::{Result, StoreError};
use super::model::{
    Applied, Coordinator, Event, EventFilter, Evidence, Job, JobFilter, JobPage, Lease, NewExternalJob,
    NewExternalStep, NewPool, Notice, Page, Pool, PoolHost, PoolVolume, Roster, Step, Task,
};
use crate::database::Database;
use convert::Columns as _;
use listen::Listener;
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
        NOW.row(&self.connection().await?, &[]).await?.time("now")
    }

    async fn add_pool(&self, new: NewPool) -> Result<Pool> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let pool = pools::add(&transaction, &new).await?;
        commit(transaction).await?;
        Ok(pool)
    }

    async fn pools(&self) -> Result<Vec<Pool>> {
        pools::list(&self.connection().await?).await
    }

    async fn pool(&self, name_or_id: &str) -> Result<Pool> {
        pools::find(&self.connection().await?, name_or_id).await
    }

    async fn remove_pool(&self, pool: PoolId) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        pools::remove(&transaction, pool).await?;
        commit(transaction).await
    }

    async fn hosts(&self, pool: Option<PoolId>) -> Result<Vec<PoolHost>> {
        pools::hosts(&self.connection().await?, pool).await
    }

    async fn volumes(&self, pool: Option<PoolId>) -> Result<Vec<PoolVolume>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        volumes::list(&transaction, pool).await
    }

    async fn succeed(&self, coordinator: &Coordinator, alone: bool) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        coordinators::succeed(&transaction, coordinator, alone).await?;
        commit(transaction).await
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
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        coordinators::check_out(&transaction, coordinator).await?;
        commit(transaction).await
    }

    async fn take_lease(&self, pool: PoolId, coordinator: CoordinatorId) -> Result<Option<Lease>> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let lease = lease::take(&transaction, pool, coordinator).await?;
        commit(transaction).await?;
        Ok(lease)
    }

    async fn release_lease(&self, lease: Lease) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        lease::release(&transaction, lease).await?;
        commit(transaction).await
    }

    async fn load(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<Recorded> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        load::load(&transaction, pool, observed).await
    }

    async fn cleared(&self, pool: PoolId, observed: &BTreeSet<TaskId>) -> Result<BTreeSet<TaskId>> {
        tasks::cleared(&self.connection().await?, pool, observed).await
    }

    async fn apply(&self, lease: Lease, plan: &[Planned]) -> Result<Applied> {
        apply::apply(self, lease, plan).await
    }

    async fn record(&self, lease: Lease, drafts: &[EventDraft]) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        lease::prove(&transaction, lease).await?;
        events::record(&transaction, lease.pool, drafts).await?;
        commit(transaction).await
    }

    async fn clear_ended(&self, lease: Lease, before: Timestamp, listed: &BTreeSet<TaskId>) -> Result<u64> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        lease::prove(&transaction, lease).await?;
        let cleared = history::clear_ended(&transaction, lease.pool, before, listed).await?;
        commit(transaction).await?;
        Ok(cleared)
    }

    async fn keep_evidence(&self, lease: Lease, job: JobId, evidence: &[Evidence]) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        lease::prove(&transaction, lease).await?;
        history::keep(&transaction, lease.pool, job, evidence).await?;
        commit(transaction).await
    }

    async fn evidence(&self, job: JobId) -> Result<Vec<Evidence>> {
        history::evidence(&self.connection().await?, job).await
    }

    async fn jobs(&self, filter: &JobFilter, page: &Page) -> Result<JobPage> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        jobs::list(&transaction, filter, page).await
    }

    async fn job(&self, job: JobId) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        jobs::get(&transaction, job).await
    }

    async fn tasks(&self, pool: Option<PoolId>, listed: &BTreeSet<TaskId>) -> Result<Vec<Task>> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        tasks::shown(&transaction, pool, listed).await
    }

    async fn task(&self, task: TaskId) -> Result<Task> {
        let mut connection = self.connection().await?;
        let transaction = snapshot(&mut connection).await?;
        tasks::by_id(&transaction, task).await
    }

    async fn add_external_job(&self, new: NewExternalJob) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let job = external::add_job(&transaction, &new).await?;
        commit(transaction).await?;
        Ok(job)
    }

    async fn add_external_step(&self, new: NewExternalStep) -> Result<Step> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let step = external::add_step(&transaction, &new).await?;
        commit(transaction).await?;
        Ok(step)
    }

    async fn end_external_step(&self, step: StepId, status: JobStatus, actor: &str) -> Result<Step> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let step = external::end_step(&transaction, step, status, actor).await?;
        commit(transaction).await?;
        Ok(step)
    }

    async fn end_external_job(&self, job: JobId, status: JobStatus, actor: &str) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let job = external::end_job(&transaction, job, status, actor).await?;
        commit(transaction).await?;
        Ok(job)
    }

    async fn clear_external_job(&self, job: JobId, actor: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        external::clear_job(&transaction, job, actor).await?;
        commit(transaction).await
    }

    async fn abandon_job(&self, job: JobId, actor: &str, reason: &str) -> Result<Job> {
        let mut connection = self.connection().await?;
        let transaction = begin(&mut connection).await?;
        let job = external::abandon(&transaction, job, actor, reason).await?;
        commit(transaction).await?;
        Ok(job)
    }

    async fn events(&self, filter: &EventFilter) -> Result<Vec<Event>> {
        events::list(&self.connection().await?, filter).await
    }

    fn listen(&self) -> BoxStream<'static, Notice> {
        self.listener.listen()
    }
}
