//! A connection to one agent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hod_core::host::{HostIdentity, Peer};
use hod_proto::agent::v1::agent_client::AgentClient;
use hod_proto::agent::v1::{GetHostRequest, ListPeersRequest};
use hod_proto::convert::agent::bounds;
use hod_proto::{AGENT_PORT, PROTOCOL_VERSION};
use tonic::transport::{Channel, Endpoint};

use crate::network::Network;

/// A connection that is not made in this time is given up.
const CONNECT: Duration = Duration::from_secs(5);
/// A short question that is not answered in this time is given up.
const ANSWER: Duration = Duration::from_secs(10);
/// So many characters of what an agent refuses with are shown.
const WORDS_SHOWN: usize = 1000;
/// How often a quiet connection is tried, and how long an answer may take.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// Where an agent listens: a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAddress {
    host: String,
    port: u16,
}

/// A text that is no agent's address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no agent's address: it is HOST or HOST:PORT, an IPv6 address in brackets")]
pub struct NotAnAddress(String);

impl AgentAddress {
    /// An address on another host, with this one's port.
    #[must_use]
    pub fn on(&self, host: &str) -> Self {
        Self { host: host.to_owned(), port: self.port }
    }
}

impl FromStr for AgentAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let wrong = || NotAnAddress(text.to_owned());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                match (rest, rest.strip_prefix(':')) {
                    ("", _) => (host, None),
                    (_, Some(port)) => (host, Some(port)),
                    _ => return Err(wrong()),
                }
            }
            None if text.parse::<std::net::Ipv6Addr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        if host.is_empty() || !host.chars().all(fits) {
            return Err(wrong());
        }
        let port = match port.map(str::parse) {
            None => AGENT_PORT,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(wrong()),
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Why an agent can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It can't be reached, or gave no answer.
    #[error("the agent at {agent} does not answer: {why}")]
    Unreachable {
        /// Where it was looked for.
        agent: AgentAddress,
        /// Why, in words.
        why: String,
    },
    /// It speaks another version of the protocol.
    #[error(
        "the agent at {agent} speaks version {theirs} of hod.agent.v1, this coordinator speaks \
         version {PROTOCOL_VERSION}: bring both to the same release"
    )]
    Version {
        /// Where it listens.
        agent: AgentAddress,
        /// The version it speaks.
        theirs: u32,
    },
    /// What it says can't be read.
    #[error("the agent at {agent} sent what can't be read: {why}")]
    Unreadable {
        /// Where it listens.
        agent: AgentAddress,
        /// The field, and what is wrong with it.
        why: String,
    },
    /// It would be spoken to in plain text beyond loopback, unasked.
    #[error(
        "the agent at {agent} is beyond loopback and would be spoken to in plain text: \
         start the coordinator with --plaintext to accept that"
    )]
    Plaintext {
        /// Where it listens.
        agent: AgentAddress,
    },
}

/// A connection to an agent.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Where it listens.
    pub address: AgentAddress,
    /// The calls it answers.
    pub client: AgentClient<Channel>,
    /// What the calls go through.
    pub(super) channel: Channel,
}

impl Agent {
    /// Connects to an agent.
    ///
    /// # Errors
    /// If it can't be reached in 5 s, or plain text is not allowed.
    pub async fn connect(address: &AgentAddress, network: &Network) -> Result<Self, AgentError> {
        let unreachable = |why: String| AgentError::Unreachable { agent: address.clone(), why };
        if !network.allows_plaintext() && !is_loopback(address).await.map_err(unreachable)? {
            return Err(AgentError::Plaintext { agent: address.clone() });
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|e| unreachable(in_words(&e)))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1)
            .keep_alive_while_idle(true);
        // The name's resolution takes part of the time, which tonic does not bound.
        let channel = match tokio::time::timeout(CONNECT, network.connect(&endpoint)).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(e)) => return Err(unreachable(in_words(&e))),
            Err(_) => return Err(unreachable(format!("no connection within {CONNECT:?}"))),
        };
        Ok(Self {
            address: address.clone(),
            client: AgentClient::new(channel.clone()).max_decoding_message_size(bounds::ANSWER),
            channel,
        })
    }

    /// Asks who the host is.
    ///
    /// # Errors
    /// If there is no answer, none that can be read, or one of another version.
    pub async fn host(&self) -> Result<HostIdentity, AgentError> {
        let host = self
            .ask(self.client.clone().get_host(GetHostRequest {}))
            .await?
            .host
            .ok_or_else(|| self.unreadable("host: is missing"))?;
        if host.protocol_version != PROTOCOL_VERSION {
            return Err(AgentError::Version { agent: self.address.clone(), theirs: host.protocol_version });
        }
        HostIdentity::try_from(host).map_err(|e| self.unreadable(e))
    }

    /// Asks which hosts the pool has.
    ///
    /// # Errors
    /// If there is no answer, or none that can be read.
    pub async fn peers(&self) -> Result<Vec<Peer>, AgentError> {
        self.ask(self.client.clone().list_peers(ListPeersRequest {}))
            .await?
            .peers
            .into_iter()
            .map(|peer| Peer::try_from(peer).map_err(|e| self.unreadable(e)))
            .collect()
    }

    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<T, AgentError> {
        let why = match tokio::time::timeout(ANSWER, question).await {
            Ok(Ok(answer)) => return Ok(answer.into_inner()),
            Ok(Err(status)) => status_in_words(&status),
            Err(_) => format!("no answer within {ANSWER:?}"),
        };
        Err(AgentError::Unreachable { agent: self.address.clone(), why })
    }

    fn unreadable(&self, why: impl fmt::Display) -> AgentError {
        AgentError::Unreadable { agent: self.address.clone(), why: why.to_string() }
    }
}

/// What a gRPC status says, in words; an agent's may be any number of them.
pub(crate) fn status_in_words(status: &tonic::Status) -> String {
    match status.message() {
        "" => status.code().description().to_owned(),
        message => match message.char_indices().nth(WORDS_SHOWN) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message.to_owned(),
        },
    }
}

/// An error with its causes: tonic's own text says only "transport error".
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let causes: Vec<String> =
        std::iter::successors(error.source(), |e| e.source()).map(ToString::to_string).collect();
    causes.last().cloned().unwrap_or_else(|| error.to_string())
}

/// Whether all that an address names is on this machine.
pub(crate) async fn is_loopback(address: &AgentAddress) -> Result<bool, String> {
    let lookup = tokio::net::lookup_host((address.host.as_str(), address.port));
    match tokio::time::timeout(CONNECT, lookup).await {
        Ok(Ok(mut found)) => Ok(found.all(|a| a.ip().is_loopback())),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => Err(format!("its name was not resolved within {CONNECT:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        for (text, whole) in [
            ("node-a", "node-a:7460"),
            ("node-a:99", "node-a:99"),
            ("10.0.0.1", "10.0.0.1:7460"),
            ("fd00::3", "[fd00::3]:7460"),
            ("[fd00::3]", "[fd00::3]:7460"),
            ("[fd00::3]:99", "[fd00::3]:99"),
        ] {
            assert_eq!(text.parse::<AgentAddress>().unwrap().to_string(), whole);
        }
        for text in ["", ":7460", "node-a:", "node-a:0", "node-a:x", "a b", "[node]:1", "[::1]x", "http://a"]
        {
            assert!(text.parse::<AgentAddress>().is_err(), "{text}");
        }
    }
}
