//! Whether the coordinator is well: whether its database answers.

use std::sync::Arc;
use std::time::Duration;

use hod_proto::coordinator::v1::events_server::SERVICE_NAME as EVENTS;
use hod_proto::coordinator::v1::jobs_server::SERVICE_NAME as JOBS;
use hod_proto::coordinator::v1::pools_server::SERVICE_NAME as POOLS;
use hod_proto::coordinator::v1::tasks_server::SERVICE_NAME as TASKS;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::{error, info};

use crate::store::Store;

/// How often the database is asked, and how long it may take to answer.
const ASK: Duration = Duration::from_secs(5);

/// Whether the coordinator is well. Clones tell the same.
#[derive(Clone, Debug)]
pub struct Health(watch::Receiver<Option<String>>);

impl Health {
    /// What is wrong, if anything is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Whether the coordinator is well, and the work that finds it out: to be run
    /// for as long as the coordinator runs. It tells `grpc.health.v1` too.
    pub fn watch(
        store: Arc<dyn Store>,
        reporter: HealthReporter,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (tell, health) = watch::channel(None);
        let watching = async move {
            loop {
                let trouble = match timeout(ASK, store.now()).await {
                    Ok(Ok(_)) => None,
                    Ok(Err(e)) => Some(e.to_string()),
                    Err(_) => Some(format!("the database gave no answer within {ASK:?}")),
                };
                report(&reporter, trouble.is_none()).await;
                match (tell.borrow().as_ref(), &trouble) {
                    (None, Some(why)) => error!("not well: {why}"),
                    (Some(_), None) => info!("well again: the database answers"),
                    _ => {}
                }
                tell.send_replace(trouble);
                sleep(ASK).await;
            }
        };
        (Self(health), watching)
    }
}

/// The empty name stands for the server as a whole.
async fn report(reporter: &HealthReporter, well: bool) {
    let status = match well {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    };
    for service in ["", POOLS, JOBS, TASKS, EVENTS] {
        reporter.set_service_status(service, status).await;
    }
}
