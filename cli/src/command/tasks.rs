//! `hod tasks`.

use clap::Args;
use hod_proto::coordinator::v1::ListTasksRequest;

use crate::client::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::tasks;

use super::Context;

/// `hod tasks`
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
    let request = client.request(ListTasksRequest { pool: arguments.pool.unwrap_or_default() });
    let listed = client.tasks().list_tasks(request).await;
    let (listed, now) = told(listed.map_err(|status| Failure::refused("list tasks", &status))?);
    if context.screen.json {
        context.screen.json(&listed)?;
    } else {
        let text = tasks::table(&listed.tasks, &listed.silent, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}
