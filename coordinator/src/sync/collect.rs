//! Listens to one host's agent, for as long as the host is in the pool.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hod_core::host::HostIdentity;
use hod_core::id::HostId;
use hod_proto::PROTOCOL_VERSION;
use hod_proto::agent::v1::{WatchTasksRequest, WatchTasksResponse};
use hod_proto::convert::agent::PictureAssembler;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tracing::{debug, info, warn};

use super::agent::{Agent, AgentAddress, status_in_words};
use super::live::Live;

/// The pause before an agent is tried again: from, up to. Half of it is chance, so
/// that a coordinator's restart does not meet all its agents at one moment.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// What a collector is told to do.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The host, whose agent is expected at the address.
    pub host: HostId,
    /// The host's name, for words.
    pub name: String,
    /// Where its agent listens.
    pub agent: String,
    /// Whether plain text may leave loopback.
    pub plaintext: bool,
    /// A stream that brings no message for so long is given up.
    pub silent_after: Duration,
}

/// Why a session with an agent ended.
enum End {
    /// It may make locked calls from now on, or may no more: the stream has to be
    /// opened anew.
    GrantChanged,
    /// What answers is not the host's agent.
    Refused(String),
    /// The agent can't be reached, or its stream broke.
    Failed(String),
}

/// Listens until it is cancelled. Whatever the agent does comes to no more than
/// this host's own word: it is silent, or refused.
pub async fn collect(
    work: Assignment,
    live: Arc<Live>,
    mut grant: watch::Receiver<bool>,
    stop: CancellationToken,
) {
    let mut pause = PAUSE.0;
    let mut told = None;
    loop {
        let begun = Instant::now();
        let session = Session { work: &work, live: &live };
        let end = tokio::select! {
            () = stop.cancelled() => break,
            // What a hostile agent sends must not end the listening, whatever it is.
            end = AssertUnwindSafe(session.run(&mut grant)).catch_unwind() => {
                end.unwrap_or_else(|_| End::Failed("reading what its agent sent broke down".to_owned()))
            }
        };
        // Only now is the stream closed: another agent may be told to go on.
        if live.holders().contains(&work.host) {
            live.granted(work.host, false);
        }
        let why = match end {
            End::GrantChanged => continue,
            End::Refused(why) => {
                live.refused(work.host, why.clone());
                why
            }
            End::Failed(why) => {
                live.failed(work.host, why.clone());
                why
            }
        };
        // An agent that stays away is told of once, not at each attempt.
        if told.as_ref() == Some(&why) {
            debug!(host = %work.name, agent = %work.agent, "{why}");
        } else {
            warn!(host = %work.name, agent = %work.agent, "{why}");
            told = Some(why);
        }
        if begun.elapsed() > PAUSE.1 {
            (pause, told) = (PAUSE.0, None);
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))) => {}
        }
        pause = (pause * 2).min(PAUSE.1);
    }
    live.forget(work.host);
}

struct Session<'a> {
    work: &'a Assignment,
    live: &'a Live,
}

impl Session<'_> {
    async fn run(&self, grant: &mut watch::Receiver<bool>) -> End {
        let locked_calls = *grant.borrow_and_update();
        // Connecting must not keep a grant that was taken back.
        let opened = tokio::select! {
            changed = grant.changed() => return self.grant_changed(changed).await,
            opened = self.open(locked_calls) => opened,
        };
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(end) => return end,
        };
        let mut assembler = PictureAssembler::default();
        loop {
            let message = tokio::select! {
                changed = grant.changed() => return self.grant_changed(changed).await,
                message = timeout(self.work.silent_after, stream.message()) => message,
            };
            let message = match message {
                Ok(Ok(Some(message))) => message,
                Ok(Ok(None)) => return End::Failed("its agent ended the stream".to_owned()),
                Ok(Err(status)) => {
                    return End::Failed(format!("its agent's stream broke: {}", status_in_words(&status)));
                }
                Err(_) => {
                    let after = self.work.silent_after;
                    return End::Failed(format!("its agent gave no word for {after:?}"));
                }
            };
            if let Err(end) = self.take(&mut assembler, message) {
                return end;
            }
        }
    }

    /// Connects, makes sure of who answers, and opens the stream.
    async fn open(&self, locked_calls: bool) -> Result<Streaming<WatchTasksResponse>, End> {
        let failed = |e: &dyn std::fmt::Display| End::Failed(e.to_string());
        let address: AgentAddress = self.work.agent.parse().map_err(|e| failed(&e))?;
        let agent = Agent::connect(&address, self.work.plaintext).await.map_err(|e| failed(&e))?;
        let identity = agent.host().await.map_err(|e| match e {
            super::agent::AgentError::Version { .. } => End::Refused(e.to_string()),
            _ => failed(&e),
        })?;
        self.expect(&identity)?;
        if locked_calls {
            // Before the agent is told: from here on it may have to be waited for.
            self.live.granted(self.work.host, true);
            info!(host = %self.work.name, "may make the pool's locked calls");
        }
        let request = WatchTasksRequest { locked_calls, protocol_version: PROTOCOL_VERSION };
        let mut client = agent.client.clone();
        match timeout(self.work.silent_after, client.watch_tasks(request)).await {
            Ok(Ok(stream)) => Ok(stream.into_inner()),
            Ok(Err(status)) => {
                Err(End::Failed(format!("its agent opens no stream: {}", status_in_words(&status))))
            }
            Err(_) => Err(End::Failed("its agent opens no stream".to_owned())),
        }
    }

    /// Refuses an agent of another host.
    fn expect(&self, identity: &HostIdentity) -> Result<(), End> {
        if identity.id == self.work.host {
            return Ok(());
        }
        Err(End::Refused(format!(
            "the agent at {} is that of {} ({}), not that of {} ({})",
            self.work.agent,
            identity.names.first().map_or("another host", String::as_str),
            identity.id,
            self.work.name,
            self.work.host,
        )))
    }

    fn take(&self, assembler: &mut PictureAssembler, message: WatchTasksResponse) -> Result<(), End> {
        use hod_proto::agent::v1::watch_tasks_response::Event;
        let sign = matches!(message.event, Some(Event::SignOfLife(_)));
        assembler
            .take(message, self.live.clock().now())
            .map_err(|e| End::Failed(format!("its agent sent what can't be read: {e}")))?;
        if let Some(identity) = assembler.identity() {
            self.expect(identity)?;
        }
        let picture = assembler.picture();
        // While the picture is not whole, only a sign of life says how glusterd is.
        let told = assembler.glusterd_answers();
        if let Some(glusterd) = told.or(picture.map(|p| p.peers.seen().is_some())) {
            let picture = picture.cloned().map(Arc::new);
            self.live.heard(self.work.host, glusterd, picture, !sign);
        }
        Ok(())
    }

    /// The grant changed; if whoever gives it is gone, nothing more is to be done
    /// than to wait for the end.
    async fn grant_changed(&self, changed: Result<(), watch::error::RecvError>) -> End {
        if changed.is_err() {
            std::future::pending::<()>().await;
        }
        End::GrantChanged
    }
}
