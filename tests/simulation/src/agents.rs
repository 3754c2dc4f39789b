//! Agents: the real ones, on hosts that are played.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hod_agent::config::{Config, Paces};
use hod_agent::gluster::process::{Output, Run, timed_out};
use hod_agent::{Host, serve_on};
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_tests::scripted::command;
use hod_tests::scripted::play::Outcome;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::gluster::{By, Gluster};
use crate::net;

/// Where agents listen.
pub(crate) const PORT: u16 = 7460;

/// Runs a host's agent until it crashes.
pub(crate) async fn run(gluster: Gluster, host: String) -> Result<(), Box<dyn std::error::Error>> {
    let incoming = net::listen(PORT).await?;
    let program = Arc::new(Program { gluster: gluster.clone(), host: host.clone() });
    let config = config(&gluster, &host)?;
    let stop = CancellationToken::new();
    serve_on(config, Host::played(program, &host), incoming, None, stop, || {}).await?;
    Ok(())
}

fn config(gluster: &Gluster, host: &str) -> Result<Config> {
    let folder = gluster.pool().folder().join("agents").join(host);
    let listen = "127.0.0.1:7460".parse()?;
    Ok(Config {
        listen,
        metrics_listen: listen,
        gluster: "gluster".into(),
        glusterd_dir: gluster.pool().glusterd_dir(host),
        gluster_log_dir: gluster.pool().log_dir(host),
        state_dir: folder,
        call_deadline: Duration::from_secs(20),
        command_deadline: Duration::from_secs(150),
        events: None,
        paces: Paces {
            look: Duration::from_secs(60),
            look_unwatched: Duration::from_secs(5),
            follow: Duration::from_secs(5),
            follow_long: Duration::from_secs(60),
            rest: Duration::from_secs(200),
            alive: Duration::from_secs(5),
        },
    })
}

/// The `gluster` of a host.
struct Program {
    gluster: Gluster,
    host: String,
}

impl Run for Program {
    fn run<'a>(
        &'a self,
        arguments: &'a [OsString],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Output, GlusterError>> {
        let words: Vec<String> = arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        async move {
            match timeout(deadline, self.call(&words)).await {
                Ok(answer) => answer.map_err(|e| GlusterError {
                    kind: GlusterErrorKind::NotRun,
                    message: format!("{e:#}"),
                    op_errno: 0,
                    hosts: Vec::new(),
                }),
                Err(_) => Err(timed_out("gluster".as_ref(), deadline)),
            }
        }
        .boxed()
    }
}

impl Program {
    async fn call(&self, words: &[String]) -> Result<Output> {
        let invocation = command::read(words);
        loop {
            match self.gluster.call(&self.host, &invocation, By::Agent)? {
                Outcome::Again(milliseconds) => sleep(Duration::from_millis(milliseconds.max(100))).await,
                Outcome::Hang => std::future::pending().await,
                Outcome::Say { at, answer } => {
                    sleep(Duration::from_millis(at.saturating_sub(self.gluster.now()))).await;
                    return Ok(Output {
                        stdout: answer.stdout.into_bytes(),
                        stderr: answer.stderr.into_bytes(),
                        exit: Some(answer.code),
                    });
                }
                Outcome::Raw(raw) => {
                    let mut stdout = Vec::new();
                    raw.write(&mut stdout)?;
                    return Ok(Output { stdout, stderr: Vec::new(), exit: Some(0) });
                }
            }
        }
    }
}
