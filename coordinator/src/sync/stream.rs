//! An agent's stream of messages, none of which is read before it was seen to be within
//! the bounds ([`bounds`]): what an agent sends must not decide how much memory is taken.

use hod_proto::agent::v1::{WatchTasksRequest, WatchTasksResponse};
use hod_proto::convert::agent::bounds;
use prost::Message as _;
use prost::bytes::Buf as _;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{GrpcMethod, IntoRequest as _, Status, Streaming};
use tonic_prost::ProstEncoder;

/// A stream may tell so many bytes at once, and so many a second in the long run. A pool of
/// 10,000 volumes tells a few MB at first, and one of them at each change.
const AT_ONCE: usize = 64 << 20;
const A_SECOND: usize = 4 << 20;
/// A message counts for no less: it takes time, however short it is.
const MESSAGE_AT_LEAST: usize = 1 << 10;

/// A message, and in how many bytes it came.
pub(super) type Message = (WatchTasksResponse, usize);

/// Opens the stream.
///
/// # Errors
/// As the agent refuses it, or the connection breaks.
pub(super) async fn open(channel: Channel, request: WatchTasksRequest) -> Result<Streaming<Message>, Status> {
    let mut agent = Grpc::new(channel).max_decoding_message_size(bounds::MESSAGE);
    agent.ready().await.map_err(|e| Status::unavailable(format!("the connection broke: {e}")))?;
    let path = PathAndQuery::from_static("/hod.agent.v1.Agent/WatchTasks");
    let mut request = request.into_request();
    request.extensions_mut().insert(GrpcMethod::new("hod.agent.v1.Agent", "WatchTasks"));
    Ok(agent.server_streaming(request, path, Bounded).await?.into_inner())
}

/// protobuf, looked at before it is read.
#[derive(Clone, Copy, Debug)]
struct Bounded;

impl Codec for Bounded {
    type Encode = WatchTasksRequest;
    type Decode = Message;
    type Encoder = ProstEncoder<WatchTasksRequest>;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Decoder for Bounded {
    type Item = Message;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Message>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        bounds::before_reading(&bytes).map_err(|e| Status::out_of_range(e.to_string()))?;
        let message = WatchTasksResponse::decode(bytes.clone())
            .map_err(|e| Status::data_loss(format!("a message can't be read: {e}")))?;
        Ok(Some((message, bytes.len())))
    }
}

/// How much a stream tells over time.
#[derive(Debug)]
pub(super) struct Pace {
    left: usize,
    at: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: AT_ONCE, at: Instant::now() }
    }

    /// Whether a message of so many bytes is not more than the stream may tell now.
    pub(super) fn allows(&mut self, bytes: usize) -> bool {
        let now = Instant::now();
        let millis = usize::try_from((now - self.at).as_millis()).unwrap_or(usize::MAX);
        if millis > 0 {
            self.left = self.left.saturating_add(millis.saturating_mul(A_SECOND / 1000)).min(AT_ONCE);
            self.at = now;
        }
        match self.left.checked_sub(bytes.max(MESSAGE_AT_LEAST)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// What an operator reads of a stream that tells too much.
    pub(super) fn exceeded() -> String {
        format!(
            "its agent tells without end: more than {} MiB at once, and {} MiB a second in the long run",
            AT_ONCE >> 20,
            A_SECOND >> 20
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_tells_much_at_once_and_less_in_the_long_run() {
        let mut pace = Pace::new();
        assert!(pace.allows(AT_ONCE));
        assert!(!pace.allows(1));
        advance(Duration::from_secs(1)).await;
        assert!(pace.allows(A_SECOND - A_SECOND % 1000));
        assert!(!pace.allows(MESSAGE_AT_LEAST));
        advance(Duration::from_secs(3600)).await;
        assert!(pace.allows(AT_ONCE));
        assert!(!pace.allows(1));
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_volumes_each_second_are_no_flood() {
        let mut pace = Pace::new();
        for _ in 0..3600 {
            assert!(pace.allows(3 << 20));
            advance(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn small_messages_without_end_are_one() {
        let mut pace = Pace::new();
        let told = (0..1_000_000).take_while(|_| pace.allows(2)).count();
        assert_eq!(told, AT_ONCE / MESSAGE_AT_LEAST);
    }
}
