//! `hod replica lower`.

use clap::{Args, Subcommand};
use hod_proto::coordinator::v1::LowerReplicaCountRequest;

use crate::confirm::Sure;
use crate::exit::{self, Exit};
use crate::failure::Failure;

use super::Context;
use super::drive::{Answered, DryRun, Target, Waiting};
use super::watch::Wait;

/// `hod replica …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep one copy less of everything
    Lower(Lower),
}

/// `hod replica lower`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Lower {
    #[command(flatten)]
    target: Target,
    /// How many copies are left: one less than now
    #[arg(value_name = "COUNT")]
    replica_count: u32,
    /// Bricks as HOST:/PATH: one of each replica set
    #[arg(required = true, value_name = "BRICK")]
    bricks: Vec<String>,
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
    let Command::Lower(arguments) = command;
    let Lower { target, replica_count, bricks, dry_run: DryRun { dry_run }, sure, waiting } = arguments;
    let doing = format!("lower the replica count of {} to {replica_count}", target.volume);
    if !dry_run {
        let effect = format!("{} and the copies on them are taken out of the volume", bricks.join(", "));
        sure.ask(&doing, &effect).await?;
    }
    let client = context.client().await?;
    let request = client.command(LowerReplicaCountRequest {
        pool: target.pool,
        volume: target.volume,
        replica_count,
        bricks,
        dry_run,
    });
    let answer = client.commands().lower_replica_count(request).await;
    let answered = Answered::of(&doing, answer, |told| told.receipt)?;
    if dry_run {
        return answered.plan(context);
    }
    answered.receipt(context, client, waiting.until(Wait::End)).await
}
