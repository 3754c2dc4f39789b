//! `hod-agent events`: registers the agents' webhook with glustereventsd, for all hosts
//! of the pool at once, by Gluster's own `gluster-eventsapi`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hod_core::error::GlusterErrorKind;

use super::eventsd::Files;
use super::webhook;
use crate::config::{Config, EventsCommand};
use crate::gluster::process;

const TOOL: &str = "gluster-eventsapi";

/// It asks every host of the pool, one after the other.
const DEADLINE: Duration = Duration::from_secs(120);

/// Its exit codes (source: `eventsapiconf.py`).
const ALREADY_THERE: i32 = 5;
const NOT_THERE: i32 = 6;
/// No host, or not every host, took it over; or the file could not be copied to them.
const NOT_ON_ALL: [i32; 3] = [3, 4, 8];

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The configuration says that no events are heard.
    #[error(
        "events = false: this agent would not hear what glustereventsd posts; take that out of its configuration first"
    )]
    Off,
    /// There is no such tool here, or it did not answer.
    #[error("{0}")]
    NotRun(String),
    /// Some hosts were not told.
    #[error(
        "not every host was told: {said}\nStart glusterd on all of them, make the folder {folder} where it is missing, and try again"
    )]
    NotOnAll {
        /// What the tool said.
        said: String,
        /// Where glustereventsd keeps its webhooks.
        folder: String,
    },
    /// The tool failed.
    #[error("{TOOL} {command} failed ({exit}): {said}")]
    Failed {
        /// What it was told to do.
        command: &'static str,
        /// How it ended.
        exit: String,
        /// What it said.
        said: String,
    },
}

/// Does it, and tells what is so now.
///
/// # Errors
/// What keeps it from being done, and what to do.
pub async fn manage(config: &Config, command: EventsCommand) -> Result<String, Trouble> {
    let tool = Tool { config };
    match command {
        EventsCommand::Enable => tool.enable(config.events.ok_or(Trouble::Off)?.webhook).await,
        EventsCommand::Disable(disable) => tool.disable(disable.url.as_deref()).await,
        EventsCommand::Status => tool.status().await,
    }
}

struct Tool<'a> {
    config: &'a Config,
}

/// How the tool ended, and what it said.
struct Answer {
    exit: Option<i32>,
    said: String,
}

impl Tool<'_> {
    async fn enable(&self, listen: SocketAddr) -> Result<String, Trouble> {
        let url = webhook::url(listen);
        let added = self.run("webhook-add", &[&url]).await?;
        let said = match added.exit {
            Some(ALREADY_THERE) => {
                // A host that was away when it was added has it after this.
                let synced = self.run("sync", &[]).await?;
                self.done("sync", synced)?
            }
            _ => self.done("webhook-add", added)?,
        };
        let mut told =
            format!("{said}\nglustereventsd is told to post to {url}, on every host of the pool.\n");
        let tested = self.run("webhook-test", &[&url]).await?;
        if tested.exit != Some(0) {
            let _ = write!(
                told,
                "No agent answers there on some hosts; it has to run, with webhook-listen = {listen}, on each:\n{}\n",
                tested.said
            );
        }
        told.push_str(
            "glustereventsd reads this when it starts. On every host:\n    systemctl enable glustereventsd && systemctl restart glustereventsd\n",
        );
        Ok(told)
    }

    async fn disable(&self, url: Option<&str>) -> Result<String, Trouble> {
        let own = self.config.events.map(|events| webhook::url(events.webhook));
        let url = url.map(str::to_owned).or(own).ok_or(Trouble::Off)?;
        let removed = self.run("webhook-del", &[&url]).await?;
        if removed.exit == Some(NOT_THERE) {
            return Ok(format!("glustereventsd was not told to post to {url}: nothing to disable\n"));
        }
        let said = self.done("webhook-del", removed)?;
        Ok(format!("{said}\nglustereventsd posts to {url} no more once it is restarted.\n"))
    }

    async fn status(&self) -> Result<String, Trouble> {
        let files = Files::new(&self.config.glusterd_dir);
        let mut told = String::new();
        match self.config.events {
            None => told.push_str("events        not heard: events = false\n"),
            Some(events) => {
                let port = match files.meant_to_run() {
                    Some(means) => format!("left to glustereventsd: {means}"),
                    None => "the agent's, if no other program has it".to_owned(),
                };
                let url = webhook::url(events.webhook);
                let registered = match files.webhooks() {
                    Ok(urls) if urls.contains(&url) => "registered".to_owned(),
                    Ok(_) => "not registered; `hod-agent events enable` does it".to_owned(),
                    Err(why) => format!("not known whether registered: {why}"),
                };
                let _ = write!(told, "event port    {port}\nwebhook       {url}: {registered}\n");
            }
        }
        match self.run("status", &[]).await {
            Ok(answer) => {
                let _ = write!(told, "\n{}\n", answer.said);
            }
            Err(error) => {
                let _ = writeln!(told, "glustereventsd not known: {error}");
            }
        }
        Ok(told)
    }

    async fn run(&self, command: &'static str, more: &[&str]) -> Result<Answer, Trouble> {
        let arguments: Vec<OsString> = [command].iter().chain(more).map(OsString::from).collect();
        let output = process::run(Path::new(TOOL), &arguments, DEADLINE).await.map_err(|error| {
            Trouble::NotRun(match error.kind {
                GlusterErrorKind::NotRun => format!(
                    "{error}. Where glustereventsd is not installed there is nothing to register: the agent hears events on the event port"
                ),
                _ => error.to_string(),
            })
        })?;
        let said =
            [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).trim().to_owned());
        Ok(Answer { exit: output.exit, said: said.join("\n").trim().to_owned() })
    }

    fn done(&self, command: &'static str, answer: Answer) -> Result<String, Trouble> {
        let Answer { exit, said } = answer;
        match exit {
            Some(0) => Ok(said),
            Some(exit) if NOT_ON_ALL.contains(&exit) => {
                let folder = self.config.glusterd_dir.join("events").display().to_string();
                Err(Trouble::NotOnAll { said, folder })
            }
            _ => {
                let exit = exit.map_or("killed".to_owned(), |exit| format!("exit code {exit}"));
                Err(Trouble::Failed { command, exit, said })
            }
        }
    }
}
