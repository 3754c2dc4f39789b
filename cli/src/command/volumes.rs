//! `hod volumes`.

use clap::Args;
use hod_proto::coordinator::v1::ListVolumesRequest;

use crate::client::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::volumes;

use super::Context;

/// `hod volumes`
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
    let request = client.request(ListVolumesRequest { pool: arguments.pool.unwrap_or_default() });
    let listed = client.pools().list_volumes(request).await;
    let (listed, now) = told(listed.map_err(|status| Failure::refused("list volumes", &status))?);
    if context.screen.json {
        context.screen.json(&listed)?;
    } else {
        let text = volumes::table(&listed.volumes, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}
