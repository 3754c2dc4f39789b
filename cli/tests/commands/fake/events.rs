//! The fake coordinator's events.

use hod_proto::coordinator::v1::events_server::Events;
use hod_proto::coordinator::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{Answer, Shared, pool};

#[tonic::async_trait]
impl Events for Shared {
    type WatchEventsStream = BoxStream<WatchEventsResponse>;

    async fn list_events(&self, request: Request<ListEventsRequest>) -> Answer<ListEventsResponse> {
        let state = self.called(&request)?;
        let request = request.into_inner();
        pool(&state, &request.pool)?;
        let mut events: Vec<_> = state
            .events
            .iter()
            .filter(|event| event.pool == request.pool && event.number > request.after)
            .filter(|event| request.volume.is_empty() || event.volume == request.volume)
            .filter(|event| request.job_id.is_empty() || event.job_id == request.job_id)
            .cloned()
            .collect();
        let size = usize::try_from(request.page_size).unwrap();
        if request.after == 0 {
            events.drain(..events.len().saturating_sub(size));
        } else {
            events.truncate(size);
        }
        Ok(Response::new(ListEventsResponse { events }))
    }

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Answer<BoxStream<WatchEventsResponse>> {
        pool(&*self.called(&request)?, &request.get_ref().pool)?;
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(tell_events(self.clone(), request.into_inner(), sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn tell_events(
    shared: Shared,
    request: WatchEventsRequest,
    sender: mpsc::Sender<Result<WatchEventsResponse, Status>>,
) {
    let mut changed = shared.changed.subscribe();
    let mut cut = shared.cut.subscribe();
    let mut after = request.after;
    loop {
        changed.mark_unchanged();
        let events: Vec<Event> = shared
            .state()
            .events
            .iter()
            .filter(|event| event.pool == request.pool && event.number > after)
            .cloned()
            .collect();
        for event in events {
            after = event.number;
            let message = WatchEventsResponse { event: Some(event) };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = changed.changed() => {}
            _ = cut.changed() => return,
            () = sender.closed() => return,
        }
    }
}
