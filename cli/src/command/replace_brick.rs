//! `hod replace-brick`.

use clap::Args;
use hod_proto::coordinator::v1::{ReplaceBrickRequest, ResetBrickRequest};

use crate::client::Client;
use crate::confirm::Sure;
use crate::exit::{self, Exit};
use crate::failure::Failure;

use super::Context;
use super::drive::{Answered, DryRun, Target, Waiting};
use super::watch::Wait;

/// `hod replace-brick`
#[derive(Debug, Args)]
#[command(after_help = exit::help())]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The brick that goes, as HOST:/PATH
    #[arg(value_name = "OLD")]
    old_brick: String,
    /// The brick that comes in its place; left out or the same, the old one is taken into
    /// service anew (reset-brick)
    #[arg(value_name = "NEW")]
    new_brick: Option<String>,
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
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { target, old_brick, new_brick, dry_run: DryRun { dry_run }, sure, waiting } = arguments;
    let new_brick = new_brick.filter(|new| written(new) != written(&old_brick));
    let (doing, effect) = match &new_brick {
        Some(new) => (
            format!("replace {old_brick} of {} by {new}", target.volume),
            format!("{old_brick} leaves the volume at once, and {new} is filled from the other copies"),
        ),
        None => (
            format!("reset {old_brick} of {}", target.volume),
            "it leaves service for a moment, and is healed from the other copies".to_owned(),
        ),
    };
    if !dry_run {
        sure.ask(&doing, &effect).await?;
    }
    let client = context.client().await?;
    let answered = match new_brick {
        Some(new_brick) => replace(&client, &doing, target, old_brick, new_brick, dry_run).await?,
        None => reset(&client, &doing, target, old_brick, dry_run).await?,
    };
    if dry_run {
        return answered.plan(context);
    }
    answered.receipt(context, client, waiting.until(Wait::End)).await
}

async fn replace(
    client: &Client,
    doing: &str,
    target: Target,
    old_brick: String,
    new_brick: String,
    dry_run: bool,
) -> Result<Answered, Failure> {
    let request = client.command(ReplaceBrickRequest {
        pool: target.pool,
        volume: target.volume,
        old_brick,
        new_brick,
        dry_run,
    });
    let answer = client.commands().replace_brick(request).await;
    Answered::of(doing, answer, |told| told.receipt)
}

async fn reset(
    client: &Client,
    doing: &str,
    target: Target,
    brick: String,
    dry_run: bool,
) -> Result<Answered, Failure> {
    let request =
        client.command(ResetBrickRequest { pool: target.pool, volume: target.volume, brick, dry_run });
    let answer = client.commands().reset_brick(request).await;
    Answered::of(doing, answer, |told| told.receipt)
}

/// A brick's name without what may be written in two ways. It only tells whether the
/// operator wrote the same twice; which brick that is the coordinator finds out.
fn written(brick: &str) -> String {
    brick.replace(['[', ']'], "").trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_written_twice_is_the_same() {
        assert_eq!(written("[fd00::3]:/bricks/b1/"), written("fd00::3:/bricks/b1"));
        assert_ne!(written("node-a:/bricks/b1"), written("node-a:/bricks/b2"));
    }
}
