//! Gluster's own events: the datagram that its processes send to the event port, and
//! what glustereventsd posts to a webhook.
//!
//! Both come from whoever can reach loopback, so an event is a hint to look and never
//! proof of anything. Which events there are, and their numbers, differ by version;
//! all that is read is the volume that one names.

use serde::Deserialize;

use super::{Unreadable, utf8, value};

/// The longest kind that is taken; Gluster's longest has 40 letters or so.
const KIND_MAX: usize = 100;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened: Gluster's number in a datagram, such as "134", its name in what
    /// glustereventsd posts, such as "VOLUME_REBALANCE_START".
    pub kind: String,
    /// The volume that it happened to, if it names one. Not checked: any text.
    pub volume: Option<String>,
}

/// Reads a datagram: `<unix time> <number> <key>=<value>;<key>=<value>…` (seen on 9.2,
/// 10.3 and 11.1). Values are not escaped, so that one may hold anything; the first
/// field that says a volume counts.
///
/// # Errors
/// If it does not begin with a time and a number, or is no UTF-8.
pub fn datagram(bytes: &[u8]) -> Result<Event, Unreadable> {
    let text = utf8(bytes)?;
    let mut parts = text.splitn(3, ' ');
    let mut part = |what| parts.next().ok_or_else(|| Unreadable::missing(what));
    let _time: u64 = value(part("time of the event")?, "the time of the event")?;
    let number: u32 = value(part("number of the event")?, "the number of the event")?;
    let fields = part("field of the event")?;
    // Commands about tasks and bricks say `volume`, those about the volume `name`.
    let volume = fields
        .split(';')
        .filter_map(|field| field.split_once('='))
        .find(|(key, _)| matches!(*key, "volume" | "name"))
        .map(|(_, volume)| volume.trim().to_owned());
    Ok(Event { kind: number.to_string(), volume })
}

/// What glustereventsd posts; the time and the host's UUID are passed over.
#[derive(Deserialize)]
struct Posted {
    event: String,
    message: Message,
}

/// The datagram's fields.
#[derive(Deserialize)]
struct Message {
    volume: Option<String>,
    name: Option<String>,
}

/// Reads what glustereventsd posts: `{"event": …, "message": {…}, "nodeid": …, "ts": …}`.
///
/// # Errors
/// If it is not that.
pub fn posted(bytes: &[u8]) -> Result<Event, Unreadable> {
    let posted: Posted =
        serde_json::from_slice(bytes).map_err(|error| Unreadable::new(format!("a posted event: {error}")))?;
    let is_word = |kind: &str| kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if posted.event.is_empty() || posted.event.len() > KIND_MAX || !is_word(&posted.event) {
        return Err(Unreadable::new("the event has no name"));
    }
    Ok(Event { kind: posted.event, volume: posted.message.volume.or(posted.message.name) })
}
