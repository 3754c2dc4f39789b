//! What the coordinator answers over gRPC: one file a service.
//!
//! A request is checked where it arrives ([`check`]); from there on its values are
//! types of `hod-core`. A call about a pool that another coordinator holds is sent on to
//! that one ([`forward`]). Answers are made from what the store holds ([`tell`]) and
//! keep no state of their own; a watch listens to the store first and reads then,
//! so that nothing falls between. What goes wrong becomes a status in one place
//! ([`problem`]).

mod add_pool;
mod ages;
mod check;
mod commands;
mod events;
mod forward;
mod identity;
mod jobs;
mod pools;
mod problem;
mod tasks;
mod tell;
mod watch;
mod watch_events;
mod watch_jobs;

use std::sync::Arc;

use hod_proto::coordinator::v1::commands_server::CommandsServer;
use hod_proto::coordinator::v1::events_server::EventsServer;
use hod_proto::coordinator::v1::jobs_server::JobsServer;
use hod_proto::coordinator::v1::pools_server::PoolsServer;
use hod_proto::coordinator::v1::tasks_server::TasksServer;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use forward::Forwarder;

use crate::commands::Commands;
use crate::store::{Pool, Store};
use crate::sync::Sync;

/// What every service answers from.
#[derive(Clone)]
pub struct Api {
    /// The record.
    pub store: Arc<dyn Store>,
    /// The live view, and what begins and ends a pool's sync.
    pub sync: Arc<Sync>,
    /// What has agents do what operators ask for.
    pub commands: Arc<Commands>,
    /// Cancelled when the coordinator stops: watches end then.
    pub stop: CancellationToken,
    forwarder: Forwarder,
}

impl Api {
    /// What answers from these.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        sync: Arc<Sync>,
        commands: Arc<Commands>,
        stop: CancellationToken,
    ) -> Self {
        let forwarder = Forwarder::new(sync.rules().network.clone());
        Self { store, sync, commands, stop, forwarder }
    }

    /// Where a pool is held, if another coordinator holds it.
    fn held_elsewhere(&self, pool: &Pool) -> Option<String> {
        let here = self.sync.live(pool.id).is_some_and(|live| live.tenure().lease().is_some());
        let by_itself = pool.holder == self.sync.rules().coordinator.name;
        (!here && !by_itself && !pool.holder_address.is_empty()).then(|| pool.holder_address.clone())
    }

    /// Whether a call that only a pool's holder can answer is for this coordinator.
    ///
    /// # Errors
    /// It is for another: has the call sent on.
    fn is_for_us(&self, pool: &Pool) -> Result<(), Status> {
        let Some(address) = self.held_elsewhere(pool) else { return Ok(()) };
        let message = format!("pool {} is held by the coordinator {}", pool.name, pool.holder);
        Err(forward::held_by(&address, message))
    }

    /// All services, with health and reflection; and who tells health.
    ///
    /// # Errors
    /// If the descriptors built in can't be read.
    pub async fn routes(self) -> Result<(Routes, HealthReporter), tonic_reflection::server::Error> {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<PoolsServer<Self>>().await;
        reporter.set_serving::<JobsServer<Self>>().await;
        reporter.set_serving::<TasksServer<Self>>().await;
        reporter.set_serving::<EventsServer<Self>>().await;
        reporter.set_serving::<CommandsServer<Self>>().await;
        let forwarder = self.forwarder.clone();
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(hod_proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = Routes::builder();
        routes
            .add_service(PoolsServer::new(self.clone()))
            .add_service(JobsServer::new(self.clone()))
            .add_service(TasksServer::new(self.clone()))
            .add_service(EventsServer::new(self.clone()))
            .add_service(CommandsServer::new(self))
            .add_service(health)
            .add_service(reflection().build_v1()?)
            // grpcurl up to 1.8 speaks this one only.
            .add_service(reflection().build_v1alpha()?);
        let sent_on = axum::middleware::from_fn_with_state(forwarder, forward::forward);
        Ok((routes.routes().into_axum_router().layer(sent_on).into(), reporter))
    }
}
