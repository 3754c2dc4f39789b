//! `hod windows`.

use clap::Args;
use hod_proto::coordinator::v1::{SetWindowsRequest, Window};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::window;

use super::Context;
use super::drive::{Answered, Target};

/// `hod windows`
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Hours in which its rebalance may run, such as "Mon-Fri 22:00-06:00 Europe/Berlin";
    /// may be repeated, and takes the place of those set before
    #[arg(
        long = "window",
        value_name = "WINDOW",
        value_parser = window::read,
        required_unless_present = "none"
    )]
    windows: Vec<Window>,
    /// Let it run at any time
    #[arg(long, conflicts_with = "windows")]
    none: bool,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let target = arguments.target;
    let doing = format!("set the windows of {}", target.volume);
    let request = client.command(SetWindowsRequest {
        pool: target.pool,
        volume: target.volume,
        windows: arguments.windows,
    });
    let answer = client.commands().set_windows(request).await;
    Answered::of(&doing, answer, |told| told.receipt)?.receipt(context, client, None).await
}
