//! `hod external …`: jobs that other programs report.

use clap::{Args, Subcommand, ValueEnum};
use hod_proto::coordinator::v1::{
    AddExternalJobRequest, AddExternalStepRequest, ClearExternalJobRequest, EndExternalJobRequest,
    EndExternalStepRequest, JobStatus, StepType,
};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::resolve;

use super::Context;

/// `hod external …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report a job that begins; prints its id
    AddJob(AddJob),
    /// Report a step of a job; prints its id
    AddStep(AddStep),
    /// Report how a step ended
    EndStep(EndStep),
    /// Report how a job ended; its open steps end with it
    EndJob(EndJob),
    /// Take an ended job out of the list
    Clear(Clear),
}

/// `hod external add-job`
#[derive(Debug, Args)]
pub struct AddJob {
    /// What the job is
    description: String,
    /// The pool that it is about, by name or id
    #[arg(long)]
    pool: String,
    /// The program that reports it, such as "ansible"
    #[arg(long, default_value = "")]
    origin: String,
    /// The volume that it is about, by name or id
    #[arg(long, default_value = "", hide_default_value = true)]
    volume: String,
}

/// `hod external add-step`
#[derive(Debug, Args)]
pub struct AddStep {
    /// The job's id, or its first characters
    job: String,
    /// What the step is
    description: String,
    /// What the step is for
    #[arg(long = "type", value_enum, default_value_t)]
    kind: Kind,
    /// The step's id under which it stands; without, it stands at the top
    #[arg(long, value_name = "STEP", default_value = "", hide_default_value = true)]
    parent: String,
}

/// `hod external end-step`
#[derive(Debug, Args)]
pub struct EndStep {
    /// The step's id, as add-step printed it
    step: String,
    /// How it ended
    #[arg(value_enum)]
    status: Ended,
}

/// `hod external end-job`
#[derive(Debug, Args)]
pub struct EndJob {
    /// The job's id, or its first characters
    job: String,
    /// How it ended
    #[arg(value_enum)]
    status: Ended,
}

/// `hod external clear`
#[derive(Debug, Args)]
pub struct Clear {
    /// The job's id, or its first characters
    job: String,
}

/// What an external step is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The checks before
    Validating,
    /// The work itself
    #[default]
    Executing,
    /// What comes after
    Finalizing,
}

/// How an external job or step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ended {
    /// Well
    Finished,
    /// Badly
    Failed,
    /// It was stopped
    Aborted,
    /// How is not known
    Unknown,
}

impl From<Kind> for StepType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Validating => Self::Validating,
            Kind::Executing => Self::Executing,
            Kind::Finalizing => Self::Finalizing,
        }
    }
}

impl From<Ended> for JobStatus {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Finished => Self::Finished,
            Ended::Failed => Self::Failed,
            Ended::Aborted => Self::Aborted,
            Ended::Unknown => Self::Unknown,
        }
    }
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, or no one job has this id.
pub async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::AddJob(arguments) => add_job(context, arguments).await,
        Command::AddStep(arguments) => add_step(context, arguments).await,
        Command::EndStep(arguments) => end_step(context, arguments).await,
        Command::EndJob(arguments) => end_job(context, arguments).await,
        Command::Clear(arguments) => clear(context, arguments).await,
    }
}

async fn add_job(context: &Context, arguments: AddJob) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let doing = format!("add job {:?} to pool {}", arguments.description, arguments.pool);
    let request = client.request(AddExternalJobRequest {
        pool: arguments.pool,
        description: arguments.description,
        origin: arguments.origin,
        volume: arguments.volume,
    });
    let added = client.jobs().add_external_job(request).await;
    let added = added.map_err(|status| Failure::refused(&doing, &status))?.into_inner();
    let id = added.job.as_ref().map_or("", |job| &job.job_id);
    answered(context, &added, id)
}

async fn add_step(context: &Context, arguments: AddStep) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let job_id = resolve::job(&client, &arguments.job).await?;
    let doing = format!("add step {:?} to job {job_id}", arguments.description);
    let request = client.request(AddExternalStepRequest {
        job_id,
        parent_step_id: arguments.parent,
        r#type: StepType::from(arguments.kind).into(),
        description: arguments.description,
    });
    let added = client.jobs().add_external_step(request).await;
    let added = added.map_err(|status| Failure::refused(&doing, &status))?.into_inner();
    let id = added.step.as_ref().map_or("", |step| &step.step_id);
    answered(context, &added, id)
}

async fn end_step(context: &Context, arguments: EndStep) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let doing = format!("end step {}", arguments.step);
    let request = client.request(EndExternalStepRequest {
        step_id: arguments.step,
        status: JobStatus::from(arguments.status).into(),
    });
    let ended = client.jobs().end_external_step(request).await;
    let ended = ended.map_err(|status| Failure::refused(&doing, &status))?;
    answered(context, &ended.into_inner(), "")
}

async fn end_job(context: &Context, arguments: EndJob) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let job_id = resolve::job(&client, &arguments.job).await?;
    let doing = format!("end job {job_id}");
    let request =
        client.request(EndExternalJobRequest { job_id, status: JobStatus::from(arguments.status).into() });
    let ended = client.jobs().end_external_job(request).await;
    let ended = ended.map_err(|status| Failure::refused(&doing, &status))?;
    answered(context, &ended.into_inner(), "")
}

async fn clear(context: &Context, arguments: Clear) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let job_id = resolve::job(&client, &arguments.job).await?;
    let doing = format!("clear job {job_id}");
    let request = client.request(ClearExternalJobRequest { job_id });
    let cleared = client.jobs().clear_external_job(request).await;
    let cleared = cleared.map_err(|status| Failure::refused(&doing, &status))?;
    answered(context, &cleared.into_inner(), "")
}

/// A new thing's id and nothing else, so that a script can take it up; what was
/// ended or cleared says nothing, like any tool that did as told.
fn answered(context: &Context, answer: &impl Serialize, id: &str) -> Result<Exit, Failure> {
    if context.screen.json {
        context.screen.json(answer)?;
    } else if !id.is_empty() {
        context.screen.text(&format!("{id}\n"))?;
    }
    Ok(Exit::Ok)
}
