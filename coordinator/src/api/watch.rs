//! What both watches have in common: a task that tells, for as long as somebody
//! listens and the coordinator runs.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::problem;

/// How many messages wait for a slow listener before the watch waits with them.
const WAITING: usize = 64;

/// A store that does not answer is asked again after this time.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Where a watch tells what it sees.
pub(super) struct Watcher<T>(mpsc::Sender<Result<T, Status>>);

impl<T> Watcher<T> {
    /// Tells; waits while the listener is slow.
    pub(super) async fn tell(&self, message: T) -> Result<(), Status> {
        self.0.send(Ok(message)).await.map_err(|_| Status::cancelled("nobody listens any more"))
    }
}

/// The stream of what a watch tells. Its end is the watch's error.
pub(super) fn stream<T, F>(
    stop: CancellationToken,
    watch: impl FnOnce(Watcher<T>) -> F + Send + 'static,
) -> BoxStream<'static, Result<T, Status>>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let (to, from) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let watching = watch(Watcher(to.clone()));
        let end = tokio::select! {
            () = to.closed() => return,
            () = stop.cancelled() => Err(problem::stopping()),
            end = watching => end,
        };
        if let Err(status) = end {
            // Nobody may listen any more, which is no error.
            let _ = to.send(Err(status)).await;
        }
    });
    ReceiverStream::new(from).boxed()
}
