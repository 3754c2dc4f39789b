//! `hod task ID`.

use clap::Args;
use hod_proto::coordinator::v1::GetTaskRequest;

use crate::client::told;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::says;
use crate::resolve;

use super::Context;

/// `hod task`
#[derive(Debug, Args)]
pub struct Arguments {
    /// Gluster's id of the task, or its first characters
    id: String,
}

/// Runs it.
///
/// # Errors
/// The coordinator refused or can't be reached, or no one task has this id.
pub async fn run(context: &Context, arguments: Arguments) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let task_id = resolve::task(&client, &arguments.id).await?;
    let doing = format!("show task {task_id}");
    let answer = client.tasks().get_task(client.request(GetTaskRequest { task_id })).await;
    let (answer, now) = told(answer.map_err(|status| Failure::refused(&doing, &status))?);
    if context.screen.json {
        context.screen.json(&answer)?;
    } else {
        let text = says::task(&answer, &context.screen.look(now));
        context.screen.text(&text)?;
    }
    Ok(Exit::Ok)
}
