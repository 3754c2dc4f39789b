//! A coordinator with a database of its own, and clients to ask it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hod_coordinator::commands::housekeeping::Periods;
use hod_coordinator::config::{Config, Given};
use hod_coordinator::database::{Database, PrivatePostgres};
use hod_coordinator::start::{Coordinator, Listeners};
use hod_coordinator::store::{self, PgStore, Store};
use hod_core::id::{CoordinatorId, PoolId};
use hod_core::plan::Settings;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::coordinator::v1::events_client::EventsClient;
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::tasks_client::TasksClient;
use hod_proto::types::v1::TaskStatus;
use newtype_uuid::GenericUuid as _;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use super::DEADLINE;
use super::agent::FakeAgent;
use super::pool::FakePool;

/// How long an agent's silence lasts before it counts, in these tests.
pub(crate) const SILENT_AFTER: Duration = Duration::from_secs(2);

/// How long after it was begun a command of Gluster's can't be at work any more, here.
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(4);

/// Sees to what follows from commands in a hurry.
const HOUSEKEEPING: Periods = Periods { tick: Duration::from_millis(300), heals: Duration::from_millis(300) };

/// A database that need not outlive the machine's fall.
const HASTY: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// A coordinator that runs, or is between two runs.
pub(crate) struct World {
    // Dropped in this order: the server before its folder.
    coordinator: Option<(Coordinator, SocketAddr, SocketAddr)>,
    pub(crate) store: Arc<dyn Store>,
    postgres: Option<PrivatePostgres>,
    folder: TempDir,
}

/// A further coordinator.
pub(crate) struct Another {
    coordinator: Coordinator,
    /// Where its gRPC listens.
    pub(crate) address: SocketAddr,
}

impl Another {
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    pub(crate) async fn stop(self) {
        self.coordinator.stop().await;
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        // What the coordinator logs is shown with a test that fails. Tests of one
        // process share the first one's.
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        let folder = tempfile::Builder::new().prefix("hod-test-").tempdir().unwrap();
        let postgres = PrivatePostgres::start_with(folder.path(), &HASTY).await.unwrap();
        let database = Database::ready(postgres.config(), DEADLINE).await.unwrap();
        let mut world = Self {
            coordinator: None,
            store: Arc::new(PgStore::new(&database)),
            postgres: Some(postgres),
            folder,
        };
        world.start().await;
        world
    }

    /// Starts the coordinator. The database is its own: what another held is its at once.
    pub(crate) async fn start(&mut self) {
        self.coordinator = Some(self.run(None).await);
    }

    /// Starts the coordinator beside others that use the database.
    pub(crate) async fn start_beside(&mut self) {
        self.coordinator = Some(self.run(Some(self.database())).await);
    }

    /// Another coordinator on the same database.
    pub(crate) async fn another(&self) -> Another {
        let (coordinator, address, _) = self.run(Some(self.database())).await;
        Another { coordinator, address }
    }

    async fn run(&self, database: Option<String>) -> (Coordinator, SocketAddr, SocketAddr) {
        let given = Given {
            listen: "127.0.0.1:0".parse().ok(),
            web_listen: "127.0.0.1:0".parse().ok(),
            database,
            ..Given::default()
        };
        let config = Config { silent_after: SILENT_AFTER, housekeeping: HOUSEKEEPING, ..Config::from(given) };
        let plan =
            Settings { settled_after: SETTLED_AFTER, history_lag: Duration::from_secs(1), ..config.plan };
        let config = Config { plan, sync_every: Duration::from_millis(500), ..config };
        let listeners = Listeners::bind(&config).await.unwrap();
        let (grpc, web) = (listeners.grpc(), listeners.web());
        let started = Coordinator::start(&config, listeners, self.store.clone()).await;
        (started.unwrap(), grpc, web)
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((coordinator, ..)) = self.coordinator.take() {
            coordinator.stop().await;
        }
    }

    /// Takes the database away.
    pub(crate) async fn stop_database(&mut self) {
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await;
        }
    }

    /// Brings the database back.
    pub(crate) async fn start_database(&mut self) {
        let postgres = PrivatePostgres::start_with(self.folder.path(), &HASTY).await;
        self.postgres = Some(postgres.unwrap());
    }

    /// Stops everything: what a test does last, so that no server outlives it.
    pub(crate) async fn end(mut self) {
        self.stop().await;
        self.stop_database().await;
    }

    /// Makes another the holder of a pool, as if the coordinator had been silent for long.
    pub(crate) async fn take(&self, pool: PoolId, name: &str) {
        let another = store::Coordinator {
            id: CoordinatorId::from_untyped_uuid(Uuid::new_v4()),
            name: name.into(),
            address: "127.0.0.1:1".into(),
        };
        self.store.check_in(&another).await.unwrap();
        let lease = super::until("the pool to be free", async || {
            let (client, connection) =
                tokio_postgres::connect(&self.database(), tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let past = "UPDATE coordinators SET seen_at = seen_at - interval '1 minute' WHERE id <> $1";
            client.execute(past, &[another.id.as_untyped_uuid()]).await.unwrap();
            connection.abort();
            self.store.take_lease(pool, another.id).await.unwrap()
        });
        lease.await;
        // It stays there.
        let store = self.store.clone();
        tokio::spawn(async move {
            while store.check_in(&another).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Where the coordinator's gRPC listens.
    pub(crate) fn grpc(&self) -> SocketAddr {
        self.coordinator.as_ref().unwrap().1
    }

    pub(crate) fn web(&self) -> SocketAddr {
        self.coordinator.as_ref().unwrap().2
    }

    pub(crate) fn channel(&self) -> Channel {
        let address = self.coordinator.as_ref().unwrap().1;
        Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
    }

    pub(crate) fn pools(&self) -> PoolsClient<Channel> {
        PoolsClient::new(self.channel())
    }

    pub(crate) fn commands(&self) -> CommandsClient<Channel> {
        CommandsClient::new(self.channel())
    }

    pub(crate) fn jobs(&self) -> JobsClient<Channel> {
        JobsClient::new(self.channel())
    }

    pub(crate) fn tasks(&self) -> TasksClient<Channel> {
        TasksClient::new(self.channel())
    }

    pub(crate) fn events(&self) -> EventsClient<Channel> {
        EventsClient::new(self.channel())
    }

    pub(crate) async fn add(&self, name: &str, agent: &str) -> Result<pb::AddPoolResponse, Status> {
        let request = pb::AddPoolRequest { name: name.into(), agent: agent.into(), follow: 0 };
        Ok(self.pools().add_pool(request).await?.into_inner())
    }

    /// Adds the pool under the name "shop", and waits until all hosts answer and
    /// its volume is known.
    pub(crate) async fn add_shop(&self, pool: &FakePool) {
        self.add("shop", &pool.address()).await.unwrap();
        super::until("the pool's hosts to answer", async || {
            let pool = self.shop().await;
            (pool.hosts == pool.hosts_answering && pool.volumes == 1).then_some(())
        })
        .await;
    }

    pub(crate) async fn shop(&self) -> pb::Pool {
        let request = pb::GetPoolRequest { pool: "shop".into() };
        self.pools().get_pool(request).await.unwrap().into_inner().pool.unwrap()
    }

    pub(crate) async fn host(&self, agent: &FakeAgent) -> pb::Host {
        let request = pb::ListHostsRequest { pool: "shop".into() };
        let hosts = self.pools().list_hosts(request).await.unwrap().into_inner().hosts;
        hosts.into_iter().find(|h| h.host_id == agent.id.to_string()).unwrap()
    }

    /// All jobs, newest first, with their trees.
    pub(crate) async fn all_jobs(&self) -> Vec<pb::Job> {
        let list = self.jobs().list_jobs(pb::ListJobsRequest::default()).await.unwrap();
        let mut jobs = Vec::new();
        for job in list.into_inner().jobs {
            let request = pb::GetJobRequest { job_id: job.job_id };
            jobs.extend(self.jobs().get_job(request).await.unwrap().into_inner().job);
        }
        jobs
    }

    /// Waits until the only job has this status, and returns it.
    pub(crate) async fn job_with(&self, status: pb::JobStatus) -> pb::Job {
        super::until(&format!("a job to be {status:?}"), async || {
            let jobs = self.all_jobs().await;
            assert!(jobs.len() <= 1, "{jobs:?}");
            jobs.into_iter().find(|job| job.status() == status)
        })
        .await
    }

    /// Waits until a job has this status, and returns it.
    pub(crate) async fn job_is(&self, id: &str, status: pb::JobStatus) -> pb::Job {
        super::until(&format!("job {id} to be {status:?}"), async || {
            let job = self.job(id).await;
            (job.status() == status).then_some(job)
        })
        .await
    }

    pub(crate) async fn job(&self, id: &str) -> pb::Job {
        let request = pb::GetJobRequest { job_id: id.into() };
        self.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
    }

    /// Waits until the task of a job stands so, and returns it.
    pub(crate) async fn task_is(&self, job: &str, status: TaskStatus) -> pb::Task {
        super::until(&format!("the task of job {job} to be {status:?}"), async || {
            let job = self.job(job).await;
            job.steps.into_iter().filter_map(|s| s.task).find(|t| t.status() == status)
        })
        .await
    }

    /// All events of the pool "shop", in their order.
    pub(crate) async fn all_events(&self) -> Vec<pb::Event> {
        let request = pb::ListEventsRequest { pool: "shop".into(), page_size: 1000, ..Default::default() };
        self.events().list_events(request).await.unwrap().into_inner().events
    }

    /// The folder of the database's socket.
    pub(crate) fn database(&self) -> String {
        let folder = self.postgres.as_ref().unwrap().socket_folder();
        format!("host={} user=hod dbname=hod", folder.display())
    }

    /// The kinds of all events of the pool "shop", in their order.
    pub(crate) async fn event_kinds(&self) -> Vec<String> {
        let request = pb::ListEventsRequest { pool: "shop".into(), page_size: 1000, ..Default::default() };
        let events = self.events().list_events(request).await.unwrap().into_inner().events;
        events.into_iter().map(|e| e.kind).collect()
    }
}
