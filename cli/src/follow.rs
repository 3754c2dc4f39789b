//! A stream that is kept open: where the connection breaks, it is made again, to
//! whichever coordinator serves, until patience ends.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Code, Response, Status, Streaming};

use crate::client::{Client, time_of};
use crate::command::Context;
use crate::exit::Exit;
use crate::failure::Failure;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a kept stream tells.
#[derive(Debug)]
pub enum Sign<T> {
    /// It is open (again), at this time of the coordinator's.
    Open(Timestamp),
    /// A message.
    Told(T),
    /// The connection broke, and is being made again.
    Lost(Failure),
    /// It will not be open again.
    Ended(Failure),
}

/// Keeps a stream open and sends on what it tells, until the receiver is gone, the
/// coordinator refuses, or `patience` has passed without a connection. `open` gets
/// the last message, to go on behind it.
pub async fn keep_open<T, O, F>(
    context: Context,
    mut client: Client,
    doing: String,
    patience: Duration,
    mut open: O,
    signs: mpsc::Sender<Sign<T>>,
) where
    T: Clone,
    O: FnMut(Client, Option<T>) -> F,
    F: Future<Output = Result<Response<Streaming<T>>, Status>>,
{
    let mut last = None;
    let mut lost_at: Option<Instant> = None;
    let mut wait = FIRST_WAIT;
    loop {
        let trouble = match open(client.clone(), last.clone()).await {
            Ok(stream) => {
                (lost_at, wait) = (None, FIRST_WAIT);
                match drain(stream, &mut last, &signs).await {
                    Some(trouble) => trouble,
                    None => return,
                }
            }
            Err(status) => status,
        };
        let failure = Failure::refused(&doing, &trouble);
        let since = *lost_at.get_or_insert_with(Instant::now);
        if !may_pass(&trouble) || since.elapsed() >= patience {
            // The receiver may be gone: then nobody wants to know.
            let _ = signs.send(Sign::Ended(failure)).await;
            return;
        }
        if signs.send(Sign::Lost(failure)).await.is_err() {
            return;
        }
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            match context.client().await {
                Ok(found) => {
                    client = found;
                    break;
                }
                Err(failure) if since.elapsed() >= patience => {
                    let _ = signs.send(Sign::Ended(failure)).await;
                    return;
                }
                Err(_) if signs.is_closed() => return,
                Err(_) => {}
            }
        }
    }
}

/// Sends on what the stream tells until it breaks. `None`: nobody listens any more.
async fn drain<T: Clone>(
    stream: Response<Streaming<T>>,
    last: &mut Option<T>,
    signs: &mpsc::Sender<Sign<T>>,
) -> Option<Status> {
    let now = time_of(stream.metadata()).unwrap_or_else(Timestamp::now);
    signs.send(Sign::Open(now)).await.ok()?;
    let mut stream = stream.into_inner();
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                *last = Some(message.clone());
                signs.send(Sign::Told(message)).await.ok()?;
            }
            Ok(None) => return Some(Status::unavailable("the coordinator ended the stream")),
            Err(status) => return Some(status),
        }
    }
}

/// Whether it may be another answer later.
fn may_pass(status: &Status) -> bool {
    !matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::PermissionDenied
            | Code::Unauthenticated
    )
}

/// The task that kept the stream is gone without a word: that can't be, and is said.
#[must_use]
pub fn vanished() -> Failure {
    Failure::new(Exit::Trouble, "the stream ended for no reason that is known")
}
