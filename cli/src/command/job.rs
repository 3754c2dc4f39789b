//! `hod job ID`, `hod job abandon ID`.

use clap::{Args, Subcommand};
use hod_proto::coordinator::v1::{AbandonJobRequest, GetJobRequest, GetJobResponse};
use jiff::Timestamp;

use crate::client::{Client, told};
use crate::confirm::Sure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{job, jobs};
use crate::resolve;

use super::Context;
use super::drive::Answered;

/// `hod job`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    /// The job's id, or its first characters
    #[arg(required = true)]
    id: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// `hod job …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// End a job that can't end otherwise, as UNKNOWN
    Abandon(Abandon),
}

/// `hod job abandon`
#[derive(Debug, Args)]
pub struct Abandon {
    /// The job's id, or its first characters
    id: String,
    /// Why; it is kept with the job
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sure: Sure,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, no one job has this id, or nobody
/// said yes.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Some(Command::Abandon(arguments)) => abandon(context, arguments).await,
        None => {
            let client = context.client().await?;
            let job_id = resolve::job(&client, &arguments.id.unwrap_or_default()).await?;
            let (answer, now) = get(&client, job_id).await?;
            show(context, answer, now)
        }
    }
}

/// One job, whole, with the coordinator's time.
///
/// # Errors
/// The coordinator refused or can't be reached, or there is no such job.
pub async fn get(client: &Client, job_id: String) -> Result<(GetJobResponse, Timestamp), Failure> {
    let doing = format!("show job {job_id}");
    let answer = client.jobs().get_job(client.request(GetJobRequest { job_id })).await;
    Ok(told(answer.map_err(|status| Failure::refused(&doing, &status))?))
}

/// Shows a job.
///
/// # Errors
/// Standard output can't be written to.
pub fn show(context: &Context, answer: GetJobResponse, now: Timestamp) -> Result<Exit, Failure> {
    if context.screen.json {
        context.screen.json(&answer)?;
    } else {
        let job = answer.job.unwrap_or_default();
        context.screen.text(&job::page(&job, &context.screen.look(now)))?;
    }
    Ok(Exit::Ok)
}

async fn abandon(context: &Context, arguments: Abandon) -> Result<Exit, Failure> {
    let Abandon { id, reason, sure } = arguments;
    let effect = "it ends as UNKNOWN and lets go of its volume; Gluster is not touched";
    sure.must_ask(&format!("abandon job {id}"), effect)?;
    let client = context.client().await?;
    let job_id = resolve::job(&client, &id).await?;
    let doing = format!("abandon job {job_id}");
    if sure.must_ask(&doing, effect)? {
        let (answer, _) = get(&client, job_id.clone()).await?;
        let what = jobs::description(&answer.job.unwrap_or_default());
        sure.ask(&format!("{doing} ({what})"), effect).await?;
    }
    let request = client.command(AbandonJobRequest { job_id, reason });
    let answer = client.commands().abandon_job(request).await;
    Answered::of(&doing, answer, |told| told.receipt)?.receipt(context, client, None).await
}
