//! `hod windows`: shows them, or sets them.

use clap::Args;
use hod_proto::coordinator::v1::{
    ListVolumesRequest, ListVolumesResponse, PoolVolume, SetWindowsRequest, Window,
};

use crate::client::Client;
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
    #[arg(long = "window", value_name = "WINDOW", value_parser = window::read)]
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
    if arguments.windows.is_empty() && !arguments.none {
        return show(context, &client, target).await;
    }
    let doing = format!("set the windows of {}", target.volume);
    let request = client.command(SetWindowsRequest {
        pool: target.pool,
        volume: target.volume,
        windows: arguments.windows,
    });
    let answer = client.commands().set_windows(request).await;
    Answered::of(&doing, answer, |told| told.receipt)?.receipt(context, client, None).await
}

/// Shows the windows as they are, each as it would be typed.
async fn show(context: &Context, client: &Client, target: Target) -> Result<Exit, Failure> {
    let request = client.request(ListVolumesRequest { pool: target.pool.clone() });
    let listed = client.pools().list_volumes(request).await;
    let listed = listed.map_err(|status| Failure::refused("list volumes", &status))?.into_inner();
    let is_meant = |told: &PoolVolume| {
        told.volume.as_ref().is_some_and(|v| v.name == target.volume || v.id == target.volume)
    };
    let volumes: Vec<PoolVolume> = listed.volumes.into_iter().filter(is_meant).collect();
    if volumes.is_empty() {
        let problem = format!("there is no volume {}: see `hod volumes`", target.volume);
        return Err(Failure::new(Exit::NotFound, problem));
    }
    if context.screen.json {
        context.screen.json(&ListVolumesResponse { volumes })?;
        return Ok(Exit::Ok);
    }
    let several = volumes.len() > 1;
    for told in volumes {
        let of = if several { format!("{}: ", told.pool) } else { String::new() };
        if told.windows.is_empty() {
            context.screen.text(&format!("{of}at any time\n"))?;
        }
        for window in &told.windows {
            context.screen.text(&format!("{of}{}\n", window::typed(window)))?;
        }
    }
    Ok(Exit::Ok)
}
