//! One real agent on one host of a scripted pool.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hod_core::observation::HostPicture;
use hod_proto::agent::v1::agent_client::AgentClient;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::agent::v1::{Lease, WatchTasksRequest, WatchTasksResponse};
use hod_proto::convert::agent::PictureAssembler;
use tempfile::TempDir;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::daemon::{Daemon, own_network};
use super::pool::ScriptedPool;
use crate::pool::metrics::metric;
use crate::pool::wait_for;

/// How long anything may take that is to come at once.
pub const SOON: Duration = Duration::from_secs(30);

/// An agent, at an address of its own.
pub struct ScriptedAgent {
    /// The process.
    pub daemon: Daemon,
    address: String,
    channel: Channel,
    _folder: TempDir,
    _network: UdpSocket,
}

impl ScriptedAgent {
    /// Starts an agent on a host; arguments that are given twice count as last given.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(pool: &ScriptedPool, host: &str, paces: &[&str]) -> Result<Self> {
        let ([a, b, c], network) = own_network()?;
        let address = format!("{a}.{b}.{c}.1");
        let folder = tempfile::Builder::new().prefix("hod-agent-").tempdir()?;
        let mut args = vec![
            format!("--listen={address}:7460"),
            format!("--metrics-listen={address}:7461"),
            format!("--events-listen={address}:55555"),
            format!("--webhook-listen={address}:7462"),
            format!("--gluster={}", pool.program(host).display()),
            format!("--glusterd-dir={}", pool.glusterd_dir(host).display()),
            format!("--gluster-log-dir={}", pool.log_dir(host).display()),
            format!("--state-dir={}", folder.path().join("state").display()),
        ];
        args.extend(paces.iter().map(|pace| (*pace).to_owned()));
        let daemon = Daemon::start("hod-agent", host, folder.path(), args)?;
        let endpoint =
            Endpoint::from_shared(format!("http://{address}:7460"))?.connect_timeout(Duration::from_secs(5));
        let channel =
            wait_for("the agent answers", SOON, || async { Ok(Some(endpoint.connect().await?)) }).await?;
        Ok(Self { daemon, address, channel, _folder: folder, _network: network })
    }

    /// Calls of the service.
    #[must_use]
    pub fn client(&self) -> AgentClient<Channel> {
        AgentClient::new(self.channel.clone())
    }

    /// The connection.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The address, without a port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Watches, with calls that take locks or without.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn watch(&self, locked_calls: bool) -> Result<Watch> {
        self.watch_with(locked_calls, None).await
    }

    /// The same with a coordinator's lease.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn watch_with(&self, locked_calls: bool, lease: Option<Lease>) -> Result<Watch> {
        let protocol_version = hod_proto::PROTOCOL_VERSION;
        let request = WatchTasksRequest { locked_calls, protocol_version, lease };
        let stream = self.client().watch_tasks(request).await?.into_inner();
        Ok(Watch { stream, assembler: PictureAssembler::default(), told: Vec::new() })
    }

    /// What the health service says of a service.
    ///
    /// # Errors
    /// If it knows no such service.
    pub async fn health(&self, service: &str) -> Result<ServingStatus> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(self.channel.clone()).check(request).await?;
        Ok(answer.into_inner().status())
    }

    /// A metric, summed over the labels not asked for; 0 if there is none yet.
    ///
    /// # Errors
    /// If the page can't be had.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let value = metric(&format!("{}:7461", self.address), name, labels).await?;
        Ok(value.unwrap_or_default())
    }

    /// How many calls were made that take a volume's lock.
    ///
    /// # Errors
    /// If the page can't be had.
    pub async fn locked_calls(&self) -> Result<f64> {
        self.metric("hod_agent_gluster_calls_total", &["lock=\"volume\""]).await
    }
}

/// A stream, put together.
pub struct Watch {
    stream: Streaming<WatchTasksResponse>,
    /// What was told so far.
    pub assembler: PictureAssembler,
    /// The kinds of messages, in their order.
    pub told: Vec<&'static str>,
}

impl Watch {
    /// The next message, taken in.
    ///
    /// # Errors
    /// If there is none in time, or it can't be read.
    pub async fn next(&mut self) -> Result<&'static str> {
        let message = tokio::time::timeout(SOON, self.stream.message())
            .await
            .context("no word from the agent")??
            .context("the stream has ended")?;
        let kind = match message.event {
            Some(Event::Host(_)) => "host",
            Some(Event::Peers(_)) => "peers",
            Some(Event::Volumes(_)) => "volumes",
            Some(Event::Own(_)) => "own",
            Some(Event::Followed(_)) => "followed",
            Some(Event::History(_)) => "history",
            Some(Event::PictureComplete(_)) => "complete",
            Some(Event::SignOfLife(_)) => "alive",
            None => "none",
        };
        self.assembler.take(message, jiff::Timestamp::now())?;
        self.told.push(kind);
        Ok(kind)
    }

    /// Takes messages in until the picture shows something.
    ///
    /// # Errors
    /// If it does not come to that within [`SOON`].
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&HostPicture) -> Option<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(seen) = self.assembler.picture().and_then(|picture| look(picture)) {
                return Ok(seen);
            }
            if begun.elapsed() > SOON {
                bail!("waited in vain: {what}; it is {:#?}", self.assembler.picture());
            }
            self.next().await.with_context(|| what.to_owned())?;
        }
    }
}
