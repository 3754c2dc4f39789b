//! Hears Gluster's own events: on the event port ([`port`]) where glustereventsd does
//! not run, by its webhook ([`webhook`]) where it does; [`eventsd`] says which. [`manage`] registers the webhook.
//!
//! An event makes discovery look at once and decides nothing: no delivery is promised,
//! a stop is told only on the host where it was typed, and whoever reaches loopback
//! can forge one. Events that are lost, doubled, forged or late change how soon a look
//! is taken. How often, however many there are, is bounded by discovery.

pub(crate) mod eventsd;
mod manage;
pub(crate) mod port;
pub(crate) mod webhook;

use std::sync::Arc;

use crate::gluster::read::Unreadable;
use crate::gluster::read::event::Event;
use crate::metrics::Metrics;
use crate::picture::Board;
use crate::watch::Wakes;

pub use manage::{Trouble, manage};

/// Where an event came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The event port.
    Port,
    /// glustereventsd's webhook.
    Webhook,
}

impl Source {
    /// Its name in metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::Webhook => "webhook",
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It names a volume of the pool: a look is due.
    Heard,
    /// It names no volume, or none that is known.
    OfNoVolume,
    /// It is no event of Gluster's.
    Malformed,
}

impl Outcome {
    /// Its name in metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::OfNoVolume => "of_no_volume",
            Self::Malformed => "malformed",
        }
    }
}

/// Where events go, wherever they came in.
#[derive(Clone)]
pub(crate) struct Hearing {
    pub(crate) board: Board,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Hearing {
    /// Wakes discovery if the event is of a volume of this pool.
    pub(crate) fn take(&self, source: Source, event: &Result<Event, Unreadable>) -> Outcome {
        let outcome = match event {
            Ok(Event { kind, volume: Some(volume) }) if self.board.picture().volume(volume).is_some() => {
                tracing::debug!(source = source.code(), kind, volume, "an event");
                self.wakes.events.notify_one();
                Outcome::Heard
            }
            Ok(_) => Outcome::OfNoVolume,
            Err(error) => {
                tracing::debug!(source = source.code(), %error, "no event");
                Outcome::Malformed
            }
        };
        self.metrics.event_taken(source.code(), outcome.code());
        outcome
    }
}
