//! What the coordinator is told at its start: flags over environment over file
//! over defaults.

mod given;
mod period;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use hod_core::plan::Settings;
use hod_proto::COORDINATOR_PORT;

use crate::commands::housekeeping::Periods;

pub use given::Given;
pub use period::Period;

/// Where the file is looked for if none is named.
const FILE: &str = "/etc/hod/coordinator.toml";

/// Follows every task of Gluster pools through their agents, and keeps the record
/// in PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "hod-coordinator", version, about)]
struct CommandLine {
    /// The configuration file [default: /etc/hod/coordinator.toml, if it is there]
    #[arg(long, env = "HOD_COORDINATOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

/// What the coordinator goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where gRPC listens.
    pub listen: SocketAddr,
    /// Where other coordinators reach this one's gRPC. `None`: where it listens, under
    /// this machine's name if that is everywhere.
    pub advertise: Option<String>,
    /// Where the web page, metrics and health listen.
    pub web_listen: SocketAddr,
    /// Whether plain text may leave loopback: as a server, and towards agents.
    pub plaintext: bool,
    /// The database's address. `None`: a private PostgreSQL under `state_dir`.
    pub database: Option<String>,
    /// How long a database that is down is waited for at the start.
    pub database_wait: Duration,
    /// The folder for what must outlive a restart.
    pub state_dir: PathBuf,
    /// An agent that gave no word for so long is silent.
    pub silent_after: Duration,
    /// At least this often there is a sync, changed or not.
    pub sync_every: Duration,
    /// How often it is seen to what follows from commands.
    pub housekeeping: Periods,
    /// Ended jobs are kept so long.
    pub keep_ended: Duration,
    /// The periods a plan goes by.
    pub plan: Settings,
}

/// Why there is no configuration to go by.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("can't read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file does not say what a configuration file says.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// Plain text would leave the machine unasked.
    #[error(
        "{flag} {address} is beyond loopback, and what goes over it is plain text: \
         listen on a loopback address, or accept that with --plaintext"
    )]
    Plaintext {
        /// The flag.
        flag: &'static str,
        /// The address it gives.
        address: SocketAddr,
    },
}

impl Config {
    /// Reads the command line, the environment and the file. A command line that
    /// can't be read, `--help` and `--version` end the process as clap does.
    ///
    /// # Errors
    /// If the file can't be read or says something unknown, or if plain text would
    /// leave loopback unasked.
    pub fn read() -> Result<Self, ConfigError> {
        let line = CommandLine::parse();
        let file = match line.config {
            Some(path) => Given::read(&path)?,
            None => match Given::read(&PathBuf::from(FILE)) {
                Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    Given::default()
                }
                read => read?,
            },
        };
        let config = Self::from(line.given.or(file));
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (flag, address) in [("--listen", self.listen), ("--web-listen", self.web_listen)] {
            if !self.plaintext && !address.ip().is_loopback() {
                return Err(ConfigError::Plaintext { flag, address });
            }
        }
        Ok(())
    }
}

impl From<Given> for Config {
    fn from(given: Given) -> Self {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let period = |p: Option<Period>, default| p.map_or(default, |Period(d)| d);
        let plan = Settings::default();
        Self {
            listen: given.listen.unwrap_or(loopback(COORDINATOR_PORT)),
            advertise: given.advertise,
            web_listen: given.web_listen.unwrap_or(loopback(COORDINATOR_PORT + 1)),
            plaintext: given.plaintext.unwrap_or(false),
            database: given.database,
            database_wait: period(given.database_wait, Duration::from_secs(60)),
            state_dir: given.state_dir.unwrap_or_else(|| "/var/lib/hod".into()),
            silent_after: period(given.silent_after, Duration::from_secs(15)),
            sync_every: period(given.sync_every, Duration::from_secs(5)),
            housekeeping: Periods::default(),
            keep_ended: period(given.keep_ended, Duration::from_secs(90 * 24 * 3600)),
            plan: Settings {
                fresh_for: period(given.fresh_for, plan.fresh_for),
                lost_after_looks: given.lost_after_looks.unwrap_or(plan.lost_after_looks),
                lost_after: period(given.lost_after, plan.lost_after),
                gap_at_most: period(given.gap_at_most, plan.gap_at_most),
                ..plan
            },
        }
    }
}

#[cfg(test)]
mod tests;
