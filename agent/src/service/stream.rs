//! One watcher's stream: the picture, the news, and signs of life between.

use std::time::Duration;

use hod_proto::agent::v1::WatchTasksResponse;
use hod_proto::convert::common::duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::Instrument as _;

use super::teller::Teller;
use super::watchers::Watcher;
use crate::picture::Board;

/// The messages that may wait for one watcher to take them. A watcher that is
/// slower gets fewer and newer ones.
const WAITING: usize = 16;

/// Tells a watcher until it goes, or the agent stops.
pub(crate) fn open(
    board: &Board,
    watcher: Watcher,
    alive_every: Duration,
    stop: CancellationToken,
) -> ReceiverStream<Result<WatchTasksResponse, Status>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let board = board.clone();
    let task = async move {
        // Counted as long as the stream lives.
        let _watcher = watcher;
        tokio::select! {
            () = tell(&board, &sender, alive_every) => {}
            () = sender.closed() => {}
            () = stop.cancelled() => {
                // If it is not taken at once, the end of the stream says the same.
                let _ = sender.try_send(Err(Status::unavailable("the agent is stopping")));
            }
        }
    };
    tokio::spawn(task.in_current_span());
    ReceiverStream::new(receiver)
}

async fn tell(
    board: &Board,
    sender: &mpsc::Sender<Result<WatchTasksResponse, Status>>,
    alive_every: Duration,
) {
    let opened = Instant::now();
    let mut teller = Teller::default();
    let mut watch = board.watch();
    watch.mark_changed();
    let picture = board.picture();
    if !picture.is_whole() {
        let alive = WatchTasksResponse { sent: Some(duration(opened.elapsed())), ..Teller::alive(&picture) };
        if sender.send(Ok(alive)).await.is_err() {
            return;
        }
    }
    let mut last_word = Instant::now();
    loop {
        let (now, messages) = tokio::select! {
            changed = watch.changed() => {
                if changed.is_err() {
                    return;
                }
                let picture = watch.borrow_and_update().clone();
                let now = Instant::now();
                (now, teller.news(&picture, now))
            }
            () = tokio::time::sleep_until(last_word + alive_every) => {
                (Instant::now(), vec![Teller::alive(&board.picture())])
            }
        };
        // The ages are as of now, also of what waits for its turn to be taken.
        let sent = Some(duration(now - opened));
        for message in messages {
            if sender.send(Ok(WatchTasksResponse { sent, ..message })).await.is_err() {
                return;
            }
            last_word = Instant::now();
        }
    }
}
