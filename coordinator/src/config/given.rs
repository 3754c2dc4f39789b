//! What was given on the command line, in the environment, or in the file: the
//! same names in each. What was not given is left open.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, Period};

/// What one source gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Given {
    /// Where gRPC listens [default: 127.0.0.1:7470]
    #[arg(long, env = "HOD_COORDINATOR_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Where other coordinators reach this one [default: --listen, under the host's name if that is everywhere]
    #[arg(long, env = "HOD_COORDINATOR_ADVERTISE", value_name = "HOST:PORT")]
    pub advertise: Option<String>,

    /// Where the web page, metrics and health listen [default: 127.0.0.1:7471]
    #[arg(long, env = "HOD_COORDINATOR_WEB_LISTEN", value_name = "ADDRESS:PORT")]
    pub web_listen: Option<SocketAddr>,

    /// Allow plain text beyond loopback: to listen there, and to speak to agents there
    #[arg(
        long,
        env = "HOD_COORDINATOR_PLAINTEXT",
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        value_name = "BOOL"
    )]
    pub plaintext: Option<bool>,

    /// The database, as a postgres:// address or key=value words [default: a private one under the state folder]
    #[arg(long, env = "HOD_COORDINATOR_DATABASE", value_name = "ADDRESS", hide_env_values = true)]
    pub database: Option<String>,

    /// How long a database that is down is waited for at the start [default: 1m]
    #[arg(long, env = "HOD_COORDINATOR_DATABASE_WAIT", value_name = "PERIOD")]
    pub database_wait: Option<Period>,

    /// The folder for what must outlive a restart [default: /var/lib/hod]
    #[arg(long, env = "HOD_COORDINATOR_STATE_DIR", value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,

    /// An agent that gave no word for so long is silent [default: 15s]
    #[arg(long, env = "HOD_COORDINATOR_SILENT_AFTER", value_name = "PERIOD")]
    pub silent_after: Option<Period>,

    /// At least this often what agents tell is held against the record [default: 5s]
    #[arg(long, env = "HOD_COORDINATOR_SYNC_EVERY", value_name = "PERIOD")]
    pub sync_every: Option<Period>,

    /// Ended jobs are kept so long [default: 90d]
    #[arg(long, env = "HOD_COORDINATOR_KEEP_ENDED", value_name = "PERIOD")]
    pub keep_ended: Option<Period>,

    /// A look older than this counts for nothing [default: 3m]
    #[arg(long, env = "HOD_COORDINATOR_FRESH_FOR", value_name = "PERIOD")]
    pub fresh_for: Option<Period>,

    /// A task is given up as UNKNOWN only after so many complete observations without it … [default: 5]
    #[arg(long, env = "HOD_COORDINATOR_LOST_AFTER_LOOKS", value_name = "NUMBER")]
    pub lost_after_looks: Option<u32>,

    /// … that span so much observed time … [default: 10m]
    #[arg(long, env = "HOD_COORDINATOR_LOST_AFTER", value_name = "PERIOD")]
    pub lost_after: Option<Period>,

    /// … of which a gap counts at most so much [default: 2m]
    #[arg(long, env = "HOD_COORDINATOR_GAP_AT_MOST", value_name = "PERIOD")]
    pub gap_at_most: Option<Period>,
}

impl Given {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// If it can't be read, or says something unknown.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::from_toml(&text).map_err(|problem| ConfigError::File { path: path.to_owned(), problem })
    }

    /// Reads what a configuration file says. What is wrong is told on one line.
    pub(super) fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
            let problem = e.message().replace('\n', " ");
            match line {
                Some(line) => format!("line {line}: {problem}"),
                None => problem,
            }
        })
    }

    /// This, and what it leaves open from another source.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            advertise: self.advertise.or(other.advertise),
            web_listen: self.web_listen.or(other.web_listen),
            plaintext: self.plaintext.or(other.plaintext),
            database: self.database.or(other.database),
            database_wait: self.database_wait.or(other.database_wait),
            state_dir: self.state_dir.or(other.state_dir),
            silent_after: self.silent_after.or(other.silent_after),
            sync_every: self.sync_every.or(other.sync_every),
            keep_ended: self.keep_ended.or(other.keep_ended),
            fresh_for: self.fresh_for.or(other.fresh_for),
            lost_after_looks: self.lost_after_looks.or(other.lost_after_looks),
            lost_after: self.lost_after.or(other.lost_after),
            gap_at_most: self.gap_at_most.or(other.gap_at_most),
        }
    }
}
