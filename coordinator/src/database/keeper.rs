//! Keeps the private PostgreSQL alive: one that dies is started again, and the
//! store's next call finds it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::private::PrivatePostgres;

/// How often it is looked whether the server lives.
const LOOK: Duration = Duration::from_millis(500);
/// A server that did not start is tried again after this time.
const AGAIN: Duration = Duration::from_secs(5);

/// A server that is kept alive until it is to stop.
pub(super) struct Keeper {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Keeps the server of a state folder alive.
    pub(super) fn of(server: PrivatePostgres, state_dir: PathBuf) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(keep(server, state_dir, stop.clone()));
        Self { stop: stop.drop_guard(), task }
    }

    /// Stops the server: what is committed is on disk.
    pub(super) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!("the private PostgreSQL was not stopped in order: {error}");
        }
    }
}

async fn keep(mut server: PrivatePostgres, state_dir: PathBuf, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return server.stop().await,
            () = sleep(LOOK) => {}
        }
        if !server.has_died() {
            continue;
        }
        tracing::error!(
            "the private PostgreSQL has died; it is started again, see {}",
            server.log().display()
        );
        // It holds the folder's lock.
        drop(server);
        server = loop {
            tokio::select! {
                () = stop.cancelled() => return,
                started = PrivatePostgres::start(&state_dir) => match started {
                    Ok(server) => break server,
                    Err(error) => tracing::error!("{error}"),
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(AGAIN) => {}
            }
        };
        tracing::info!("the private PostgreSQL runs again");
    }
}
