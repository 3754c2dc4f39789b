//! What the agent is told to do: flags over environment over file over defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use hod_proto::AGENT_PORT;
use serde::Deserialize;

/// The port that metrics are told on.
const METRICS_PORT: u16 = 7461;

/// The port that glustereventsd posts to.
const WEBHOOK_PORT: u16 = 7462;

/// The file that is read where none is named. It need not exist.
const FILE: &str = "/etc/hod/agent.toml";

/// One storage host's Gluster command line behind gRPC.
#[derive(Debug, Parser)]
#[command(name = "hod-agent", version)]
struct CommandLine {
    /// The configuration file [default: /etc/hod/agent.toml, if it exists]
    #[arg(long, env = "HOD_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What is done instead of running the agent.
#[derive(Debug, Subcommand)]
enum Command {
    /// Have glustereventsd tell the agents of the pool what happens
    #[command(subcommand)]
    Events(EventsCommand),
}

/// What is done about glustereventsd's webhook.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum EventsCommand {
    /// Register the agents' webhook with glustereventsd, on every host of the pool
    Enable,
    /// Take it back
    Disable(Disable),
    /// Tell how events come in on this host, and where glustereventsd runs
    Status,
}

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Disable {
    /// Another URL than the configuration's, such as that of an earlier one
    #[arg(value_name = "URL")]
    pub url: Option<String>,
}

/// What may be given, in the file under the same names with underscores. A value
/// stands where it was first given: flag, environment, file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// Where gRPC is answered [default: 127.0.0.1:7460]
    #[arg(long, env = "HOD_AGENT_LISTEN", value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Where Prometheus finds /metrics, and /healthz [default: 127.0.0.1:7461]
    #[arg(long, env = "HOD_AGENT_METRICS_LISTEN", value_name = "IP:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Answer in plain text beyond loopback too: only where the network is trusted
    #[arg(long, env = "HOD_AGENT_PLAINTEXT", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    plaintext: Option<bool>,
    /// The gluster command [default: gluster]
    #[arg(long, env = "HOD_AGENT_GLUSTER", value_name = "PATH")]
    gluster: Option<PathBuf>,
    /// glusterd's folder [default: /var/lib/glusterd]
    #[arg(long, env = "HOD_AGENT_GLUSTERD_DIR", value_name = "FOLDER")]
    glusterd_dir: Option<PathBuf>,
    /// The folder of Gluster's logs [default: /var/log/glusterfs]
    #[arg(long, env = "HOD_AGENT_GLUSTER_LOG_DIR", value_name = "FOLDER")]
    gluster_log_dir: Option<PathBuf>,
    /// A folder of the agent's own, which glusterd can write into [default: /run/hod-agent]
    #[arg(long, env = "HOD_AGENT_STATE_DIR", value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// Hear Gluster's own events, so that what happens is seen at once [default: true]
    #[arg(long, env = "HOD_AGENT_EVENTS", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    events: Option<bool>,
    /// Where they are heard, on loopback, where glustereventsd does not run
    /// [default: 127.0.0.1 and ::1, at the port that Gluster sends to: 55555, before 9.6 24009]
    #[arg(long, env = "HOD_AGENT_EVENTS_LISTEN", value_name = "IP:PORT")]
    events_listen: Option<SocketAddr>,
    /// Where glustereventsd posts them, on loopback, the same on every host of the pool
    /// [default: 127.0.0.1:7462]
    #[arg(long, env = "HOD_AGENT_WEBHOOK_LISTEN", value_name = "IP:PORT")]
    webhook_listen: Option<SocketAddr>,
    /// How often Gluster is asked without a lock [default: 60s]
    #[arg(long, env = "HOD_AGENT_LOOK_EVERY", value_name = "TIME")]
    look_every: Option<Period>,
    /// The same where glusterd's files can't be watched, or it does not answer [default: 5s]
    #[arg(long, env = "HOD_AGENT_LOOK_UNWATCHED_EVERY", value_name = "TIME")]
    look_unwatched_every: Option<Period>,
    /// How often a running task is asked for by a call that takes its volume's lock [default: 5s]
    #[arg(long, env = "HOD_AGENT_FOLLOW_EVERY", value_name = "TIME")]
    follow_every: Option<Period>,
    /// The same for a task that runs long [default: 60s]
    #[arg(long, env = "HOD_AGENT_FOLLOW_LONG_EVERY", value_name = "TIME")]
    follow_long_every: Option<Period>,
    /// How long a volume is left alone after such a call timed out; doubles up to 30 min [default: 200s]
    #[arg(long, env = "HOD_AGENT_REST_AFTER_TIMEOUT", value_name = "TIME")]
    rest_after_timeout: Option<Period>,
    /// How long a call to Gluster may take [default: 20s]
    #[arg(long, env = "HOD_AGENT_CALL_DEADLINE", value_name = "TIME")]
    call_deadline: Option<Period>,
    /// How long a command that changes a volume may take before its outcome counts as not known.
    /// Gluster itself gives up after 120s [default: 150s]
    #[arg(long, env = "HOD_AGENT_COMMAND_DEADLINE", value_name = "TIME")]
    command_deadline: Option<Period>,
    /// How often a watcher hears that the agent lives; 10s at most [default: 5s]
    #[arg(long, env = "HOD_AGENT_ALIVE_EVERY", value_name = "TIME")]
    alive_every: Option<Period>,
}

/// A time such as "5s" or "1m 30s", longer than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Period(Duration);

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|d| Duration::try_from(d).ok())
            .filter(|d| !d.is_zero())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no time: say for example \"5s\" or \"2m\""))
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// How often things are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paces {
    /// Gluster is asked without a lock this often.
    pub look: Duration,
    /// The same where glusterd's files can't be watched, or it does not answer.
    pub look_unwatched: Duration,
    /// A running task is asked for by a call that takes its volume's lock this often.
    pub follow: Duration,
    /// The same for a task that runs long.
    pub follow_long: Duration,
    /// A volume is left alone this long after such a call timed out.
    pub rest: Duration,
    /// A watcher hears that the agent lives this often.
    pub alive: Duration,
}

/// Where Gluster's own events come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events {
    /// Where to listen for datagrams instead of where Gluster sends them.
    pub listen: Option<SocketAddr>,
    /// Where glustereventsd posts to.
    pub webhook: SocketAddr,
}

/// What the agent is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where gRPC is answered.
    pub listen: SocketAddr,
    /// Where metrics are told.
    pub metrics_listen: SocketAddr,
    /// The gluster command.
    pub gluster: PathBuf,
    /// glusterd's folder.
    pub glusterd_dir: PathBuf,
    /// The folder of Gluster's logs.
    pub gluster_log_dir: PathBuf,
    /// The agents' own folder, which glusterd writes get-state's answers into.
    pub state_dir: PathBuf,
    /// How long a call to Gluster may take.
    pub call_deadline: Duration,
    /// How long a command that changes a volume may take.
    pub command_deadline: Duration,
    /// Where Gluster's own events come in; `None`: they are not heard.
    pub events: Option<Events>,
    /// How often things are done.
    pub paces: Paces,
}

/// A configuration that can't be.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The flags; clap has the words for it, and for `--help`.
    #[error("{0}")]
    CommandLine(#[from] clap::Error),
    /// The file can't be read.
    #[error("the configuration file {file} can't be read: {error}")]
    NotRead {
        /// Which.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file says something that it can't.
    #[error("{file}, line {line}: {problem}")]
    NotUnderstood {
        /// Which.
        file: String,
        /// Where in it.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Plain text would leave the host unasked.
    #[error(
        "listen = {0} reaches beyond this host, in plain text: give --plaintext (plaintext = true) if that network is trusted, or listen on 127.0.0.1"
    )]
    PlaintextBeyondLoopback(SocketAddr),
    /// Whoever reaches it can make the agent look.
    #[error("{key} = {address} reaches beyond this host: Gluster's events are taken on loopback only")]
    EventsBeyondLoopback {
        /// Which setting.
        key: &'static str,
        /// Where to.
        address: SocketAddr,
    },
    /// Watchers are promised a sign of life at least every 10 s.
    #[error("alive-every = {0:?} is too long: watchers take an agent for silent after 10 s")]
    AliveTooSeldom(Duration),
}

impl Config {
    /// Puts together what the command line, the environment and the file say.
    ///
    /// # Errors
    /// Says in one line what can't be.
    pub fn read<I, T>(arguments: I) -> Result<Self, BadConfig>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        Self::read_with_command(arguments).map(|(config, _)| config)
    }

    /// The same, with what is to be done instead of running the agent, if anything.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with_command<I, T>(arguments: I) -> Result<(Self, Option<EventsCommand>), BadConfig>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let line = CommandLine::try_parse_from(arguments)?;
        let file = match &line.config {
            Some(file) => read_file(file)?,
            None if Path::new(FILE).exists() => read_file(Path::new(FILE))?,
            None => Given::default(),
        };
        let command = line.command.map(|Command::Events(command)| command);
        Ok((Self::of(line.given, file)?, command))
    }

    fn of(line: Given, file: Given) -> Result<Self, BadConfig> {
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let period = |line: Option<Period>, file: Option<Period>, seconds| {
            line.or(file).map_or(Duration::from_secs(seconds), |Period(d)| d)
        };
        let path = |line: Option<PathBuf>, file: Option<PathBuf>, default: &str| {
            line.or(file).unwrap_or_else(|| default.into())
        };
        let listen = line.listen.or(file.listen).unwrap_or(local(AGENT_PORT));
        let plaintext = line.plaintext.or(file.plaintext).unwrap_or(false);
        if !listen.ip().is_loopback() && !plaintext {
            return Err(BadConfig::PlaintextBeyondLoopback(listen));
        }
        let events = Events {
            listen: line.events_listen.or(file.events_listen),
            webhook: line.webhook_listen.or(file.webhook_listen).unwrap_or(local(WEBHOOK_PORT)),
        };
        for (key, address) in [("events-listen", events.listen), ("webhook-listen", Some(events.webhook))] {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
                return Err(BadConfig::EventsBeyondLoopback { key, address });
            }
        }
        let follow = period(line.follow_every, file.follow_every, 5);
        let paces = Paces {
            look: period(line.look_every, file.look_every, 60),
            look_unwatched: period(line.look_unwatched_every, file.look_unwatched_every, 5),
            follow,
            follow_long: period(line.follow_long_every, file.follow_long_every, 60).max(follow),
            rest: period(line.rest_after_timeout, file.rest_after_timeout, 200),
            alive: period(line.alive_every, file.alive_every, 5),
        };
        if paces.alive > Duration::from_secs(10) {
            return Err(BadConfig::AliveTooSeldom(paces.alive));
        }
        Ok(Self {
            listen,
            metrics_listen: line.metrics_listen.or(file.metrics_listen).unwrap_or(local(METRICS_PORT)),
            gluster: path(line.gluster, file.gluster, "gluster"),
            glusterd_dir: path(line.glusterd_dir, file.glusterd_dir, "/var/lib/glusterd"),
            gluster_log_dir: path(line.gluster_log_dir, file.gluster_log_dir, "/var/log/glusterfs"),
            state_dir: path(line.state_dir, file.state_dir, "/run/hod-agent"),
            call_deadline: period(line.call_deadline, file.call_deadline, 20),
            command_deadline: period(line.command_deadline, file.command_deadline, 150),
            events: line.events.or(file.events).unwrap_or(true).then_some(events),
            paces,
        })
    }
}

fn read_file(path: &Path) -> Result<Given, BadConfig> {
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Err(BadConfig::NotRead { file, error }),
    };
    toml::from_str(&text).map_err(|error| BadConfig::NotUnderstood {
        file,
        line: error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1),
        problem: error.message().replace('\n', " "),
    })
}

#[cfg(test)]
mod tests;
