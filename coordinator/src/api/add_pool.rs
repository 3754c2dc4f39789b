//! Takes a pool up by one agent's address; the other hosts are found through it.

use std::collections::BTreeMap;

use futures::future::join_all;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::HostId;
use hod_core::record::{HostRecord, HostState};
use hod_proto::coordinator::v1 as pb;
use jiff::Timestamp;
use tonic::Status;

use super::check::{follow, needed};
use super::{Api, problem};
use crate::network::Network;
use crate::store::{NewPool, Pool};
use crate::sync::agent::{Agent, AgentAddress, AgentError};

/// Gluster's words for a peer that is a member; a peer that is being probed, or was
/// rejected, is none. The host asked has no words for itself.
const MEMBER: [&str; 2] = ["", "Peer in Cluster"];

impl Api {
    /// Records the pool that an agent's host is in. Hosts whose agents do not answer
    /// are recorded too.
    pub(super) async fn take_up(&self, request: pb::AddPoolRequest, actor: String) -> Result<Pool, Status> {
        needed("name", &request.name)?;
        needed("agent", &request.agent)?;
        let follow = follow(request.follow)?;
        let address: AgentAddress = request
            .agent
            .parse()
            .map_err(|e: crate::sync::agent::NotAnAddress| problem::invalid("agent", e.to_string()))?;

        let network = &self.sync.rules().network;
        let (identity, peers) = ask(&address, network).await.map_err(|e| problem::agent(&e))?;
        let name = identity.names.first().cloned().unwrap_or_else(|| address.to_string());
        if !peers.iter().any(|p| p.id == identity.id) {
            let told: Vec<String> = peers.iter().map(in_words).collect();
            return Err(Status::failed_precondition(format!(
                "{name} ({}) is no member of the pool that its glusterd tells of ({}): \
                 see `gluster pool list` on it",
                identity.id,
                told.join(", "),
            )));
        }

        let now = self.store.now().await.map_err(problem::store)?;
        let found = peers
            .iter()
            .filter(|peer| peer.id != identity.id && MEMBER.contains(&peer.state.as_str()))
            .map(|peer| look_for(peer, &address, network, now));
        let mut hosts: BTreeMap<HostId, HostRecord> = join_all(found).await.into_iter().collect();
        hosts.insert(identity.id, answering(vec![name], address.to_string(), identity, now));

        let new = NewPool { name: request.name, follow, hosts, actor };
        self.store.add_pool(new).await.map_err(problem::store)
    }
}

async fn ask(address: &AgentAddress, network: &Network) -> Result<(HostIdentity, Vec<Peer>), AgentError> {
    let agent = Agent::connect(address, network).await?;
    Ok((agent.host().await?, agent.peers().await?))
}

/// Looks for the agent of another host: under the host's name, on the same port.
async fn look_for(
    peer: &Peer,
    first: &AgentAddress,
    network: &Network,
    now: Timestamp,
) -> (HostId, HostRecord) {
    let mut names: Vec<String> = peer.names.clone();
    names.retain(|n| n != "localhost");
    if names.is_empty() {
        names.push(peer.id.to_string());
    }
    let address = first.on(&names[0]);
    let identity = match Agent::connect(&address, network).await {
        Ok(agent) => agent.host().await,
        Err(e) => Err(e),
    };
    let (state, why) = match identity {
        Ok(identity) if identity.id == peer.id => {
            return (peer.id, answering(names, address.to_string(), identity, now));
        }
        Ok(other) => (
            HostState::Refused,
            format!(
                "the agent at {address} is that of {} ({}), not that of {} ({})",
                other.names.first().map_or("another host", String::as_str),
                other.id,
                names[0],
                peer.id
            ),
        ),
        Err(e @ AgentError::Version { .. }) => (HostState::Refused, e.to_string()),
        Err(e) => (HostState::Silent, e.to_string()),
    };
    let host = HostRecord {
        names,
        agent: address.to_string(),
        gluster_version: String::new(),
        agent_version: String::new(),
        state,
        state_message: why,
        since: now,
    };
    (peer.id, host)
}

fn answering(mut names: Vec<String>, agent: String, identity: HostIdentity, now: Timestamp) -> HostRecord {
    for name in identity.names {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    HostRecord {
        names,
        agent,
        gluster_version: identity.gluster_version,
        agent_version: identity.agent_version,
        state: HostState::Answering,
        state_message: String::new(),
        since: now,
    }
}

fn in_words(peer: &Peer) -> String {
    let name = peer.names.first().map_or("unnamed", String::as_str);
    format!("{name} {}", peer.id)
}
