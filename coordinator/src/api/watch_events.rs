//! A watch of a pool's events from a number on.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hod_core::id::PoolId;
use hod_proto::coordinator::v1 as pb;
use tonic::Status;

use super::watch::{self, Watcher};
use super::{Api, problem, tell};
use crate::store::{EventFilter, EventsFrom, Notice, StoreError};

/// How many events are read at once.
const BATCH: i32 = 500;

/// Events after a number: those that are there, then those that come. They are
/// numbered without gaps in the order of their commits, so nothing is missed.
pub(super) fn watch(
    api: Api,
    pool: PoolId,
    after: u64,
) -> BoxStream<'static, Result<pb::WatchEventsResponse, Status>> {
    watch::stream(api.stop.clone(), move |to| follow(api, pool, after, to))
}

async fn follow(
    api: Api,
    pool: PoolId,
    mut after: u64,
    to: Watcher<pb::WatchEventsResponse>,
) -> Result<(), Status> {
    // Before anything is read, so that nothing falls between.
    let mut notices = api.store.listen();
    while let Some(notice) = notices.next().await {
        let concerned = match notice {
            Notice::LookAgain => true,
            Notice::Events(of) | Notice::Pool(of) => of == pool,
            Notice::Job(_) => false,
        };
        if concerned {
            after = tell_after(&api, pool, after, &to).await?;
        }
    }
    Err(Status::unavailable("the store tells no more changes: begin the watch again"))
}

/// Tells what there is after a number; returns the last one's.
async fn tell_after(
    api: &Api,
    pool: PoolId,
    mut after: u64,
    to: &Watcher<pb::WatchEventsResponse>,
) -> Result<u64, Status> {
    loop {
        let filter =
            EventFilter { pool, from: EventsFrom::After(after), limit: BATCH, volume: None, job: None };
        let events = match api.store.events(&filter).await {
            Ok(events) => events,
            Err(StoreError::Unavailable(_)) => {
                tokio::time::sleep(watch::AGAIN).await;
                continue;
            }
            Err(e) => return Err(problem::store(e)),
        };
        let Some(last) = events.last().map(|e| e.number) else {
            return Ok(after);
        };
        for event in events {
            to.tell(pb::WatchEventsResponse { event: Some(tell::event(event)) }).await?;
        }
        after = last;
    }
}
