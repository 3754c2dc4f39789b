//! A PostgreSQL of two servers in containers: a primary, and a standby that follows it by
//! streaming replication.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::docker::{self, docker, exec};
use crate::pool::{Container, Network, wait_until};

/// The image has PostgreSQL's programs in the folder of their version.
const PROGRAMS: &str = "export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); cd /var/lib/postgresql; ";

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// Until the standby has it on disk: what is acknowledged is on both.
    Synchronous,
    /// For nothing: the standby may lack what was acknowledged last.
    Asynchronous,
}

/// Primary and standby.
#[derive(Debug)]
pub struct Postgres {
    primary: Container,
    standby: Container,
    addresses: [String; 2],
    _network: Network,
}

impl Postgres {
    /// Starts both, and waits until the standby follows.
    ///
    /// # Errors
    /// If they do not come to that.
    pub async fn start(replication: Replication) -> Result<Self> {
        docker::sweep().await?;
        let network = Network::create().await?;
        let primary = format!("{}-primary", network.0);
        let waits_for = match replication {
            Replication::Synchronous => "standby",
            Replication::Asynchronous => "",
        };
        // A commit that waits for a standby before there is one would wait for ever: the
        // database is the one that initdb makes.
        let begin = format!(
            "{PROGRAMS} initdb -D data -A trust -U hod >/dev/null
             echo 'host all all all trust' >> data/pg_hba.conf
             echo 'host replication all all trust' >> data/pg_hba.conf
             exec postgres -D data -c listen_addresses='*' -c unix_socket_directories=/tmp \
                 -c synchronous_standby_names='{waits_for}'"
        );
        let primary = run(primary, &network, &begin).await?;
        wait_until("the primary answers", Duration::from_secs(60), || async {
            Ok(sql(&primary, "SELECT 1").await? == "1")
        })
        .await?;
        let from = primary.address(&network.0).await?;
        let follow = format!(
            "{PROGRAMS} pg_basebackup -d 'host={from} user=hod application_name=standby' -D data -R -X stream
             exec postgres -D data -c listen_addresses='*' -c unix_socket_directories=/tmp"
        );
        let standby = run(format!("{}-standby", network.0), &network, &follow).await?;
        let wanted = match replication {
            Replication::Synchronous => "streaming sync",
            Replication::Asynchronous => "streaming async",
        };
        wait_until("the standby follows", Duration::from_secs(60), || async {
            let state = sql(&primary, "SELECT state || ' ' || sync_state FROM pg_stat_replication").await?;
            ensure!(state == wanted, "it is {state:?}");
            Ok(sql(&standby, "SELECT pg_is_in_recovery()").await? == "t")
        })
        .await?;
        let addresses = [from, standby.address(&network.0).await?];
        Ok(Self { primary, standby, addresses, _network: network })
    }

    /// Both, as `--database` takes them.
    #[must_use]
    pub fn database(&self) -> String {
        let [primary, standby] = &self.addresses;
        format!("postgres://hod@{primary},{standby}/postgres?sslmode=disable")
    }

    /// The primary's machine is gone: nothing answers at its address any more.
    ///
    /// # Errors
    /// If docker fails.
    pub async fn kill_primary(&self) -> Result<()> {
        docker(["kill", &self.primary.0]).await.map(drop)
    }

    /// The standby becomes the primary.
    ///
    /// # Errors
    /// If it does not.
    pub async fn promote_standby(&self) -> Result<()> {
        let promote = format!("{PROGRAMS} pg_ctl promote -w -D data");
        let done = exec(&self.standby.0, &["sh", "-c", &promote]).await?;
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{said}");
        Ok(())
    }

    /// What a query of one value gives on the standby.
    ///
    /// # Errors
    /// If it can't be asked.
    pub async fn ask_standby(&self, query: &str) -> Result<String> {
        sql(&self.standby, query).await
    }
}

/// A container with a shell command that becomes the server.
async fn run(name: String, network: &Network, command: &str) -> Result<Container> {
    let args =
        ["--network", &network.0, "--user=postgres", "--entrypoint=sh", "hod-postgresql", "-ec", command];
    Container::run(name, &args).await
}

async fn sql(container: &Container, query: &str) -> Result<String> {
    let command = format!("{PROGRAMS} psql -h /tmp -U hod -d postgres -AtXqc \"$0\"");
    let out = exec(&container.0, &["sh", "-c", &command, query]).await?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
