//! Faults: they come, last a while, and go.

use std::time::Duration;

use anyhow::Result;
use hod_tests::scripted::{Fault as CallFault, What};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use turmoil::Sim;

use crate::gluster::{By, Gluster, HOSTS};
use crate::story::Story;
use crate::wire::Trouble;

/// What is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing passes between a coordinator and a host, or in one direction only.
    Partition { coordinator: usize, host: usize, both: bool },
    /// What passes between a coordinator and a host takes seconds.
    Slow { coordinator: usize, host: usize, seconds: u64 },
    /// An agent has died.
    AgentDead(usize),
    /// A coordinator has died.
    CoordinatorDead(usize),
    /// A machine has lost its power.
    HostDead(usize),
    /// glusterd is stopped, the processes of tasks go on.
    GlusterdDead(usize),
    /// A machine stands still: it answers nothing and its connections stay.
    HostFrozen(usize),
    /// A coordinator does not reach the database.
    DatabaseAway(usize),
    /// What a coordinator tells the database and the agents arrives later.
    CoordinatorStalled(usize),
    /// Calls of gluster go wrong.
    Calls,
}

/// The faults that there are, and those that come.
pub(crate) struct Faults {
    rng: StdRng,
    gluster: Gluster,
    story: Story,
    coordinators: Vec<(String, Trouble)>,
    now: Vec<(u64, Fault)>,
    next: u64,
}

impl Faults {
    pub(crate) fn new(
        rng: StdRng,
        gluster: Gluster,
        story: Story,
        coordinators: Vec<(String, Trouble)>,
    ) -> Self {
        // The first ones come once there is something to disturb.
        Self { rng, gluster, story, coordinators, now: Vec::new(), next: 10_000 }
    }

    /// Lets faults go whose time is over, and another come.
    pub(crate) fn step(&mut self, sim: &mut Sim<'_>) -> Result<()> {
        let now = self.gluster.now();
        while let Some(over) = self.now.iter().position(|(until, _)| *until <= now) {
            let (_, fault) = self.now.remove(over);
            self.mend(sim, &fault)?;
        }
        if now < self.next {
            return Ok(());
        }
        self.next = now + self.rng.random_range(2_000..30_000);
        let fault = self.choose();
        if self.now.iter().any(|(_, other)| clash(other, &fault)) {
            return Ok(());
        }
        let lasts = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(60_000..200_000),
            1..4 => self.rng.random_range(10_000..60_000),
            _ => self.rng.random_range(500..10_000),
        };
        self.story.tell(format_args!("fault: {fault:?} for {:?}", Duration::from_millis(lasts)));
        self.strike(sim, &fault)?;
        self.now.push((now + lasts, fault));
        Ok(())
    }

    /// No more faults.
    pub(crate) fn cease(&mut self, sim: &mut Sim<'_>) -> Result<()> {
        for (_, fault) in std::mem::take(&mut self.now) {
            self.mend(sim, &fault)?;
        }
        for (_, trouble) in &self.coordinators {
            trouble.mend();
        }
        self.gluster.at(By::Hand, |scene| {
            scene.pool.faults.clear();
            Ok(())
        })?;
        self.story.tell("faults have ceased");
        Ok(())
    }

    fn choose(&mut self) -> Fault {
        let host = self.rng.random_range(0..HOSTS.len());
        let coordinator = self.rng.random_range(0..self.coordinators.len());
        match self.rng.random_range(0..11) {
            0 => Fault::Partition { coordinator, host, both: true },
            1 => Fault::Partition { coordinator, host, both: false },
            2 => Fault::Slow { coordinator, host, seconds: self.rng.random_range(1..8) },
            3 => Fault::AgentDead(host),
            4 => Fault::CoordinatorDead(coordinator),
            5 => Fault::HostDead(host),
            6 => Fault::GlusterdDead(host),
            7 => Fault::HostFrozen(host),
            8 => Fault::DatabaseAway(coordinator),
            9 => Fault::CoordinatorStalled(coordinator),
            _ => Fault::Calls,
        }
    }

    fn strike(&mut self, sim: &mut Sim<'_>, fault: &Fault) -> Result<()> {
        let name = |coordinator: &usize| self.coordinators[*coordinator].0.clone();
        match fault {
            Fault::Partition { coordinator, host, both: true } => {
                sim.partition(name(coordinator), HOSTS[*host]);
            }
            Fault::Partition { coordinator, host, both: false } => {
                sim.partition_oneway(HOSTS[*host], name(coordinator));
            }
            Fault::Slow { coordinator, host, seconds } => {
                sim.set_link_latency(name(coordinator), HOSTS[*host], Duration::from_secs(*seconds));
            }
            Fault::AgentDead(host) => sim.crash(HOSTS[*host]),
            Fault::CoordinatorDead(coordinator) => sim.crash(name(coordinator)),
            Fault::HostDead(host) => {
                sim.crash(HOSTS[*host]);
                self.gluster.at(By::Hand, |scene| {
                    let host = scene.host_mut(HOSTS[*host])?;
                    host.up = false;
                    host.glusterd = false;
                    for view in host.views.values_mut() {
                        view.running = false;
                    }
                    Ok(())
                })?;
            }
            Fault::GlusterdDead(host) => self.gluster.at(By::Hand, |scene| {
                scene.host_mut(HOSTS[*host])?.glusterd = false;
                Ok(())
            })?,
            Fault::HostFrozen(host) => {
                self.freeze(*host, true)?;
                for (coordinator, _) in &self.coordinators {
                    sim.hold(coordinator.as_str(), HOSTS[*host]);
                }
            }
            Fault::DatabaseAway(coordinator) => {
                let trouble = &self.coordinators[*coordinator].1;
                match self.rng.random_range(0..3) {
                    0 => trouble.set_down(true),
                    kind => trouble.set_break(self.rng.random_range(0..60), kind == 1),
                }
            }
            Fault::CoordinatorStalled(coordinator) => {
                self.coordinators[*coordinator].1.set_stalled(true);
                for host in HOSTS {
                    sim.hold(name(coordinator), host);
                }
            }
            Fault::Calls => self.spoil_calls()?,
        }
        Ok(())
    }

    fn mend(&mut self, sim: &mut Sim<'_>, fault: &Fault) -> Result<()> {
        self.story.tell(format_args!("mended: {fault:?}"));
        let name = |coordinator: &usize| self.coordinators[*coordinator].0.clone();
        match fault {
            Fault::Partition { coordinator, host, .. } => sim.repair(name(coordinator), HOSTS[*host]),
            Fault::Slow { coordinator, host, .. } => {
                sim.set_link_latency(name(coordinator), HOSTS[*host], Duration::from_millis(1));
            }
            Fault::AgentDead(host) => sim.bounce(HOSTS[*host]),
            Fault::CoordinatorDead(coordinator) => sim.bounce(name(coordinator)),
            Fault::HostDead(host) => {
                self.gluster.at(By::Hand, |scene| scene.start_glusterd(HOSTS[*host]))?;
                sim.bounce(HOSTS[*host]);
            }
            Fault::GlusterdDead(host) => {
                self.gluster.at(By::Hand, |scene| scene.start_glusterd(HOSTS[*host]))?;
            }
            Fault::HostFrozen(host) => {
                self.freeze(*host, false)?;
                for (coordinator, _) in &self.coordinators {
                    sim.release(coordinator.as_str(), HOSTS[*host]);
                }
            }
            Fault::DatabaseAway(coordinator) => self.coordinators[*coordinator].1.set_down(false),
            Fault::CoordinatorStalled(coordinator) => {
                self.coordinators[*coordinator].1.set_stalled(false);
                for host in HOSTS {
                    sim.release(name(coordinator), host);
                }
            }
            Fault::Calls => self.gluster.at(By::Hand, |scene| {
                scene.pool.faults.clear();
                Ok(())
            })?,
        }
        Ok(())
    }

    fn freeze(&self, host: usize, frozen: bool) -> Result<()> {
        self.gluster.at(By::Hand, |scene| {
            scene.host_mut(HOSTS[host])?.frozen = frozen;
            Ok(())
        })
    }

    /// The next calls on a host, or on any, go wrong in some way.
    fn spoil_calls(&mut self) -> Result<()> {
        let host = self.rng.random_bool(0.5).then(|| HOSTS[self.rng.random_range(0..3)].to_owned());
        let refusal = "Another transaction is in progress. Please try again after some time.";
        let kinds = [
            (What::Hang, "volume"),
            (What::Garbage, "volume"),
            (What::Truncated, "volume"),
            (What::Silence { stderr: "Error : Request timed out\n".into() }, "get-state"),
            (What::Refuse { errno: 30802, text: refusal.into() }, "volume"),
            (What::StartFails, "start"),
            (What::SlowStart { seconds: 130 }, "start"),
            (What::GlusterdDies, "start"),
            (What::GlusterdDies, "stop"),
        ];
        let (what, of) = kinds.choose(&mut self.rng).cloned().unwrap_or((What::Hang, "volume"));
        let times = Some(self.rng.random_range(1..4));
        self.story.tell(format_args!("calls of {of:?} go wrong: {what:?}, {times:?} times, on {host:?}"));
        self.gluster.at(By::Hand, |scene| {
            scene.pool.faults.push(CallFault { what, host, of: of.to_owned(), times });
            Ok(())
        })
    }
}

/// Whether both can't be at once: they are about the same part of the world.
fn clash(one: &Fault, other: &Fault) -> bool {
    use Fault::{
        AgentDead, CoordinatorDead, CoordinatorStalled, DatabaseAway, GlusterdDead, HostDead, HostFrozen,
        Partition, Slow,
    };
    let host = |fault: &Fault| match fault {
        AgentDead(host) | HostDead(host) | GlusterdDead(host) | HostFrozen(host) => Some(*host),
        _ => None,
    };
    let coordinator = |fault: &Fault| match fault {
        CoordinatorDead(c) | CoordinatorStalled(c) | DatabaseAway(c) => Some(*c),
        _ => None,
    };
    let link = |fault: &Fault| match fault {
        Partition { coordinator, host, .. } | Slow { coordinator, host, .. } => Some((*coordinator, *host)),
        _ => None,
    };
    let holds = |fault: &Fault, (c, h): (usize, usize)| match fault {
        HostFrozen(host) => *host == h,
        CoordinatorStalled(coordinator) => *coordinator == c,
        _ => false,
    };
    (host(one).is_some() && host(one) == host(other))
        || (coordinator(one).is_some() && coordinator(one) == coordinator(other))
        || (link(one).is_some() && link(one) == link(other))
        || link(one).is_some_and(|l| holds(other, l))
        || link(other).is_some_and(|l| holds(one, l))
        || matches!(
            (one, other),
            (HostFrozen(_), CoordinatorStalled(_)) | (CoordinatorStalled(_), HostFrozen(_))
        )
        || matches!((one, other), (Fault::Calls, Fault::Calls))
}
