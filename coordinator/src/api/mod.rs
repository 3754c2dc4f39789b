//! What the coordinator answers over gRPC: one file a service.
//!
//! A request is checked where it arrives ([`check`]); from there on its values are
//! types of `hod-core`. Answers are made from what the store holds ([`tell`]) and
//! keep no state of their own; a watch listens to the store first and reads then,
//! so that nothing falls between. What goes wrong becomes a status in one place
//! ([`problem`]).

mod add_pool;
mod ages;
mod check;
mod commands;
mod events;
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
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use crate::commands::Commands;
use crate::store::Store;
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
}

impl Api {
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
        Ok((routes.routes(), reporter))
    }
}
