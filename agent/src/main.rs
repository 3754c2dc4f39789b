//! `hod-agent`: reads what it is told to do, runs, and says why if it can't.

use std::process::ExitCode;

use hod_agent::config::{BadConfig, Config, EventsCommand};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The exit code for what the agent was told and can't do.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let (config, command) = match Config::read_with_command(std::env::args_os()) {
        Ok(read) => read,
        Err(BadConfig::CommandLine(error)) => {
            // Also where help was asked for, which is no error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
        Err(error) => {
            eprintln!("hod-agent: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let filter = EnvFilter::try_from_env("HOD_AGENT_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let ended = match command {
        Some(command) => manage_events(&config, command),
        None => run(config),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hod-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn manage_events(config: &Config, command: EventsCommand) -> anyhow::Result<()> {
    print!("{}", hod_agent::events::manage(config, command).await?);
    Ok(())
}

// A storage host may have many cores, and they are for the bricks.
#[tokio::main(worker_threads = 2)]
async fn run(config: Config) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        notify(NotifyState::Stopping);
        told.cancel();
    });
    Ok(hod_agent::serve(config, stop, || notify(NotifyState::Ready)).await?)
}

/// Tells systemd, if it is there.
fn notify(state: NotifyState) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}
