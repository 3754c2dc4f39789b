//! Gluster's own events: datagrams, and what glustereventsd posts.

use hod_agent::gluster::read::event;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    for read in [event::datagram, event::posted] {
        if let Ok(event) = proportionate(input, || read(input)) {
            let volume = event.volume.unwrap_or_default();
            assert!(event.kind.len() + volume.len() <= input.len(), "it tells what it was not told");
        }
    }
}
