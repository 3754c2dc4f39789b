//! Which agent of a pool may make the calls that take the pool's locks.

use std::collections::BTreeMap;

use hod_core::id::HostId;
use hod_core::record::{HostRecord, HostState};

use super::live::Now;
use crate::store::Follow;

/// The agent that may make locked calls: the present one while it and its glusterd
/// answer, else the lowest id that does.
///
/// None at all while a host is suspected frozen: with a frozen peer a locked call
/// keeps the volume locked on every host for 180 s (seen), and operators' own
/// commands fail meanwhile.
#[must_use]
pub fn choose(
    present: Option<HostId>,
    follow: Follow,
    hosts: &BTreeMap<HostId, HostRecord>,
    now: &BTreeMap<HostId, Now>,
) -> Option<HostId> {
    if follow == Follow::Quiet || suspect(hosts, now).is_some() {
        return None;
    }
    let fit = |id: &HostId| members(hosts).any(|m| m == id) && answers(now.get(id));
    present.filter(fit).or_else(|| members(hosts).copied().find(fit))
}

/// A host that may be frozen: its own agent does not answer, or glusterd does not
/// answer the agent, while a peer that answers calls it connected. A host whose
/// agent has never answered says nothing so: hod may not be installed there yet.
#[must_use]
pub fn suspect(hosts: &BTreeMap<HostId, HostRecord>, now: &BTreeMap<HostId, Now>) -> Option<HostId> {
    members(hosts).copied().find(|id| {
        let view = now.get(id);
        !answers(view) && answered_before(&hosts[id], view) && called_connected(*id, now)
    })
}

fn members(hosts: &BTreeMap<HostId, HostRecord>) -> impl Iterator<Item = &HostId> {
    hosts.iter().filter(|(_, host)| host.state != HostState::Left).map(|(id, _)| id)
}

fn answers(now: Option<&Now>) -> bool {
    now.is_some_and(Now::answers)
}

fn answered_before(host: &HostRecord, now: Option<&Now>) -> bool {
    !host.agent_version.is_empty() || now.is_some_and(|n| n.picture.is_some())
}

fn called_connected(id: HostId, now: &BTreeMap<HostId, Now>) -> bool {
    now.values()
        .filter(|host| host.answers())
        .filter_map(|host| host.picture.as_ref()?.peers.seen())
        .flatten()
        .any(|peer| peer.id == id && peer.connected)
}

#[cfg(test)]
mod tests;
