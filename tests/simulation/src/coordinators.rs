//! Coordinators: the real ones, over the real store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use hod_coordinator::config::{Config, Given};
use hod_coordinator::start::Coordinator;
use hod_coordinator::store::PgStore;
use hod_core::id::CoordinatorId;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::net;
use crate::wire::{Socket, Trouble};

/// Where coordinators listen.
pub(crate) const PORT: u16 = 7470;

/// How often watchers look at everything again: no notices pass through the wire.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Where the database is.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) config: tokio_postgres::Config,
    pub(crate) clock: Clock,
}

/// Runs a coordinator until it crashes.
pub(crate) async fn run(
    place: Place,
    trouble: Trouble,
    name: String,
) -> Result<(), Box<dyn std::error::Error>> {
    let connections = || {
        let socket = Socket::new(&place.folder, place.clock.clone(), trouble.clone());
        let manager = Manager::from_connect(
            place.config.clone(),
            socket,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let patience = Some(Duration::from_secs(10));
        Pool::builder(manager)
            .max_size(8)
            .runtime(Runtime::Tokio1)
            .wait_timeout(patience)
            .create_timeout(patience)
            .recycle_timeout(patience)
            .build()
    };
    let store = Arc::new(PgStore::polled(connections()?, connections()?, LOOK_AGAIN));
    // Not the private one: it shares the pools with others.
    let config =
        Config { database: Some(place.folder.display().to_string()), ..Config::from(Given::default()) };
    loop {
        let itself = hod_coordinator::store::Coordinator {
            id: CoordinatorId::from_untyped_uuid(Uuid::new_v4()),
            name: name.clone(),
            address: format!("{name}:{PORT}"),
        };
        let incoming = net::listen(PORT).await?;
        let started = Coordinator::start_on(&config, itself, net::network(), incoming, store.clone()).await;
        if let Ok(mut coordinator) = started {
            coordinator.broken().await;
        }
        // As its supervisor would: the database may have been away.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
