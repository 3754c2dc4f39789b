//! A coordinator that remembers what it is told and tells what it is given: for the
//! tests of the command, on a port of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use hod_proto::coordinator::v1::events_server::{Events, EventsServer};
use hod_proto::coordinator::v1::jobs_server::{Jobs, JobsServer};
use hod_proto::coordinator::v1::pools_server::{Pools, PoolsServer};
use hod_proto::coordinator::v1::tasks_server::{Tasks, TasksServer};
use hod_proto::coordinator::v1::watch_jobs_response::Event as Told;
use hod_proto::coordinator::v1::*;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::codegen::BoxStream;
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

#[tonic::async_trait]
impl Jobs for Shared {
    type WatchJobsStream = BoxStream<WatchJobsResponse>;

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Answer<ListJobsResponse> {
        let mut state = self.called(&request)?;
        let request = request.into_inner();
        state.job_pages.push(request.clone());
        if !request.pool.is_empty() {
            pool(&state, &request.pool)?;
        }
        let from: usize = request.page_token.parse().unwrap_or(0);
        let size = usize::try_from(request.page_size).unwrap();
        let matching: Vec<_> = state
            .jobs
            .iter()
            .filter(|job| request.pool.is_empty() || job.pool == request.pool)
            .filter(|job| about(job, &request.volume))
            .filter(|job| request.statuses.is_empty() || request.statuses.contains(&job.status))
            .map(|job| Job { steps: Vec::new(), ..job.clone() })
            .collect();
        let next = from + size;
        let more = next < matching.len();
        Ok(Response::new(ListJobsResponse {
            jobs: matching.into_iter().skip(from).take(size).collect(),
            next_page_token: if more { next.to_string() } else { String::new() },
        }))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Answer<GetJobResponse> {
        let state = self.called(&request)?;
        let job = find(&state, &request.get_ref().job_id)?.clone();
        Ok(Response::new(GetJobResponse { job: Some(job) }))
    }

    async fn watch_jobs(&self, request: Request<WatchJobsRequest>) -> Answer<BoxStream<WatchJobsResponse>> {
        drop(self.called(&request)?);
        let request = request.into_inner();
        if !request.job_id.is_empty() {
            find(&self.state(), &request.job_id)?;
        }
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(tell_jobs(self.clone(), request, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn add_external_job(
        &self,
        request: Request<AddExternalJobRequest>,
    ) -> Answer<AddExternalJobResponse> {
        let mut state = self.called(&request)?;
        let request = request.into_inner();
        if request.description.trim().is_empty() {
            return Err(blank("description"));
        }
        let job = Job {
            job_id: format!("eeeeeeee-0000-4000-8000-{:012}", state.jobs.len()),
            pool: pool(&state, &request.pool)?.name.clone(),
            description: request.description,
            origin: request.origin,
            external: true,
            status: JobStatus::Started.into(),
            ..Job::default()
        };
        state.jobs.insert(0, job.clone());
        Ok(Response::new(AddExternalJobResponse { job: Some(job) }))
    }

    async fn add_external_step(
        &self,
        request: Request<AddExternalStepRequest>,
    ) -> Answer<AddExternalStepResponse> {
        let mut state = self.called(&request)?;
        let request = request.into_inner();
        let job = find_mut(&mut state, &request.job_id)?;
        let step = Step {
            step_id: format!("55555555-0000-4000-8000-{:012}", job.steps.len()),
            parent_step_id: request.parent_step_id,
            r#type: request.r#type,
            description: request.description,
            status: JobStatus::Started.into(),
            ..Step::default()
        };
        job.steps.push(step.clone());
        Ok(Response::new(AddExternalStepResponse { step: Some(step) }))
    }

    async fn end_external_step(
        &self,
        request: Request<EndExternalStepRequest>,
    ) -> Answer<EndExternalStepResponse> {
        let mut state = self.called(&request)?;
        let request = request.into_inner();
        let mut steps = state.jobs.iter_mut().flat_map(|job| &mut job.steps);
        let step = steps
            .find(|step| step.step_id == request.step_id)
            .ok_or_else(|| Status::not_found(format!("no step has the id {}", request.step_id)))?;
        step.status = request.status;
        let step = step.clone();
        Ok(Response::new(EndExternalStepResponse { step: Some(step) }))
    }

    async fn end_external_job(
        &self,
        request: Request<EndExternalJobRequest>,
    ) -> Answer<EndExternalJobResponse> {
        let mut state = self.called(&request)?;
        let job = find_mut(&mut state, &request.get_ref().job_id)?;
        if !job.external {
            return Err(Status::failed_precondition("the job is not another program's"));
        }
        job.status = request.get_ref().status;
        let job = job.clone();
        Ok(Response::new(EndExternalJobResponse { job: Some(job) }))
    }

    async fn clear_external_job(
        &self,
        request: Request<ClearExternalJobRequest>,
    ) -> Answer<ClearExternalJobResponse> {
        let mut state = self.called(&request)?;
        let id = &request.get_ref().job_id;
        if find(&state, id)?.status() == JobStatus::Started {
            return Err(Status::failed_precondition("the job has not ended"));
        }
        state.jobs.retain(|job| job.job_id != *id);
        Ok(Response::new(ClearExternalJobResponse {}))
    }
}

fn about(job: &Job, volume: &str) -> bool {
    volume.is_empty()
        || job.subjects.iter().any(|subject| subject.volume_name == volume || subject.volume_id == volume)
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Job, Status> {
    let mut jobs = state.jobs.iter();
    jobs.find(|job| job.job_id == id).ok_or_else(|| Status::not_found(format!("no job has the id {id}")))
}

fn find_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Job, Status> {
    let mut jobs = state.jobs.iter_mut();
    jobs.find(|job| job.job_id == id).ok_or_else(|| Status::not_found(format!("no job has the id {id}")))
}

/// Sends what matches, then what changed, until nobody listens or it is cut.
async fn tell_jobs(
    shared: Shared,
    request: WatchJobsRequest,
    sender: mpsc::Sender<Result<WatchJobsResponse, Status>>,
) {
    let mut changed = shared.changed.subscribe();
    let mut cut = shared.cut.subscribe();
    let mut sent: Vec<Job> = Vec::new();
    let mut complete = false;
    loop {
        changed.mark_unchanged();
        let jobs: Vec<Job> = shared
            .state()
            .jobs
            .iter()
            .filter(|job| request.pool.is_empty() || job.pool == request.pool)
            .filter(|job| about(job, &request.volume))
            .filter(|job| request.job_id.is_empty() || job.job_id == request.job_id)
            .cloned()
            .collect();
        let mut told = Vec::new();
        for job in &jobs {
            let known = sent.iter().find(|known| known.job_id == job.job_id);
            let wanted = known.is_some() || request.ended || job.status() == JobStatus::Started;
            if wanted && known != Some(job) {
                told.push(Told::Job(job.clone()));
            }
        }
        for known in &sent {
            if jobs.iter().all(|job| job.job_id != known.job_id) {
                told.push(Told::RemovedJobId(known.job_id.clone()));
            }
        }
        sent.retain(|known| jobs.iter().any(|job| job.job_id == known.job_id));
        for event in &told {
            if let Told::Job(job) = event {
                sent.retain(|known| known.job_id != job.job_id);
                sent.push(job.clone());
            }
        }
        if !complete {
            told.push(Told::Complete(WatchComplete {}));
            complete = true;
        }
        for event in told {
            let message = WatchJobsResponse { event: Some(event) };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = changed.changed() => {}
            _ = cut.changed() => return,
            () = sender.closed() => return,
        }
    }
}

#[tonic::async_trait]
impl Events for Shared {
    type WatchEventsStream = BoxStream<WatchEventsResponse>;

    async fn list_events(&self, request: Request<ListEventsRequest>) -> Answer<ListEventsResponse> {
        let state = self.called(&request)?;
        let request = request.into_inner();
        pool(&state, &request.pool)?;
        let mut events: Vec<_> = state
            .events
            .iter()
            .filter(|event| event.pool == request.pool && event.number > request.after)
            .filter(|event| request.volume.is_empty() || event.volume == request.volume)
            .filter(|event| request.job_id.is_empty() || event.job_id == request.job_id)
            .cloned()
            .collect();
        let size = usize::try_from(request.page_size).unwrap();
        if request.after == 0 {
            events.drain(..events.len().saturating_sub(size));
        } else {
            events.truncate(size);
        }
        Ok(Response::new(ListEventsResponse { events }))
    }

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Answer<BoxStream<WatchEventsResponse>> {
        pool(&*self.called(&request)?, &request.get_ref().pool)?;
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(tell_events(self.clone(), request.into_inner(), sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn tell_events(
    shared: Shared,
    request: WatchEventsRequest,
    sender: mpsc::Sender<Result<WatchEventsResponse, Status>>,
) {
    let mut changed = shared.changed.subscribe();
    let mut cut = shared.cut.subscribe();
    let mut after = request.after;
    loop {
        changed.mark_unchanged();
        let events: Vec<Event> = shared
            .state()
            .events
            .iter()
            .filter(|event| event.pool == request.pool && event.number > after)
            .cloned()
            .collect();
        for event in events {
            after = event.number;
            let message = WatchEventsResponse { event: Some(event) };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = changed.changed() => {}
            _ = cut.changed() => return,
            () = sender.closed() => return,
        }
    }
}
