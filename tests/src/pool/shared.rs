//! A pool whose two coordinators share one PostgreSQL.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::select_ok;

use super::{Container, Coordinator, NODES, Network, Pool, Version, start_hosts, wait_until};
use crate::docker::{self, docker, exec};

/// The coordinators, as they call each other.
pub const COORDINATORS: [&str; 2] = ["coordinator-a", "coordinator-b"];

/// The pool, a second coordinator beside its own, and the PostgreSQL of both.
#[derive(Debug)]
pub struct SharedPool {
    second: Coordinator,
    /// The PostgreSQL
    pub database: Database,
    /// The hosts and the first coordinator. Its network is removed last.
    pub pool: Pool,
}

impl SharedPool {
    /// Starts everything, and tells one coordinator of the pool.
    ///
    /// # Errors
    /// If something does not start.
    pub async fn start(version: Version) -> Result<Self> {
        docker::sweep().await?;
        let network = Network::create().await?;
        let coordinators = async {
            let database = Database::start(&network.0).await?;
            let [first, second] =
                COORDINATORS.map(|name| Coordinator::start_on(&network.0, name, Database::ADDRESS));
            let (first, second) = tokio::try_join!(first, second)?;
            anyhow::Ok((database, first, second))
        };
        let (hosts, (database, first, second)) =
            tokio::try_join!(start_hosts(&network.0, version), coordinators)?;
        let pool = Pool::of(hosts, first, network).await?;
        pool.coordinator.add_pool(Pool::NAME, NODES[0]).await?;
        Ok(Self { second, database, pool })
    }

    /// Both coordinators.
    #[must_use]
    pub fn coordinators(&self) -> [&Coordinator; 2] {
        [&self.pool.coordinator, &self.second]
    }

    /// What the coordinator says that answers first.
    ///
    /// # Errors
    /// If neither answers.
    pub async fn ask<T>(&self, what: impl AsyncFn(&Coordinator) -> Result<T>) -> Result<T> {
        let asked = self.coordinators().map(|coordinator| Box::pin(what(coordinator)));
        select_ok(asked).await.map(|(answer, _)| answer)
    }
}

impl Drop for SharedPool {
    /// The rest is shown by the pool.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.second.print_log();
        }
    }
}

/// Runs a test on a pool of its own, as [`super::with_pool`].
///
/// # Panics
/// If the test fails.
pub async fn with_shared_pool(version: Version, test: impl AsyncFnOnce(&SharedPool) -> Result<()>) {
    let shared = match Box::pin(SharedPool::start(version)).await {
        Ok(shared) => shared,
        Err(error) => panic!("no pool to test on: {error:#}"),
    };
    if let Err(error) = test(&shared).await {
        shared.pool.coordinator.print_events().await;
        panic!("{error:#}");
    }
}

/// A container with a PostgreSQL that listens in the pool's network.
#[derive(Debug)]
pub struct Database(Container);

impl Database {
    const ADDRESS: &str = "postgres://hod@database/postgres?sslmode=disable";

    async fn start(network: &str) -> Result<Self> {
        // What died goes on with the data it had.
        let begin = "export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); cd /var/lib/postgresql
            if [ ! -e begun ]; then
                initdb -D data -A trust -U hod >/dev/null
                echo 'host all all all trust' >> data/pg_hba.conf
                touch begun
            fi
            exec postgres -D data -c listen_addresses='*' -c unix_socket_directories=/tmp";
        let args = [
            "--network",
            network,
            "--network-alias=database",
            "--user=postgres",
            "--entrypoint=sh",
            "hod-postgresql",
            "-ec",
            begin,
        ];
        let database = Self(Container::run(format!("{network}-database"), &args).await?);
        database.wait_until_it_answers().await?;
        Ok(database)
    }

    /// It dies at once; its disk stays.
    ///
    /// # Errors
    /// If docker fails.
    pub async fn kill(&self) -> Result<()> {
        docker(["kill", &self.0.0]).await.map(drop)
    }

    /// What died comes back.
    ///
    /// # Errors
    /// If it does not.
    pub async fn start_again(&self) -> Result<()> {
        docker(["start", &self.0.0]).await?;
        self.wait_until_it_answers().await
    }

    /// What a query of one value gives.
    ///
    /// # Errors
    /// If it can't be asked.
    pub async fn ask(&self, query: &str) -> Result<String> {
        let out =
            exec(&self.0.0, &["psql", "-h", "/tmp", "-U", "hod", "-d", "postgres", "-AtXqc", query]).await?;
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }

    async fn wait_until_it_answers(&self) -> Result<()> {
        wait_until("PostgreSQL answers", Duration::from_secs(120), || async {
            Ok(self.ask("SELECT 1").await? == "1")
        })
        .await
    }
}
