//! `hod rebalance status` and `hod remove-brick status`: a volume's job of that kind,
//! as `hod job` shows it.

use hod_proto::coordinator::v1::{Job, JobStatus, ListJobsRequest, StepType};

use crate::exit::Exit;
use crate::failure::Failure;

use super::Context;
use super::drive::Target;
use super::{job, jobs};

/// How many of a volume's newest jobs are looked through.
const LOOKED_THROUGH: usize = 50;

/// Shows the volume's job that has such a step: an open one, or the newest.
///
/// # Errors
/// There is none, or the coordinator refused or can't be reached.
pub async fn run(context: &Context, target: Target, kind: StepType, name: &str) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let volume = target.volume.clone();
    let request = ListJobsRequest { pool: target.pool, volume: target.volume, ..ListJobsRequest::default() };
    let (mut listed, _) = jobs::pages(&client, request, Some(LOOKED_THROUGH)).await?;
    // What other programs report has no task of Gluster's.
    listed.retain(|job| job.origin.is_empty());
    listed.sort_by_key(|job| job.status() != JobStatus::Started);
    for candidate in listed {
        let (answer, now) = job::get(&client, candidate.job_id).await?;
        if answer.job.as_ref().is_some_and(|job| has(job, kind)) {
            return job::show(context, answer, now);
        }
    }
    Err(Failure::new(
        Exit::NotFound,
        format!("no {name} of {volume} is known (`hod jobs --all --volume {volume}` shows its jobs)"),
    ))
}

fn has(job: &Job, kind: StepType) -> bool {
    job.steps.iter().any(|step| step.r#type() == kind)
}
