//! `hod.coordinator.v1.Jobs`: jobs, and what other programs report.

use futures::stream::BoxStream;
use hod_core::id::JobId;
use hod_core::job::JobStatus;
use hod_proto::convert::coordinator::{job_status, step_type};
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::jobs_server::Jobs;
use tonic::{Request, Response, Status};

use super::ages::Ages;
use super::{Api, check, identity, problem, tell};
use crate::store::{Job, JobFilter, NewExternalJob, NewExternalStep, Page};

#[tonic::async_trait]
impl Jobs for Api {
    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let request = request.into_inner();
        let page = Page { size: check::page_size(request.page_size)?, token: request.page_token };
        let statuses: Result<Vec<JobStatus>, _> =
            request.statuses.iter().map(|s| job_status("statuses", *s)).collect();
        let filter = JobFilter {
            statuses: statuses.map_err(|e| problem::unreadable(&e))?,
            pool: self.pool_or_all(&request.pool).await?.map(|p| p.id),
            volume: check::optional(request.volume),
            trees: false,
        };
        let page = self.store.jobs(&filter, &page).await.map_err(problem::store)?;
        // Without their trees there is nothing in them that grows old.
        let ages = Ages::default();
        Ok(Response::new(pb::ListJobsResponse {
            jobs: page.jobs.into_iter().map(|job| tell::job(job, &ages)).collect(),
            next_page_token: page.next,
        }))
    }

    async fn get_job(
        &self,
        request: Request<pb::GetJobRequest>,
    ) -> Result<Response<pb::GetJobResponse>, Status> {
        let id: JobId = check::id("job_id", &request.into_inner().job_id)?;
        let job = self.store.job(id).await.map_err(problem::store)?;
        Ok(Response::new(pb::GetJobResponse { job: Some(self.told(job).await?) }))
    }

    type WatchJobsStream = BoxStream<'static, Result<pb::WatchJobsResponse, Status>>;

    async fn watch_jobs(
        &self,
        request: Request<pb::WatchJobsRequest>,
    ) -> Result<Response<Self::WatchJobsStream>, Status> {
        super::watch_jobs::watch(self.clone(), request.into_inner()).await.map(Response::new)
    }

    async fn add_external_job(
        &self,
        request: Request<pb::AddExternalJobRequest>,
    ) -> Result<Response<pb::AddExternalJobResponse>, Status> {
        let actor = identity::actor(&request)?;
        let request = request.into_inner();
        check::needed("description", &request.description)?;
        let new = NewExternalJob {
            pool: self.pool_named(&request.pool).await?.id,
            description: request.description,
            origin: request.origin,
            volume: check::optional(request.volume),
            actor,
        };
        let job = self.store.add_external_job(new).await.map_err(problem::store)?;
        Ok(Response::new(pb::AddExternalJobResponse { job: Some(self.told(job).await?) }))
    }

    async fn add_external_step(
        &self,
        request: Request<pb::AddExternalStepRequest>,
    ) -> Result<Response<pb::AddExternalStepResponse>, Status> {
        let actor = identity::actor(&request)?;
        let request = request.into_inner();
        check::needed("description", &request.description)?;
        let new = NewExternalStep {
            job: check::id("job_id", &request.job_id)?,
            parent: check::optional_id("parent_step_id", &request.parent_step_id)?,
            step_type: step_type("type", request.r#type).map_err(|e| problem::unreadable(&e))?,
            description: request.description,
            actor,
        };
        let step = self.store.add_external_step(new).await.map_err(problem::store)?;
        Ok(Response::new(pb::AddExternalStepResponse { step: Some(tell::step(step, &Ages::default())) }))
    }

    async fn end_external_step(
        &self,
        request: Request<pb::EndExternalStepRequest>,
    ) -> Result<Response<pb::EndExternalStepResponse>, Status> {
        let actor = identity::actor(&request)?;
        let request = request.into_inner();
        let id = check::id("step_id", &request.step_id)?;
        let status = end_status(request.status)?;
        let step = self.store.end_external_step(id, status, &actor).await;
        Ok(Response::new(pb::EndExternalStepResponse {
            step: Some(tell::step(step.map_err(problem::store)?, &Ages::default())),
        }))
    }

    async fn end_external_job(
        &self,
        request: Request<pb::EndExternalJobRequest>,
    ) -> Result<Response<pb::EndExternalJobResponse>, Status> {
        let actor = identity::actor(&request)?;
        let request = request.into_inner();
        let id = check::id("job_id", &request.job_id)?;
        let status = end_status(request.status)?;
        let job = self.store.end_external_job(id, status, &actor).await;
        Ok(Response::new(pb::EndExternalJobResponse {
            job: Some(self.told(job.map_err(problem::store)?).await?),
        }))
    }

    async fn clear_external_job(
        &self,
        request: Request<pb::ClearExternalJobRequest>,
    ) -> Result<Response<pb::ClearExternalJobResponse>, Status> {
        let actor = identity::actor(&request)?;
        let id = check::id("job_id", &request.into_inner().job_id)?;
        self.store.clear_external_job(id, &actor).await.map_err(problem::store)?;
        Ok(Response::new(pb::ClearExternalJobResponse {}))
    }
}

impl Api {
    async fn told(&self, job: Job) -> Result<pb::Job, Status> {
        let ages = Ages::read(&*self.store, Some(job.pool)).await.map_err(problem::store)?;
        Ok(tell::job(job, &ages))
    }
}

fn end_status(number: i32) -> Result<JobStatus, Status> {
    match job_status("status", number) {
        Ok(JobStatus::Started) => Err(problem::invalid("status", "STARTED ends nothing")),
        Ok(status) => Ok(status),
        Err(e) => Err(problem::unreadable(&e)),
    }
}
