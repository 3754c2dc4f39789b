//! `pool list`, `peer status`, `system:: uuid get`: no lock, no line in the history.

use super::answer::{Answer, ok};
use super::scene::Scene;
use super::state::Host;
use super::xml::Element;

/// `pool list`: the peers, then the host asked, as "localhost".
#[must_use]
pub fn pool_list(scene: &Scene<'_>, asked: &str) -> Answer {
    let own = scene.pool.hosts.iter().filter(|h| h.name == asked).map(|h| {
        Element::new("peer")
            .with_text("uuid", h.id)
            .with_text("hostname", "localhost")
            .with_text("connected", 1)
    });
    let list = Element::new("peerStatus").with_all(others(scene, asked)).with_all(own);
    Answer::success(&ok().with(list)).unlogged()
}

/// `peer status`: the peers.
#[must_use]
pub fn peer_status(scene: &Scene<'_>, asked: &str) -> Answer {
    let list = Element::new("peerStatus").with_all(others(scene, asked));
    Answer::success(&ok().with(list)).unlogged()
}

/// `system:: uuid get`: plain text (with `--xml`, an element of its own).
#[must_use]
pub fn uuid_get(scene: &Scene<'_>, asked: &str, xml: bool) -> Answer {
    let id = scene.host(asked).map(|h| h.id).unwrap_or_default();
    if xml {
        let document = ok().with(Element::new("uuidGenerate").with_text("uuid", id));
        Answer::success(&document)
    } else {
        Answer::text(format!("UUID: {id}\n"), 0).and_history("SUCCESS")
    }
}

fn others(scene: &Scene<'_>, asked: &str) -> Vec<Element> {
    let others = scene.pool.hosts.iter().filter(|h| h.name != asked);
    others.map(peer).collect()
}

fn peer(host: &Host) -> Element {
    let names = std::iter::once(&host.known_as).chain(&host.other_names);
    Element::new("peer")
        .with_text("uuid", host.id)
        .with_text("hostname", &host.known_as)
        .with(Element::new("hostnames").with_all(names.map(|n| Element::text("hostname", n))))
        .with_text("connected", u8::from(host.connected()))
        .with_text("state", 3)
        .with_text("stateStr", "Peer in Cluster")
}
