//! The fake coordinator's jobs.

use hod_proto::coordinator::v1::jobs_server::Jobs;
use hod_proto::coordinator::v1::watch_jobs_response::Event as Told;
use hod_proto::coordinator::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Answer, Shared, State, blank, pool};

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
