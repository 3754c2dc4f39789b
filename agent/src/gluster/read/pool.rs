//! `pool list --xml` and `peer status --xml`: the pool's hosts as one host sees them.

use hod_core::error::GlusterError;
use hod_core::host::Peer;

use super::xml::Xml;
use super::{Unreadable, id, reply};
use crate::gluster::process::Output;

/// Reads `pool list`, in which the asked host stands as "localhost", or
/// `peer status`, in which it does not stand. A host that has no UUID yet, because
/// it is just being probed, is no member and left out.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn read(output: &Output) -> Result<Vec<Peer>, GlusterError> {
    let reply = reply::read(output, "peerStatus", |xml| {
        let mut peers = Vec::new();
        xml.children(|xml, tag| match tag.name() {
            "peer" => {
                peers.extend(read_peer(xml)?);
                Ok(())
            }
            _ => xml.skip(tag),
        })?;
        Ok(peers)
    })?;
    Ok(reply.body("peerStatus")?)
}

fn read_peer(xml: &mut Xml<'_>) -> Result<Option<Peer>, Unreadable> {
    let mut host = None;
    let mut names: Vec<String> = Vec::new();
    let mut connected = false;
    let mut state = String::new();
    xml.children(|xml, tag| {
        match tag.name() {
            "uuid" => host = Some(id(&xml.text()?, "a peer's <uuid>")?),
            // The name it was probed by comes first.
            "hostname" => names.insert(0, xml.text()?.into_owned()),
            "hostnames" => xml.children(|xml, tag| match tag.name() {
                "hostname" => {
                    names.push(xml.text()?.into_owned());
                    Ok(())
                }
                _ => xml.skip(tag),
            })?,
            "connected" => connected = &*xml.text()? == "1",
            "stateStr" => state = xml.text()?.into_owned(),
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| !name.is_empty() && seen.insert(name.clone()));
    let host = host.ok_or_else(|| Unreadable::missing("UUID of a peer"))?;
    Ok(host.map(|id| Peer { id, names, connected, state }))
}
