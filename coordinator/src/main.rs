//! The coordinator as a process: configuration, signals, exit codes.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use hod_coordinator::config::Config;
use hod_coordinator::database::{Database, DatabaseError, Options};
use hod_coordinator::start::{Coordinator, Listeners};
use hod_coordinator::store::PgStore;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// The coordinator was called wrongly.
const USAGE: u8 = 2;
/// It could not do what it was called for.
const FAILURE: u8 = 1;

fn main() -> ExitCode {
    let config = match Config::read() {
        Ok(config) => config,
        Err(e) => return fail(USAGE, &e),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_target(false).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return fail(FAILURE, &e),
    };
    match runtime.block_on(Box::pin(run(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let usage = e.downcast_ref::<DatabaseError>().is_some_and(DatabaseError::is_usage);
            fail(if usage { USAGE } else { FAILURE }, &format_args!("{e:#}"))
        }
    }
}

/// One line, whatever is wrong.
fn fail(code: u8, e: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("hod-coordinator: {}", e.to_string().replace('\n', " "));
    ExitCode::from(code)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate()).context("can't listen for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("can't listen for SIGINT")?;
    let mut told_to_stop = async || {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    let listeners = Listeners::bind(&config).await?;
    let options = Options {
        address: config.database.clone(),
        state_dir: config.state_dir.clone(),
        wait: config.database_wait,
    };
    let database = tokio::select! {
        () = told_to_stop() => return Ok(()),
        database = Database::open(&options) => database?,
    };
    info!("the record is in {}", database.place());
    let store = Arc::new(PgStore::new(&database));
    let ended = match Box::pin(Coordinator::start(&config, listeners, store)).await {
        Ok(mut coordinator) => {
            // Not under systemd there is nobody to be told.
            let _ = sd_notify::notify(&[NotifyState::Ready]);
            let ended = tokio::select! {
                () = told_to_stop() => Ok(()),
                () = coordinator.broken() => Err(anyhow::anyhow!("a server broke down, see the log")),
            };
            let _ = sd_notify::notify(&[NotifyState::Stopping]);
            info!("the coordinator stops");
            coordinator.stop().await;
            ended
        }
        Err(e) => Err(e.into()),
    };
    database.close().await;
    ended
}
