//! The way to the coordinator: which one, with what deadline, and whose clock.

use std::time::Duration;

use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::coordinator::v1::events_client::EventsClient;
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::tasks_client::TasksClient;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::address::Address;
use crate::exit::Exit;
use crate::failure::{Failure, root};
use crate::identity::identity;

/// How long an address may take to be connected to.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one call may take. Adding a pool asks its agents in turn.
const CALL: Duration = Duration::from_secs(60);

/// How long a command may take until it is refused or under way: before a commit the
/// agents walk the bricks, and heals are counted.
const COMMAND: Duration = Duration::from_secs(15 * 60);

/// More than the answer of the largest pool that hod is made for.
const LONGEST_ANSWER: usize = 256 * 1024 * 1024;

/// A connection to one coordinator.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    identity: MetadataValue<Ascii>,
}

impl Client {
    /// Connects to the first of the coordinators that serves.
    ///
    /// # Errors
    /// None can be reached: each is named with the reason.
    pub async fn connect(coordinators: &[Address]) -> Result<Self, Failure> {
        let identity = identity();
        let mut refusals = Vec::new();
        let mut ailing = None;
        for address in coordinators {
            let endpoint = address
                .endpoint()
                .connect_timeout(CONNECT)
                // A watch may be still for hours: a dead connection must be noticed.
                .http2_keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(10))
                .keep_alive_while_idle(true);
            match endpoint.connect().await {
                Ok(channel) if coordinators.len() == 1 || serves(&channel).await => {
                    return Ok(Self { channel, identity });
                }
                // Better one that says what ails it than none.
                Ok(channel) => ailing = ailing.or(Some(channel)),
                Err(error) => refusals.push(format!("{address}: {}", root(&error))),
            }
        }
        match ailing {
            Some(channel) => Ok(Self { channel, identity }),
            None => Err(Failure::new(
                Exit::Trouble,
                format!(
                    "can't reach the coordinator at {}; does hod-coordinator run there? \
                     (--coordinator or HOD_COORDINATOR names another)",
                    refusals.join(", ")
                ),
            )),
        }
    }

    /// A request with its deadline, and with who makes it.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.lasting(message);
        request.set_timeout(CALL);
        request
    }

    /// A request of a command, which checks first.
    pub fn command<T>(&self, message: T) -> Request<T> {
        let mut request = self.lasting(message);
        request.set_timeout(COMMAND);
        request
    }

    /// A request for a stream: it lasts as long as it is wanted.
    pub fn lasting<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert(hod_proto::IDENTITY_KEY, self.identity.clone());
        request
    }

    /// `hod.coordinator.v1.Pools`.
    #[must_use]
    pub fn pools(&self) -> PoolsClient<Channel> {
        PoolsClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    /// `hod.coordinator.v1.Tasks`.
    #[must_use]
    pub fn tasks(&self) -> TasksClient<Channel> {
        TasksClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    /// `hod.coordinator.v1.Jobs`.
    #[must_use]
    pub fn jobs(&self) -> JobsClient<Channel> {
        JobsClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    /// `hod.coordinator.v1.Commands`.
    #[must_use]
    pub fn commands(&self) -> CommandsClient<Channel> {
        CommandsClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    /// `hod.coordinator.v1.Events`.
    #[must_use]
    pub fn events(&self) -> EventsClient<Channel> {
        EventsClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }
}

/// Whether a coordinator says that it serves. One without a health service does.
async fn serves(channel: &Channel) -> bool {
    let mut request = Request::new(HealthCheckRequest::default());
    request.set_timeout(CONNECT);
    match HealthClient::new(channel.clone()).check(request).await {
        Ok(answer) => answer.get_ref().status() == ServingStatus::Serving,
        Err(status) => status.code() == tonic::Code::Unimplemented,
    }
}

/// An answer, and the coordinator's time when it gave it: ages are reckoned
/// against that, since this machine's clock may be another.
pub fn told<T>(response: Response<T>) -> (T, Timestamp) {
    let now = time_of(response.metadata()).unwrap_or_else(Timestamp::now);
    (response.into_inner(), now)
}

/// The time in the header `date`, which every HTTP server sends.
pub fn time_of(metadata: &MetadataMap) -> Option<Timestamp> {
    let date = metadata.get("date")?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coordinators_clock_counts() {
        let mut response = Response::new(());
        let date = "Sat, 31 Jan 2026 12:00:00 GMT";
        response.metadata_mut().insert("date", date.parse().unwrap());
        let ((), now) = told(response);
        assert_eq!(now, "2026-01-31T12:00:00Z".parse().unwrap());
    }

    #[test]
    fn without_its_clock_this_one_serves() {
        let before = Timestamp::now();
        let ((), now) = told(Response::new(()));
        assert!(now >= before);
    }
}
