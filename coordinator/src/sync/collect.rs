//! Listens to one host's agent, for as long as the host is in the pool.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hod_core::id::HostId;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::live::Live;
use super::session::{End, Session};
use crate::network::Network;

/// The pause before an agent is tried again: from, up to. Half of it is chance, so
/// that a coordinator's restart does not meet all its agents at one moment.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// An agent that told too much is left alone for so long: each time it is listened to costs
/// as much as it may tell at once.
const REST: Duration = Duration::from_secs(30);

/// What a collector is told to do.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The host, whose agent is expected at the address.
    pub host: HostId,
    /// The host's name, for words.
    pub name: String,
    /// Where its agent listens.
    pub agent: String,
    /// How agents are reached.
    pub network: Network,
    /// A stream that brings no message for so long is given up.
    pub silent_after: Duration,
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
        let mut rest = Duration::ZERO;
        let why = match end {
            End::GrantChanged => continue,
            End::TooMuch(why) => {
                rest = REST;
                live.refused(work.host, why.clone());
                why
            }
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
            () = tokio::time::sleep(rest.max(pause.mul_f64(rand::random_range(0.5..1.0)))) => {}
        }
        pause = (pause * 2).min(PAUSE.1);
    }
    live.forget(work.host);
}
