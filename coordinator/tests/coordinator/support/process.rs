//! A coordinator as a process of its own, to be killed and frozen.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use super::DEADLINE;

/// A coordinator's process. It is killed when this is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    /// Where its gRPC listens.
    pub(crate) address: String,
}

impl Process {
    /// Starts one on a database, in a hurry.
    pub(crate) async fn on(database: &str, configure: impl FnOnce(&mut Command)) -> Self {
        Self::start(|command| {
            command.args(["--database", database, "--sync-every", "500ms", "--silent-after", "2s"]);
            configure(command);
        })
        .await
    }

    /// Starts one, and waits until it listens.
    pub(crate) async fn start(configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hod-coordinator"));
        command
            .args(["--listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0"])
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it runs");
                if let Some((_, rest)) = line.split_once("grpc=") {
                    return rest.split_whitespace().next().unwrap().to_owned();
                }
            }
        };
        let address = timeout(DEADLINE, listens).await.expect("it listens in time");
        // What it says later must not fill the pipe.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("  {line}");
            }
        });
        Self { child, address }
    }

    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy()
    }

    /// Whether it is stopped by a signal (proc(5): the state follows the name).
    pub(crate) fn is_frozen(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id().unwrap())).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().try_into().unwrap()), signal).unwrap();
    }
}
