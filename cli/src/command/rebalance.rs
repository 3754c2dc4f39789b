//! `hod rebalance …`.

use clap::{Args, Subcommand};
use hod_proto::coordinator::v1::{
    PauseRebalanceRequest, ResumeRebalanceRequest, StartRebalanceRequest, StepType, StopRebalanceRequest,
    Window,
};

use crate::confirm::Sure;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::window;

use super::Context;
use super::drive::{Answered, DryRun, Speed, Target, Waiting, throttle};
use super::status;
use super::watch::Wait;

/// `hod rebalance …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start one
    Start(Start),
    /// Stop it for good; files that have moved stay where they are
    Stop(Stop),
    /// Stop it, to go on later: its job stays open and keeps the volume
    Pause(Pause),
    /// Let a paused one go on
    Resume(Resume),
    /// Show the one that runs, or the last one
    Status(Target),
}

/// `hod rebalance start`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Start {
    #[command(flatten)]
    target: Target,
    /// Only the layout of folders, no files
    #[arg(long, conflicts_with = "force")]
    fix_layout: bool,
    /// Also move files whose target brick has less free space
    #[arg(long)]
    force: bool,
    /// How fast files are moved; put back after it
    #[arg(long, value_enum, value_name = "SPEED")]
    throttle: Option<Speed>,
    /// Hours in which it may run, such as "Mon-Fri 22:00-06:00 Europe/Berlin"; may be repeated
    #[arg(long = "window", value_name = "WINDOW", value_parser = window::read)]
    windows: Vec<Window>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    waiting: Waiting,
}

/// `hod rebalance stop`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Stop {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    waiting: Waiting,
}

/// `hod rebalance pause`
#[derive(Debug, Args)]
pub struct Pause {
    #[command(flatten)]
    target: Target,
}

/// `hod rebalance resume`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Resume {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, or nobody said yes.
pub async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Start(arguments) => start(context, arguments).await,
        Command::Stop(arguments) => stop(context, arguments).await,
        Command::Pause(arguments) => pause(context, arguments.target).await,
        Command::Resume(arguments) => resume(context, arguments).await,
        Command::Status(target) => {
            status::run(context, target, StepType::RebalancingVolume, "rebalance").await
        }
    }
}

async fn start(context: &Context, arguments: Start) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let dry_run = arguments.dry_run.dry_run;
    let doing = format!("start a rebalance of {}", arguments.target.volume);
    let request = client.command(StartRebalanceRequest {
        pool: arguments.target.pool,
        volume: arguments.target.volume,
        fix_layout: arguments.fix_layout,
        force: arguments.force,
        throttle: throttle(arguments.throttle),
        windows: arguments.windows,
        dry_run,
    });
    let answer = client.commands().start_rebalance(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    if dry_run {
        return answered.plan(context);
    }
    answered.receipt(context, client, arguments.waiting.until(Wait::End)).await
}

async fn stop(context: &Context, arguments: Stop) -> Result<Exit, Failure> {
    let doing = format!("stop the rebalance of {}", arguments.target.volume);
    arguments
        .sure
        .ask(&doing, "it ends for good; files that have moved stay where they are, the others too")
        .await?;
    let client = context.client().await?;
    let request =
        client.command(StopRebalanceRequest { pool: arguments.target.pool, volume: arguments.target.volume });
    let answer = client.commands().stop_rebalance(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    answered.receipt(context, client, arguments.waiting.until(Wait::End)).await
}

async fn pause(context: &Context, target: Target) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let doing = format!("pause the rebalance of {}", target.volume);
    let request = client.command(PauseRebalanceRequest { pool: target.pool, volume: target.volume });
    let answer = client.commands().pause_rebalance(request).await;
    Answered::of(&doing, answer, |told| told.receipt)?.receipt(context, client, None).await
}

async fn resume(context: &Context, arguments: Resume) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let doing = format!("resume the rebalance of {}", arguments.target.volume);
    let request = client
        .command(ResumeRebalanceRequest { pool: arguments.target.pool, volume: arguments.target.volume });
    let answer = client.commands().resume_rebalance(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    answered.receipt(context, client, arguments.waiting.until(Wait::End)).await
}
