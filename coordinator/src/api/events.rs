//! `hod.coordinator.v1.Events`: what happened.

use futures::stream::BoxStream;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::events_server::Events;
use tonic::{Request, Response, Status};

use super::{Api, check, problem, tell};
use crate::store::{EventFilter, EventsFrom};

#[tonic::async_trait]
impl Events for Api {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let request = request.into_inner();
        let limit = check::page_size(request.page_size)?;
        let job = check::optional_id("job_id", &request.job_id)?;
        let filter = EventFilter {
            pool: self.pool_named(&request.pool).await?.id,
            from: match request.after {
                0 => EventsFrom::Newest,
                after => EventsFrom::After(after),
            },
            limit,
            volume: check::optional(request.volume),
            job,
        };
        let events = self.store.events(&filter).await.map_err(problem::store)?;
        Ok(Response::new(pb::ListEventsResponse { events: events.into_iter().map(tell::event).collect() }))
    }

    type WatchEventsStream = BoxStream<'static, Result<pb::WatchEventsResponse, Status>>;

    async fn watch_events(
        &self,
        request: Request<pb::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let request = request.into_inner();
        let pool = self.pool_named(&request.pool).await?;
        Ok(Response::new(super::watch_events::watch(self.clone(), pool.id, request.after)))
    }
}
