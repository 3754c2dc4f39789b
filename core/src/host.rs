//! Hosts of a pool.

use crate::id::HostId;

/// Who a host says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostIdentity {
    /// glusterd's UUID of it.
    pub id: HostId,
    /// Names and addresses it knows itself by; the first is shown.
    pub names: Vec<String>,
    /// Such as "10.3".
    pub gluster_version: String,
    /// The agent's version.
    pub agent_version: String,
}

/// A host as another host's glusterd sees it (`pool list`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// glusterd's UUID of it.
    pub id: HostId,
    /// Its names; the asked host calls itself "localhost".
    pub names: Vec<String>,
    /// Whether the asked host is connected to it.
    pub connected: bool,
    /// Gluster's own words ("Peer in Cluster"); empty for the host asked.
    pub state: String,
}
