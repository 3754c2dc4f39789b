//! Starts the coordinator's parts, and stops them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use hod_core::id::CoordinatorId;
use newtype_uuid::GenericUuid as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Connected, TcpIncoming};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::api::Api;
use crate::commands::Commands;
use crate::config::Config;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::store::{self, Store, StoreError};
use crate::sync::{Rules, Sync};
use crate::web;

/// A listener that does not hear so long is gone.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));
/// Calls under way have so long to end when the coordinator stops.
const STOP: Duration = Duration::from_secs(10);

/// Why the coordinator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It can't listen.
    #[error("can't listen on {address} ({flag}): {source}")]
    Listen {
        /// The flag that gives the address.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The store does not tell what there is.
    #[error("can't read what is recorded: {0}")]
    Store(#[from] StoreError),
    /// The descriptors built in can't be read.
    #[error("can't set up gRPC reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The sockets, bound before anything else is begun: a port in use is found first.
pub struct Listeners {
    grpc: (TcpListener, SocketAddr),
    web: (TcpListener, SocketAddr),
}

impl Listeners {
    /// Binds the addresses.
    ///
    /// # Errors
    /// If one is in use, or can't be had.
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            grpc: bind("--listen", config.listen).await?,
            web: bind("--web-listen", config.web_listen).await?,
        })
    }

    /// Where gRPC listens, its port known.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.grpc.1
    }

    /// Where the web page, metrics and health listen, its port known.
    #[must_use]
    pub fn web(&self) -> SocketAddr {
        self.web.1
    }
}

async fn bind(flag: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { flag, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// This process, as the other coordinators know it. Its name tells operators where it
/// runs; with its address it is one that no other has at the same time.
fn itself(config: &Config, bound: SocketAddr) -> store::Coordinator {
    let host = nix::unistd::gethostname()
        .map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned());
    let address = match &config.advertise {
        Some(address) => address.clone(),
        None if bound.ip().is_unspecified() => format!("{host}:{}", bound.port()),
        None => bound.to_string(),
    };
    let is_named_by_it = address.rsplit_once(':').is_some_and(|(named, _)| named == host);
    let name = if is_named_by_it { address.clone() } else { format!("{host} ({address})") };
    store::Coordinator { id: CoordinatorId::from_untyped_uuid(Uuid::new_v4()), name, address }
}

/// A coordinator that runs.
pub struct Coordinator {
    sync: Arc<Sync>,
    commands: Arc<Commands>,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
    servers: JoinSet<()>,
}

impl Coordinator {
    /// Begins to sync every pool that is recorded, and to answer on this machine's
    /// addresses.
    ///
    /// # Errors
    /// If the store does not tell what there is.
    pub async fn start(
        config: &Config,
        listeners: Listeners,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let (grpc, web) = (listeners.grpc, listeners.web);
        let incoming = TcpIncoming::from(grpc.0).with_nodelay(Some(true));
        let network = Network::of_machine(config.plaintext);
        let itself = itself(config, grpc.1);
        let mut coordinator = Self::start_on(config, itself, network, incoming, store).await?;
        coordinator.serve_web(web.0);
        info!(grpc = %grpc.1, web = %web.1, "the coordinator runs");
        Ok(coordinator)
    }

    /// The same on any network: it answers gRPC to whoever comes in, and nothing else.
    ///
    /// # Errors
    /// As [`Coordinator::start`].
    pub async fn start_on<C>(
        config: &Config,
        itself: store::Coordinator,
        network: Network,
        incoming: impl Stream<Item = std::io::Result<C>> + Send + 'static,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError>
    where
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let rules = Rules {
            network,
            silent_after: config.silent_after,
            sync_every: config.sync_every,
            plan: config.plan,
            keep_ended: config.keep_ended,
            coordinator: itself,
            alone: config.database.is_none(),
        };
        let metrics = Metrics::default();
        let stop = CancellationToken::new();
        let sync = Sync::start(store.clone(), rules, metrics.clone()).await?;
        let commands = Commands::new(store.clone(), sync.clone());
        let api = Api::new(store.clone(), sync.clone(), commands.clone(), stop.clone());
        let (routes, reporter) = api.routes().await?;
        let (health, watch_health) = Health::watch(store, reporter);

        let mut servers = JoinSet::new();
        servers.spawn({
            let stop = stop.clone();
            async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = watch_health => {}
                }
            }
        });
        servers.spawn(commands.clone().keep_house(config.housekeeping, stop.clone()));
        let server = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE.0))
            .http2_keepalive_timeout(Some(KEEP_ALIVE.1))
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        servers.spawn(async move {
            if let Err(e) = server.await {
                error!("gRPC broke down: {e}");
            }
        });
        Ok(Self { sync, commands, health, metrics, stop, servers })
    }

    fn serve_web(&mut self, listener: TcpListener) {
        let server = axum::serve(listener, web::routes(self.health.clone(), self.metrics.clone()))
            .with_graceful_shutdown(self.stop.clone().cancelled_owned());
        self.servers.spawn(async move {
            if let Err(e) = server.await {
                error!("HTTP broke down: {e}");
            }
        });
    }

    /// Waits until a server has broken down. A coordinator that answers no more is
    /// better begun anew.
    pub async fn broken(&mut self) {
        self.servers.join_next().await;
    }

    /// Ends watches, waits for calls and commands under way, then ends all syncs and gives
    /// the pools back to other coordinators. It does not wait for ever: what a command cut
    /// off came to is settled by Gluster's own state.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let ended = async {
            while self.servers.join_next().await.is_some() {}
            self.commands.finish().await;
        };
        if tokio::time::timeout(STOP, ended).await.is_err() {
            warn!("calls that did not end within {STOP:?} were cut off");
        }
        self.sync.end_all().await;
    }
}
