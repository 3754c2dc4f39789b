//! The faults, and how each is mended.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::timeout;

use crate::pool::{COORDINATORS, Host, NODES, SharedPool};

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
    /// What coordinators and the agent say to each other is late, by a proxy between them.
    AgentIsFar,
    /// PostgreSQL is killed under both coordinators.
    DatabaseDies,
    /// A coordinator is killed; the other takes over.
    CoordinatorDies,
    /// A coordinator stands still, and goes on when the other has taken over.
    CoordinatorFreezes,
}

const KINDS: [Kind; 12] = [
    Kind::HostFreezes,
    Kind::HostDies,
    Kind::HostIsCutOff,
    Kind::PacketsAreLost,
    Kind::GlusterdDies,
    Kind::BricksDie,
    Kind::AgentDies,
    Kind::AgentIsSlow,
    Kind::AgentIsFar,
    Kind::DatabaseDies,
    Kind::CoordinatorDies,
    Kind::CoordinatorFreezes,
];

/// What it happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Host(usize),
    Coordinator(usize),
    Database,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    place: Place,
    /// For how long.
    pub(super) lasts: Duration,
    /// How late, where something is.
    late: Duration,
}

impl Fault {
    /// One by chance.
    pub(super) fn any(random: &mut StdRng) -> Self {
        let kind = KINDS[random.random_range(0..KINDS.len())];
        let lasts = Duration::from_secs(random.random_range(2..25));
        let place = match kind {
            Kind::DatabaseDies => Place::Database,
            Kind::CoordinatorDies | Kind::CoordinatorFreezes => Place::Coordinator(random.random_range(0..2)),
            _ => Place::Host(random.random_range(0..3)),
        };
        Self { kind, place, lasts, late: Duration::from_millis(random.random_range(200..3000)) }
    }

    /// Whether both can be made at once and mended apart.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        self.place != other.place
    }

    pub(super) async fn make(&self, shared: &SharedPool) -> Result<()> {
        match self.place {
            Place::Host(which) => self.make_on(&shared.pool.hosts[which]).await,
            Place::Coordinator(which) => match self.kind {
                Kind::CoordinatorFreezes => shared.coordinators()[which].pause().await,
                _ => shared.coordinators()[which].kill().await,
            },
            Place::Database => shared.database.kill().await,
        }
    }

    async fn make_on(&self, host: &Host) -> Result<()> {
        match self.kind {
            Kind::HostFreezes => host.pause().await,
            Kind::HostDies => host.kill().await,
            Kind::HostIsCutOff => host.disconnect().await,
            Kind::PacketsAreLost => host.lose_packets(0.2).await,
            Kind::GlusterdDies => host.stop_glusterd().await,
            Kind::BricksDie => host.kill_bricks().await,
            Kind::AgentDies => host.stop_agent().await,
            Kind::AgentIsSlow => host.slow_agent(self.lasts).await,
            Kind::AgentIsFar => host.delay_agent(self.late).await,
            Kind::DatabaseDies | Kind::CoordinatorDies | Kind::CoordinatorFreezes => Ok(()),
        }
    }

    pub(super) async fn mend(&self, shared: &SharedPool) -> Result<()> {
        match self.place {
            Place::Host(which) => self.mend_on(&shared.pool.hosts[which]).await,
            Place::Coordinator(which) => match self.kind {
                Kind::CoordinatorFreezes => shared.coordinators()[which].unpause().await,
                _ => shared.coordinators()[which].start_again().await,
            },
            Place::Database => shared.database.start_again().await,
        }
    }

    async fn mend_on(&self, host: &Host) -> Result<()> {
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
            Kind::AgentIsFar => host.delay_agent_no_more().await,
            Kind::AgentIsSlow | Kind::DatabaseDies | Kind::CoordinatorDies | Kind::CoordinatorFreezes => {
                Ok(())
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind.name();
        match self.place {
            Place::Host(which) => write!(f, "{name} on {}", NODES[which])?,
            Place::Coordinator(which) => write!(f, "{name}: {}", COORDINATORS[which])?,
            Place::Database => f.write_str(name)?,
        }
        match self.kind {
            Kind::AgentIsFar => write!(f, " by {} ms", self.late.as_millis()),
            _ => Ok(()),
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
            Self::AgentIsFar => "agent is far",
            Self::DatabaseDies => "PostgreSQL dies",
            Self::CoordinatorDies => "coordinator dies",
            Self::CoordinatorFreezes => "coordinator freezes",
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
