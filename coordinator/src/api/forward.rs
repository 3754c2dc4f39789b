//! Calls about a pool that another coordinator holds: they are sent on to that one, so
//! that an operator may ask any.
//!
//! A service that needs what only a pool's holder has (its lease, or what its agents say
//! now) answers with [`held_by`]; that answer never leaves this process. The call is sent
//! to the holder as it came, with who makes it and its deadline, and the holder's answer
//! is returned as it is. A call that was sent on is not sent on again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;
use tonic::Status;
use tonic::client::GrpcService as _;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tracing::debug;

use crate::network::Network;
use crate::sync::agent::{AgentAddress, in_words, is_loopback};

/// Where the pool's holder is reached: set on an answer that is not to leave the process.
const HELD_BY: &str = "hod-held-by";
/// A call with this is answered here, whoever holds the pool.
const SENT_ON: &str = "hod-sent-on";
/// What is sent on. Everything here is one message that asks.
const SERVICES: &str = "/hod.coordinator.v1.";
/// What must not be answered by another than the holder, not even in part.
const COMMANDS: &str = "/hod.coordinator.v1.Commands/";
/// No request is larger: it is what tonic takes.
const REQUEST_AT_MOST: usize = 4 << 20;
/// More than another coordinator tells of the largest pool that hod is made for.
pub(super) const ANSWER_AT_MOST: usize = 256 << 20;
/// A holder that does not answer for so long is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a connection is tried while an answer is waited for, and for how long.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3));
/// A question that only reads is answered here after that: from the record alone.
const READ_AT_MOST: Duration = Duration::from_secs(10);

/// Reaches the other coordinators. Clones share their connections.
#[derive(Clone)]
pub(super) struct Forwarder {
    network: Network,
    channels: Arc<Mutex<BTreeMap<String, Channel>>>,
}

/// That another coordinator holds the pool, and where that one is reached.
pub(super) fn held_by(address: &str, message: String) -> Status {
    let mut status = Status::unavailable(message);
    if let Ok(address) = address.parse() {
        status.metadata_mut().insert(HELD_BY, address);
    }
    status
}

/// Whether a call was sent on by another coordinator, or is to be answered here all the same.
pub(super) fn is_sent_on(metadata: &MetadataMap) -> bool {
    metadata.contains_key(SENT_ON)
}

/// A question of this coordinator's own to another, about what that one holds.
pub(super) fn sent_on<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert(SENT_ON, MetadataValue::from_static("1"));
    request
}

/// Answers a call, or sends it on to who can.
pub(super) async fn forward(State(to): State<Forwarder>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with(SERVICES) || request.headers().contains_key(SENT_ON) {
        let mut answer = next.run(request).await;
        answer.headers_mut().remove(HELD_BY);
        return answer;
    }
    let is_command = path.starts_with(COMMANDS);
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, REQUEST_AT_MOST).await {
        Ok(body) => body,
        Err(e) => return Status::resource_exhausted(format!("the request can't be read: {e}")).into_http(),
    };
    let again = |headers: HeaderMap| {
        let mut copy = Request::from_parts(parts.clone(), Body::from(body.clone()));
        *copy.headers_mut() = headers;
        copy
    };
    let mut sent = parts.headers.clone();
    sent.insert(SENT_ON, HeaderValue::from_static("1"));
    let mut answer = next.clone().run(again(parts.headers.clone())).await;
    let Some(holder) = answer.headers_mut().remove(HELD_BY) else {
        return answer;
    };
    let holder = holder.to_str().unwrap_or_default().to_owned();
    debug!(path = parts.uri.path(), holder, "is sent on");
    let sending = to.send(&holder, again(sent.clone()));
    if is_command {
        return sending.await.unwrap_or_else(|e| e.status(&holder).into_http());
    }
    match timeout(READ_AT_MOST, sending).await {
        Ok(Ok(answer)) => answer,
        // What is recorded can be told in any case.
        Ok(Err(_)) | Err(_) => {
            let mut answer = next.run(again(sent)).await;
            answer.headers_mut().remove(HELD_BY);
            answer
        }
    }
}

/// Why there is no answer of the holder's.
enum NotSent {
    /// The call did not reach it.
    AtAll(String),
    /// It may have.
    Perhaps(String),
}

impl NotSent {
    fn status(&self, holder: &str) -> Status {
        Status::unavailable(match self {
            Self::AtAll(why) => format!(
                "the coordinator at {holder} holds the pool and can't be reached ({why}): nothing was \
                 done; if it is gone, another takes the pool within 10 s"
            ),
            Self::Perhaps(why) => format!(
                "the coordinator at {holder} holds the pool and gave no answer ({why}): whether it took \
                 the command shows in hod jobs"
            ),
        })
    }
}

impl Forwarder {
    pub(super) fn new(network: Network) -> Self {
        Self { network, channels: Arc::default() }
    }

    async fn send(&self, holder: &str, mut request: Request) -> Result<Response, NotSent> {
        let mut channel = self.channel(holder).await.map_err(NotSent::AtAll)?;
        // The channel adds who is asked.
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str()).parse::<Uri>();
        *request.uri_mut() = path.map_err(|e| NotSent::AtAll(e.to_string()))?;
        let ready = futures::future::poll_fn(|context| channel.poll_ready(context));
        let answer = match ready.await {
            Ok(()) => channel
                .call(request.map(tonic::body::Body::new))
                .await
                .map_err(|e| NotSent::Perhaps(in_words(&e))),
            Err(e) => Err(NotSent::AtAll(in_words(&e))),
        };
        if answer.is_err() {
            self.forget(holder);
        }
        Ok(answer?.map(Body::new))
    }

    /// What another coordinator answers to a question that only reads. `None`: it gives no
    /// answer, and what is recorded has to do.
    pub(super) async fn ask<T, F>(&self, address: &str, call: impl FnOnce(Channel) -> F) -> Option<T>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let asked = async {
            let channel = self.channel(address).await?;
            call(channel).await.map_err(|status| status.message().to_owned())
        };
        let why = match timeout(READ_AT_MOST, asked).await {
            Ok(Ok(answer)) => return Some(answer.into_inner()),
            Ok(Err(why)) => why,
            Err(_) => format!("no answer within {READ_AT_MOST:?}"),
        };
        debug!(holder = address, "does not answer: {why}");
        self.forget(address);
        None
    }

    /// A connection to another coordinator.
    ///
    /// # Errors
    /// In words, why there is none.
    async fn channel(&self, address: &str) -> Result<Channel, String> {
        if let Some(channel) = self.channels().get(address) {
            return Ok(channel.clone());
        }
        let named: AgentAddress = address.parse().map_err(|e| format!("{e}"))?;
        if !self.network.allows_plaintext() && !is_loopback(&named).await? {
            return Err("it is beyond loopback and would be spoken to in plain text: start the \
                        coordinators with --plaintext to accept that"
                .to_owned());
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|e| in_words(&e))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1);
        let connecting = tokio::time::timeout(CONNECT, self.network.connect(&endpoint));
        let channel = match connecting.await {
            Ok(Ok(channel)) => channel,
            Ok(Err(e)) => return Err(in_words(&e)),
            Err(_) => return Err(format!("no connection within {CONNECT:?}")),
        };
        self.channels().insert(address.to_owned(), channel.clone());
        Ok(channel)
    }

    /// The next call connects anew.
    fn forget(&self, address: &str) {
        self.channels().remove(address);
    }

    fn channels(&self) -> MutexGuard<'_, BTreeMap<String, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
