//! A coordinator that remembers what it is told and tells what it is given: for the
//! tests of the command, on a port of its own.

mod commands;
mod events;
mod jobs;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use hod_proto::coordinator::v1::commands_server::CommandsServer;
use hod_proto::coordinator::v1::events_server::EventsServer;
use hod_proto::coordinator::v1::jobs_server::JobsServer;
use hod_proto::coordinator::v1::pools_server::{Pools, PoolsServer};
use hod_proto::coordinator::v1::tasks_server::{Tasks, TasksServer};
use hod_proto::coordinator::v1::*;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What the coordinator knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) pools: Vec<Pool>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) volumes: Vec<PoolVolume>,
    pub(crate) tasks: Vec<GetTaskResponse>,
    pub(crate) silent: Vec<SilentHost>,
    /// Newest first.
    pub(crate) jobs: Vec<Job>,
    pub(crate) events: Vec<Event>,
    /// What every call is answered with, if anything.
    pub(crate) refusal: Option<Status>,
    /// Who made the calls, as they came.
    pub(crate) identities: Vec<String>,
    /// The requests for pages of jobs, as they came.
    pub(crate) job_pages: Vec<ListJobsRequest>,
    /// The commands, as they came: their names, and the requests as JSON.
    pub(crate) commands: Vec<(&'static str, serde_json::Value)>,
    /// What commands are answered with.
    pub(crate) receipt: Receipt,
    /// What dry runs are answered with.
    pub(crate) plan: Plan,
}

/// A running fake coordinator; it ends with this value.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Shared,
    server: AbortHandle,
}

#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
    /// Streams end when this changes: as if the coordinator were restarted.
    cut: watch::Sender<u64>,
}

impl Fake {
    /// Starts one that knows this.
    pub(crate) async fn start(state: State) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), state).await
    }

    /// Starts one at an address.
    pub(crate) async fn start_at(address: SocketAddr, state: State) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            state: Arc::new(Mutex::new(state)),
            changed: watch::Sender::new(0),
            cut: watch::Sender::new(0),
        };
        let server = tonic::transport::Server::builder()
            .add_service(PoolsServer::new(shared.clone()))
            .add_service(TasksServer::new(shared.clone()))
            .add_service(JobsServer::new(shared.clone()))
            .add_service(EventsServer::new(shared.clone()))
            .add_service(CommandsServer::new(shared.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move { server.await.unwrap() }).abort_handle();
        Self { address, shared, server }
    }

    /// What it knows now.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Changes what it knows, and tells those who watch.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.changed.send_modify(|count| *count += 1);
    }

    /// Ends all streams, as a restart does.
    pub(crate) fn cut_streams(&self) {
        self.shared.cut.send_modify(|count| *count += 1);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Answer<T> = Result<Response<T>, Status>;

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Notes who calls, and refuses if it is told to.
    fn called<T>(&self, request: &Request<T>) -> Result<MutexGuard<'_, State>, Status> {
        let identity = request.metadata().get(hod_proto::IDENTITY_KEY);
        let identity = identity.map_or("", |identity| identity.to_str().unwrap());
        let mut state = self.state();
        state.identities.push(identity.to_owned());
        match &state.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(state),
        }
    }
}

fn pool<'a>(state: &'a State, name: &str) -> Result<&'a Pool, Status> {
    let mut pools = state.pools.iter();
    pools
        .find(|pool| pool.name == name || pool.pool_id == name)
        .ok_or_else(|| Status::not_found(format!("no pool is called {name:?}")))
}

fn blank(field: &str) -> Status {
    use tonic_types::{ErrorDetails, StatusExt as _};
    let details = ErrorDetails::with_bad_request_violation(field, "must not be blank");
    Status::with_error_details(tonic::Code::InvalidArgument, "the request is refused", details)
}

#[tonic::async_trait]
impl Pools for Shared {
    async fn add_pool(&self, request: Request<AddPoolRequest>) -> Answer<AddPoolResponse> {
        let mut state = self.called(&request)?;
        let request = request.into_inner();
        if request.name.trim().is_empty() {
            return Err(blank("name"));
        }
        if pool(&state, &request.name).is_ok() {
            let message = format!("a pool is called {:?} already", request.name);
            return Err(Status::already_exists(message));
        }
        let pool = Pool {
            pool_id: "00000000-0000-4000-8000-000000000001".to_owned(),
            name: request.name.clone(),
            follow: request.follow,
            hosts: 1,
            hosts_answering: 1,
            ..Pool::default()
        };
        let host = Host {
            pool: request.name,
            names: vec!["node-a".to_owned()],
            agent: request.agent,
            state: HostState::Answering.into(),
            ..Host::default()
        };
        state.pools.push(pool.clone());
        Ok(Response::new(AddPoolResponse { pool: Some(pool), hosts: vec![host] }))
    }

    async fn list_pools(&self, request: Request<ListPoolsRequest>) -> Answer<ListPoolsResponse> {
        let state = self.called(&request)?;
        let pools = state.pools.clone();
        Ok(Response::new(ListPoolsResponse { pools }))
    }

    async fn get_pool(&self, request: Request<GetPoolRequest>) -> Answer<GetPoolResponse> {
        let state = self.called(&request)?;
        let pool = pool(&state, &request.get_ref().pool)?.clone();
        Ok(Response::new(GetPoolResponse { pool: Some(pool) }))
    }

    async fn remove_pool(&self, request: Request<RemovePoolRequest>) -> Answer<RemovePoolResponse> {
        let mut state = self.called(&request)?;
        let id = pool(&state, &request.get_ref().pool)?.pool_id.clone();
        state.pools.retain(|pool| pool.pool_id != id);
        Ok(Response::new(RemovePoolResponse {}))
    }

    async fn list_hosts(&self, request: Request<ListHostsRequest>) -> Answer<ListHostsResponse> {
        let state = self.called(&request)?;
        let wanted = &request.get_ref().pool;
        if !wanted.is_empty() {
            pool(&state, wanted)?;
        }
        let hosts = state.hosts.iter();
        let hosts = hosts.filter(|host| wanted.is_empty() || host.pool == *wanted);
        Ok(Response::new(ListHostsResponse { hosts: hosts.cloned().collect() }))
    }

    async fn list_volumes(&self, request: Request<ListVolumesRequest>) -> Answer<ListVolumesResponse> {
        let state = self.called(&request)?;
        let wanted = &request.get_ref().pool;
        if !wanted.is_empty() {
            pool(&state, wanted)?;
        }
        let volumes = state.volumes.iter();
        let volumes = volumes.filter(|volume| wanted.is_empty() || volume.pool == *wanted);
        Ok(Response::new(ListVolumesResponse { volumes: volumes.cloned().collect() }))
    }
}

#[tonic::async_trait]
impl Tasks for Shared {
    async fn list_tasks(&self, request: Request<ListTasksRequest>) -> Answer<ListTasksResponse> {
        let state = self.called(&request)?;
        let wanted = &request.get_ref().pool;
        let tasks = state.tasks.iter().filter_map(|told| told.task.clone());
        Ok(Response::new(ListTasksResponse {
            tasks: tasks.filter(|task| wanted.is_empty() || task.pool == *wanted).collect(),
            silent: state.silent.clone(),
        }))
    }

    async fn get_task(&self, request: Request<GetTaskRequest>) -> Answer<GetTaskResponse> {
        let state = self.called(&request)?;
        let wanted = &request.get_ref().task_id;
        let mut tasks = state.tasks.iter();
        tasks
            .find(|told| told.task.as_ref().is_some_and(|task| task.task_id == *wanted))
            .map(|told| Response::new(told.clone()))
            .ok_or_else(|| Status::not_found(format!("no task has the id {wanted}")))
    }
}
