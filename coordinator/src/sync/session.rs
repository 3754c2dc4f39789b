//! One session with an agent: from the connection to the stream's end.

use std::time::Duration;

use hod_core::host::HostIdentity;
use hod_proto::agent::v1::WatchTasksRequest;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::convert::agent::{NotTaken, PictureAssembler};
use hod_proto::convert::common::read_duration;
use hod_proto::{FENCED, PROTOCOL_VERSION};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;
use tracing::info;

use super::agent::{Agent, AgentAddress, AgentError, status_in_words};
use super::collect::Assignment;
use super::live::Live;
use super::stream::{self, Message, Pace};
use super::transit::Transit;

/// The picture is handed on at most this often, however fast an agent tells.
const HAND_ON: Duration = Duration::from_millis(100);

/// Why a session ended.
pub(super) enum End {
    /// The agent may make locked calls from now on, or may no more: the stream has
    /// to be opened anew.
    GrantChanged,
    /// What answers is not the host's agent.
    Refused(String),
    /// The agent tells more than is taken of one.
    TooMuch(String),
    /// The agent can't be reached, or its stream broke.
    Failed(String),
}

/// A session with an agent.
pub(super) struct Session<'a> {
    pub(super) work: &'a Assignment,
    pub(super) live: &'a Live,
}

/// What was told on a stream so far.
struct Told {
    assembler: PictureAssembler,
    pace: Pace,
    transit: Transit,
    /// Something was told that was not handed on yet.
    waits: bool,
    /// Something in it may be new, not only the ages.
    news: bool,
    handed_on: Option<Instant>,
}

impl Told {
    fn new(transit: Transit) -> Self {
        let assembler = PictureAssembler::default();
        Self { assembler, pace: Pace::new(), transit, waits: false, news: false, handed_on: None }
    }
}

impl Session<'_> {
    /// Runs until the stream ends, for whatever reason.
    pub(super) async fn run(&self, grant: &mut watch::Receiver<bool>) -> End {
        let locked_calls = *grant.borrow_and_update();
        // Connecting must not keep a grant that was taken back.
        let opened = tokio::select! {
            changed = grant.changed() => return grant_changed(changed).await,
            opened = self.open(locked_calls) => opened,
        };
        let (mut stream, transit) = match opened {
            Ok(opened) => opened,
            Err(end) => return end,
        };
        let mut told = Told::new(transit);
        loop {
            let due = told.handed_on.map_or_else(Instant::now, |at| at + HAND_ON);
            let message = tokio::select! {
                changed = grant.changed() => return grant_changed(changed).await,
                () = sleep_until(due), if told.waits => {
                    self.hand_on(&mut told);
                    continue;
                }
                message = timeout(self.work.silent_after, stream.message()) => message,
            };
            let message = match message {
                Ok(Ok(Some(message))) => message,
                Ok(Ok(None)) => return End::Failed("its agent ended the stream".to_owned()),
                // Found by whoever decodes it: here, before it is read.
                Ok(Err(status)) if status.code() == Code::OutOfRange => {
                    return too_much(&status_in_words(&status));
                }
                Ok(Err(status)) => {
                    return End::Failed(format!("its agent's stream broke: {}", status_in_words(&status)));
                }
                Err(_) => {
                    let after = self.work.silent_after;
                    return End::Failed(format!("its agent gave no word for {after:?}"));
                }
            };
            if let Err(end) = self.take(&mut told, message) {
                return end;
            }
        }
    }

    /// Connects, makes sure of who answers, and opens the stream.
    async fn open(&self, locked_calls: bool) -> Result<(Streaming<Message>, Transit), End> {
        let failed = |e: AgentError| match e {
            AgentError::Version { .. } => End::Refused(e.to_string()),
            AgentError::Unreachable { agent, why } => {
                End::Failed(format!("its agent is not reached at {agent}: {why}"))
            }
            e => End::Failed(e.to_string()),
        };
        let address: AgentAddress = self.work.agent.parse().map_err(|e| End::Failed(format!("{e}")))?;
        let agent = Agent::connect(&address, &self.work.network).await.map_err(failed)?;
        self.expect(&agent.host().await.map_err(failed)?)?;
        if locked_calls {
            // Before the agent is told: from here on it may have to be waited for.
            self.live.granted(self.work.host, true);
            info!(host = %self.work.name, "may make the pool's locked calls");
        }
        // Also one that ran out by this clock: no other has taken the pool as far as is known.
        let lease = self.live.tenure().last().map(Into::into);
        let request = WatchTasksRequest { locked_calls, protocol_version: PROTOCOL_VERSION, lease };
        let transit = Transit::asked();
        match timeout(self.work.silent_after, stream::open(agent.channel, request)).await {
            Ok(Ok(stream)) => Ok((stream, transit)),
            Ok(Err(status)) if is_fenced(&status) => Err(End::Refused(format!(
                "its agent refuses this coordinator: {}; after a restore of the database see \"Fencing\" in OPERATIONS",
                status_in_words(&status)
            ))),
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

    fn take(&self, told: &mut Told, (message, bytes): Message) -> Result<(), End> {
        if !told.pace.allows(bytes) {
            return Err(End::TooMuch(Pace::exceeded()));
        }
        let sign = matches!(message.event, Some(Event::SignOfLife(_)));
        let unreadable = |e| End::Failed(format!("its agent sent what can't be read: {e}"));
        // An agent of a version before this one does not say when.
        let sent = message.sent.as_ref().map(|sent| read_duration("sent", sent)).transpose();
        let took = sent.map_err(unreadable)?.map_or(Duration::ZERO, |sent| told.transit.took(sent));
        // As it was sent, nobody having held it back. What is too old for any time is
        // refused with the ages that are told in it.
        let sent = self.live.clock().now().checked_sub(took).unwrap_or(Timestamp::MIN);
        told.assembler.take(message, sent).map_err(|e| match e {
            NotTaken::Unreadable(e) => unreadable(e),
            NotTaken::TooMuch(e) => too_much(&e.to_string()),
        })?;
        if let Some(identity) = told.assembler.identity() {
            self.expect(identity)?;
        }
        told.waits = true;
        told.news |= !sign;
        Ok(())
    }

    fn hand_on(&self, told: &mut Told) {
        told.waits = false;
        told.handed_on = Some(Instant::now());
        let picture = told.assembler.picture();
        // While the picture is not whole, only a sign of life says how glusterd is.
        let glusterd = told.assembler.glusterd_answers();
        if let Some(glusterd) = glusterd.or(picture.map(|p| p.peers.seen().is_some())) {
            let picture = picture.cloned();
            let news = std::mem::take(&mut told.news);
            self.live.heard(self.work.host, glusterd, picture, news);
        }
    }
}

/// Whether the agent was told of a later taking of the pool.
fn is_fenced(status: &Status) -> bool {
    status.get_error_details().error_info().is_some_and(|info| info.reason == FENCED)
}

fn too_much(what: &str) -> End {
    End::TooMuch(format!("its agent tells more than any pool has: {what}"))
}

/// The grant changed; if whoever gives it is gone, nothing more is to be done than
/// to wait for the end.
async fn grant_changed(changed: Result<(), watch::error::RecvError>) -> End {
    if changed.is_err() {
        std::future::pending::<()>().await;
    }
    End::GrantChanged
}
