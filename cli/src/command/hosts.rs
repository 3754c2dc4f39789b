//! `hod hosts`.

use clap::Args;
use hod_proto::coordinator::v1::ListHostsRequest;

use crate::client::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::hosts;

use super::Context;

/// `hod hosts`
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only of this pool, by name or id
    #[arg(long)]
    pool: Option<String>,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let request = client.request(ListHostsRequest { pool: arguments.pool.unwrap_or_default() });
    let listed = client.pools().list_hosts(request).await;
    let (listed, now) = told(listed.map_err(|status| Failure::refused("list hosts", &status))?);
    if context.screen.json {
        context.screen.json(&listed)?;
    } else {
        let text = hosts::table(&listed.hosts, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}
