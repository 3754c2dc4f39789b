//! The faults, and how each is mended.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::timeout;

use crate::pool::{Host, Pool};

/// Bricks that do not start in this time are left for later.
const START: Duration = Duration::from_secs(20);

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every process of a host stands still.
    HostFreezes,
    /// A host loses its power.
    HostDies,
    /// No packet leaves or reaches a host.
    HostIsCutOff,
    /// A fifth of a host's packets are lost, both ways.
    PacketsAreLost,
    /// glusterd is killed; its bricks and migrations go on.
    GlusterdDies,
    /// A host's bricks are killed.
    BricksDie,
    /// The agent is killed and stays away.
    AgentDies,
    /// The agent stands still for seconds at a time: a slow one.
    AgentIsSlow,
    /// PostgreSQL is killed; the coordinator starts it again.
    DatabaseDies,
    /// The coordinator is killed with its PostgreSQL.
    CoordinatorDies,
}

const KINDS: [Kind; 10] = [
    Kind::HostFreezes,
    Kind::HostDies,
    Kind::HostIsCutOff,
    Kind::PacketsAreLost,
    Kind::GlusterdDies,
    Kind::BricksDie,
    Kind::AgentDies,
    Kind::AgentIsSlow,
    Kind::DatabaseDies,
    Kind::CoordinatorDies,
];

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// Which host, where it is one's.
    host: usize,
    /// For how long.
    pub(super) lasts: Duration,
}

impl Fault {
    /// One by chance.
    pub(super) fn any(random: &mut StdRng) -> Self {
        let kind = KINDS[random.random_range(0..KINDS.len())];
        let lasts = Duration::from_secs(random.random_range(2..25));
        Self { kind, host: random.random_range(0..3), lasts }
    }

    /// Whether both can be made at once and mended apart: not on one host, nor both on the coordinator.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        match (self.is_of_a_host(), other.is_of_a_host()) {
            (true, true) => self.host != other.host,
            (false, false) => false,
            _ => true,
        }
    }

    fn is_of_a_host(&self) -> bool {
        !matches!(self.kind, Kind::DatabaseDies | Kind::CoordinatorDies)
    }

    pub(super) async fn make(&self, pool: &Pool) -> Result<()> {
        let host = &pool.hosts[self.host];
        match self.kind {
            Kind::HostFreezes => host.pause().await,
            Kind::HostDies => host.kill().await,
            Kind::HostIsCutOff => host.disconnect().await,
            Kind::PacketsAreLost => host.lose_packets(0.2).await,
            Kind::GlusterdDies => host.stop_glusterd().await,
            Kind::BricksDie => host.kill_bricks().await,
            Kind::AgentDies => host.stop_agent().await,
            Kind::AgentIsSlow => host.slow_agent(self.lasts).await,
            Kind::DatabaseDies => pool.coordinator.kill_postgresql().await,
            Kind::CoordinatorDies => pool.coordinator.kill().await,
        }
    }

    pub(super) async fn mend(&self, pool: &Pool) -> Result<()> {
        let host = &pool.hosts[self.host];
        match self.kind {
            Kind::HostFreezes => host.unpause().await,
            Kind::HostDies => {
                host.start_again().await?;
                serve_again(host).await;
                Ok(())
            }
            Kind::HostIsCutOff => host.reconnect().await,
            Kind::PacketsAreLost => host.lose_no_packets().await,
            Kind::GlusterdDies => host.start_glusterd().await,
            Kind::BricksDie => {
                serve_again(host).await;
                Ok(())
            }
            Kind::AgentDies => host.start_agent().await,
            Kind::AgentIsSlow | Kind::DatabaseDies => Ok(()),
            Kind::CoordinatorDies => pool.coordinator.start_again().await,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_of_a_host() {
            true => write!(f, "{} on {}", self.kind.name(), crate::pool::NODES[self.host]),
            false => f.write_str(self.kind.name()),
        }
    }
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HostFreezes => "host freezes",
            Self::HostDies => "host dies",
            Self::HostIsCutOff => "host is cut off",
            Self::PacketsAreLost => "packets are lost",
            Self::GlusterdDies => "glusterd dies",
            Self::BricksDie => "bricks die",
            Self::AgentDies => "agent dies",
            Self::AgentIsSlow => "agent is slow",
            Self::DatabaseDies => "PostgreSQL dies",
            Self::CoordinatorDies => "coordinator dies",
        }
    }
}

/// Bricks that were killed are started by an operator. Where another fault holds that up, it is
/// done once all faults have ended.
async fn serve_again(host: &Host) {
    for volume in super::VOLUMES {
        let start = ["gluster", "--mode=script", "volume", "start", volume, "force"];
        let _ = timeout(START, host.exec(&start)).await;
    }
}
