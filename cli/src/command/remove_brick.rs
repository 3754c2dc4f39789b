//! `hod remove-brick …`.

use clap::{Args, Subcommand};
use hod_proto::coordinator::v1::{
    CommitRemoveBrickRequest, ForceRemoveBrickRequest, PauseRemoveBrickRequest, ResumeRemoveBrickRequest,
    StartRemoveBrickRequest, StepType, StopRemoveBrickRequest,
};

use crate::confirm::Sure;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::text::number::counted;

use super::Context;
use super::drive::{Answered, DryRun, Speed, Target, Waiting, ask, throttle};
use super::status;
use super::watch::Wait;

/// `hod remove-brick …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Move the bricks' files to the others; the bricks go with a commit afterwards
    Start(Start),
    /// Stop it for good; the bricks stay, files that have moved stay where they are
    Stop(Stop),
    /// Stop it, to go on later; meanwhile the bricks take new files again
    Pause(Pause),
    /// Let a paused one go on
    Resume(Resume),
    /// Take the bricks away, once all their files have moved
    Commit(Commit),
    /// Take bricks away without moving their files: what only they hold is lost
    Force(Force),
    /// Show the one that runs or awaits its commit, or the last one
    Status(Target),
}

/// `hod remove-brick start`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Start {
    #[command(flatten)]
    target: Target,
    /// Bricks as HOST:/PATH: whole replica or disperse sets
    #[arg(required = true, value_name = "BRICK")]
    bricks: Vec<String>,
    /// How fast files are moved; put back after it
    #[arg(long, value_enum, value_name = "SPEED")]
    throttle: Option<Speed>,
    /// Commit by itself once all files have moved and none is left on the bricks
    #[arg(long)]
    auto_commit: bool,
    #[command(flatten)]
    dry_run: DryRun,
    /// Follow the job to its end, or until it awaits its commit; the exit code tells how it ended
    #[arg(long)]
    wait: bool,
}

/// `hod remove-brick stop`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Stop {
    #[command(flatten)]
    target: Target,
    /// The task's bricks; may be left out
    #[arg(value_name = "BRICK")]
    bricks: Vec<String>,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    waiting: Waiting,
}

/// `hod remove-brick pause`
#[derive(Debug, Args)]
pub struct Pause {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    sure: Sure,
}

/// `hod remove-brick resume`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Resume {
    #[command(flatten)]
    target: Target,
    /// Follow the job to its end, or until it awaits its commit; the exit code tells how it ended
    #[arg(long)]
    wait: bool,
}

/// `hod remove-brick commit`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Commit {
    #[command(flatten)]
    target: Target,
    /// The task's bricks; may be left out
    #[arg(value_name = "BRICK")]
    bricks: Vec<String>,
    /// Give up so many files knowingly: the number that the refusal names
    #[arg(long, value_name = "FILES")]
    accept_data_loss: Option<u64>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    waiting: Waiting,
}

/// `hod remove-brick force`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Force {
    #[command(flatten)]
    target: Target,
    /// Bricks as HOST:/PATH: whole replica or disperse sets
    #[arg(required = true, value_name = "BRICK")]
    bricks: Vec<String>,
    /// Give up so many files knowingly: the number that a dry run names
    #[arg(long, value_name = "FILES")]
    accept_data_loss: Option<u64>,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    sure: Sure,
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
        Command::Pause(arguments) => pause(context, arguments).await,
        Command::Resume(arguments) => resume(context, arguments).await,
        Command::Commit(arguments) => commit(context, arguments).await,
        Command::Force(arguments) => force(context, arguments).await,
        Command::Status(target) => {
            status::run(context, target, StepType::RemovingBricks, "remove-brick").await
        }
    }
}

async fn start(context: &Context, arguments: Start) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let dry_run = arguments.dry_run.dry_run;
    let doing = format!("start a remove-brick of {}", arguments.target.volume);
    let commits_itself = arguments.auto_commit;
    let request = client.command(StartRemoveBrickRequest {
        pool: arguments.target.pool,
        volume: arguments.target.volume,
        bricks: arguments.bricks,
        throttle: throttle(arguments.throttle),
        auto_commit: arguments.auto_commit,
        dry_run,
    });
    let answer = client.commands().start_remove_brick(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    if dry_run {
        return answered.plan(context);
    }
    let until = arguments.wait.then_some(Wait::Migration { commits_itself });
    answered.receipt(context, client, until).await
}

async fn stop(context: &Context, arguments: Stop) -> Result<Exit, Failure> {
    let Stop { target, bricks, sure, waiting } = arguments;
    let doing = format!("stop the remove-brick of {}", target.volume);
    let effect = "it ends for good; the bricks stay, and files that have moved stay where they are";
    sure.must_ask(&doing, effect)?;
    let client = context.client().await?;
    ask(&client, &sure, &target, &bricks, &doing, effect).await?;
    let request = client.command(StopRemoveBrickRequest { pool: target.pool, volume: target.volume, bricks });
    let answer = client.commands().stop_remove_brick(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    answered.receipt(context, client, waiting.until(Wait::End)).await
}

async fn pause(context: &Context, arguments: Pause) -> Result<Exit, Failure> {
    let Pause { target, sure } = arguments;
    let doing = format!("pause the remove-brick of {}", target.volume);
    let effect = "until it is resumed its bricks take new files again";
    sure.must_ask(&doing, effect)?;
    let client = context.client().await?;
    ask(&client, &sure, &target, &[], &doing, effect).await?;
    let request = client.command(PauseRemoveBrickRequest { pool: target.pool, volume: target.volume });
    let answer = client.commands().pause_remove_brick(request).await;
    Answered::of(&doing, answer, |told| told.receipt)?.receipt(context, client, None).await
}

async fn resume(context: &Context, arguments: Resume) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let target = arguments.target;
    let doing = format!("resume the remove-brick of {}", target.volume);
    let request = client.command(ResumeRemoveBrickRequest { pool: target.pool, volume: target.volume });
    let answer = client.commands().resume_remove_brick(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    // Whether it commits by itself was said when it was started, and is not told here.
    let until = arguments.wait.then_some(Wait::Migration { commits_itself: false });
    answered.receipt(context, client, until).await
}

async fn commit(context: &Context, arguments: Commit) -> Result<Exit, Failure> {
    let Commit { target, bricks, accept_data_loss, dry_run: DryRun { dry_run }, sure, waiting } = arguments;
    let doing = format!("commit the remove-brick of {}", target.volume);
    let effect = match accept_data_loss {
        Some(files) => {
            let files = counted(files, "file");
            format!("its bricks are taken away, and {files} that are left on them are lost")
        }
        None => "its bricks are taken away".to_owned(),
    };
    if !dry_run {
        sure.must_ask(&doing, &effect)?;
    }
    let client = context.client().await?;
    if !dry_run {
        ask(&client, &sure, &target, &bricks, &doing, &effect).await?;
    }
    let request = client.command(CommitRemoveBrickRequest {
        pool: target.pool,
        volume: target.volume,
        bricks,
        accept_data_loss,
        dry_run,
    });
    let answer = client.commands().commit_remove_brick(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    if dry_run {
        return answered.plan(context);
    }
    answered.receipt(context, client, waiting.until(Wait::End)).await
}

async fn force(context: &Context, arguments: Force) -> Result<Exit, Failure> {
    let Force { target, bricks, accept_data_loss, dry_run: DryRun { dry_run }, sure, waiting } = arguments;
    let doing = format!("force bricks out of {}", target.volume);
    if !dry_run {
        let deed = format!("force {} out of {}", bricks.join(", "), target.volume);
        sure.ask(&deed, "no file is moved: what only these bricks hold is lost to the volume").await?;
    }
    let client = context.client().await?;
    let request = client.command(ForceRemoveBrickRequest {
        pool: target.pool,
        volume: target.volume,
        bricks,
        accept_data_loss,
        dry_run,
    });
    let answer = client.commands().force_remove_brick(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    if dry_run {
        return answered.plan(context);
    }
    answered.receipt(context, client, waiting.until(Wait::End)).await
}
