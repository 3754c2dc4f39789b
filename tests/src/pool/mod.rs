//! A real Gluster pool in containers: three hosts with their agents, and a coordinator, in a
//! network of their own. Any number of pools run side by side.
//!
//! [`Pool::start`] makes one, [`SharedPool::start`] one with a second coordinator; faults are made on its [`Host`]s and its [`Coordinator`]; what
//! Gluster itself says is read by [`Host::gluster`] and [`told`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;

use crate::docker::{self, docker};

mod coordinator;
mod host;
pub mod look;
pub(crate) mod metrics;
mod shared;
pub mod told;
mod volume;
mod wait;

pub use coordinator::Coordinator;
pub use host::Host;
pub use shared::{COORDINATORS, Database, SharedPool, with_shared_pool};
pub use wait::{wait_for, wait_until};

/// The hosts of every pool, as they call each other.
pub const NODES: [&str; 3] = ["node-a", "node-b", "node-c"];

/// A Gluster version for which there is an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 9.2, of Debian's bullseye
    V9,
    /// 10.3, of Debian's bookworm
    V10,
    /// 11.1, of Debian's trixie
    V11,
}

impl Version {
    /// As Gluster prints it.
    pub fn number(self) -> &'static str {
        match self {
            Self::V9 => "9.2",
            Self::V10 => "10.3",
            Self::V11 => "11.1",
        }
    }
}

/// Three hosts in one pool, and the coordinator that knows it.
#[derive(Debug)]
pub struct Pool {
    /// node-a, node-b, node-c
    pub hosts: [Host; 3],
    /// The coordinator, in a container of its own
    pub coordinator: Coordinator,
    network: Network,
}

impl Pool {
    /// The pool's name with the coordinator.
    pub const NAME: &'static str = "demo";

    /// Starts hosts, agents and coordinator, forms the pool and adds it to the coordinator.
    pub async fn start(version: Version) -> Result<Self> {
        let pool = Self::start_unknown(version).await?;
        pool.coordinator.add_pool(Self::NAME, NODES[0]).await?;
        Ok(pool)
    }

    /// The same, without telling the coordinator of the pool.
    pub async fn start_unknown(version: Version) -> Result<Self> {
        docker::sweep().await?;
        let network = Network::create().await?;
        let hosts = start_hosts(&network.0, version);
        let (hosts, coordinator) = tokio::try_join!(hosts, Coordinator::start(&network.0))?;
        Self::of(hosts, coordinator, network).await
    }

    /// The pool of what has been started.
    async fn of(hosts: [Host; 3], coordinator: Coordinator, network: Network) -> Result<Self> {
        let pool = Self { hosts, coordinator, network };
        pool.join().await?;
        Ok(pool)
    }

    /// Joins the hosts to one pool and waits until each sees both others.
    async fn join(&self) -> Result<()> {
        let first = &self.hosts[0];
        for host in &self.hosts[1..] {
            // The other glusterd may not listen yet.
            wait_until(&format!("{} joins", host.node), Duration::from_secs(180), || async {
                Ok(first.try_gluster(&["peer", "probe", host.node]).await?.status.success())
            })
            .await?;
        }
        for host in &self.hosts {
            self.wait_for_peers(host, 2).await?;
        }
        Ok(())
    }

    /// Waits until this host sees that many other hosts connected.
    pub async fn wait_for_peers(&self, host: &Host, others: usize) -> Result<()> {
        let what = format!("{} sees {others} connected peers", host.node);
        wait_until(&what, Duration::from_secs(180), || async {
            let out = host.try_gluster(&["pool", "list"]).await?;
            let list = String::from_utf8_lossy(&out.stdout).into_owned();
            // The host that is asked calls itself connected too.
            Ok(list.matches("Connected").count() == others + 1)
        })
        .await
    }

    /// node-a, by which the coordinator found the pool
    pub fn a(&self) -> &Host {
        &self.hosts[0]
    }

    /// node-b
    pub fn b(&self) -> &Host {
        &self.hosts[1]
    }

    /// node-c
    pub fn c(&self) -> &Host {
        &self.hosts[2]
    }

    /// Runs gluster on the first host and returns what it printed.
    pub async fn gluster(&self, args: &[&str]) -> Result<String> {
        self.hosts[0].gluster(args).await
    }

    /// The network's name, for further containers.
    pub fn network(&self) -> &str {
        &self.network.0
    }
}

async fn start_hosts(network: &str, version: Version) -> Result<[Host; 3]> {
    let hosts = try_join_all(NODES.map(|node| Host::start(network, node, version))).await?;
    hosts.try_into().map_err(|_| anyhow::anyhow!("not three hosts were started"))
}

/// Makes a test of this function on every version of Gluster that there is an image of.
#[macro_export]
macro_rules! on_every_version {
    ($test:ident) => {
        mod $test {
            use $crate::pool::{Version, with_pool};

            #[tokio::test]
            async fn on_9_2() {
                with_pool(Version::V9, super::$test).await;
            }

            #[tokio::test]
            async fn on_10_3() {
                with_pool(Version::V10, super::$test).await;
            }

            #[tokio::test]
            async fn on_11_1() {
                with_pool(Version::V11, super::$test).await;
            }
        }
    };
}

/// Runs a test on a pool of its own. A test that fails shows what the programs said.
///
/// # Panics
/// If the test fails.
pub async fn with_pool(version: Version, test: impl AsyncFnOnce(&Pool) -> Result<()>) {
    let pool = match Pool::start(version).await {
        Ok(pool) => pool,
        Err(error) => panic!("no pool to test on: {error:#}"),
    };
    if let Err(error) = test(&pool).await {
        pool.coordinator.print_events().await;
        panic!("{error:#}");
    }
}

impl Drop for Pool {
    /// When a test fails, what the programs said is all there is to find out why.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.coordinator.print_log();
            for host in &self.hosts {
                host.print_log();
            }
        }
    }
}

/// A network, removed with its last owner. Containers are removed before it, since they are
/// dropped before it.
#[derive(Debug)]
pub(crate) struct Network(pub(crate) String);

impl Network {
    pub(crate) async fn create() -> Result<Self> {
        let name = format!("hod-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        docker(["network", "create", &docker::owned(), &name]).await?;
        Ok(Self(name))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        remove(&["network", "rm", &self.0]);
    }
}

/// A container, removed with its owner.
#[derive(Debug)]
pub(crate) struct Container(pub(crate) String);

impl Container {
    /// `docker run -d` under this name with these further arguments, the image among them.
    pub(crate) async fn run(name: String, args: &[&str]) -> Result<Self> {
        let owned = docker::owned();
        let first = ["run", "-d", "--name", &name, owned.as_str()];
        docker(first.iter().chain(args)).await?;
        Ok(Self(name))
    }

    /// The address in this network, as it is reached from the machine itself.
    pub(crate) async fn address(&self, network: &str) -> Result<String> {
        let format = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
        let address = docker(["inspect", "--format", &format, &self.0]).await?;
        ensure!(!address.is_empty(), "{} has no address in {network}", self.0);
        Ok(address)
    }

    fn print_log(&self, tail: &str) {
        eprintln!("--- the last lines of {}", self.0);
        run_docker(&["logs", "--tail", tail, &self.0], true);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        remove(&["rm", "-fv", &self.0]);
    }
}

/// Removes what a test made, unless `HOD_TEST_KEEP` is set, for somebody who wants to look.
fn remove(args: &[&str]) {
    if std::env::var_os("HOD_TEST_KEEP").is_none() {
        run_docker(args, false);
    }
}

#[expect(clippy::disallowed_methods, reason = "drop can't await, and docker bounds its own time")]
fn run_docker(args: &[&str], show: bool) {
    match std::process::Command::new("docker").args(args).output() {
        Ok(out) if show => {
            eprintln!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        }
        Ok(_) => {}
        Err(error) => eprintln!("docker {args:?}: {error}"),
    }
}

/// `-v …` for one of the programs, built for the containers by `./x test` or `./x images`.
fn mounted(program: &str) -> Result<String> {
    let folder = std::env::var_os("HOD_TEST_BINARIES").map_or_else(
        || {
            let target = format!("../target/{}-unknown-linux-gnu/debug", std::env::consts::ARCH);
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(target)
        },
        PathBuf::from,
    );
    let path = folder
        .join(program)
        .canonicalize()
        .with_context(|| format!("{program} was not built for containers; run ./x images"))?;
    Ok(format!("-v={}:/usr/local/bin/{program}:ro", path.display()))
}
