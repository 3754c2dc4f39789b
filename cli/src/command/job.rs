//! `hod job ID`.

use clap::Args;
use hod_proto::coordinator::v1::GetJobRequest;

use crate::client::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::job;
use crate::resolve;

use super::Context;

/// `hod job`
#[derive(Debug, Args)]
pub struct Arguments {
    /// The job's id, or its first characters
    id: String,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, or no one job has this id.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let job_id = resolve::job(&client, &arguments.id).await?;
    let doing = format!("show job {job_id}");
    let answer = client.jobs().get_job(client.request(GetJobRequest { job_id })).await;
    let (answer, now) = told(answer.map_err(|status| Failure::refused(&doing, &status))?);
    if context.screen.json {
        context.screen.json(&answer)?;
    } else {
        let job = answer.job.unwrap_or_default();
        context.screen.text(&job::page(&job, &context.screen.look(now)))?;
    }
    Ok(Exit::Ok)
}
