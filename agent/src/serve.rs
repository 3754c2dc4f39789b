//! Opens the ports, starts the parts, and stops them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use futures::Stream;
use hod_proto::agent::v1::agent_server::AgentServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::Connected;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::bricks::Bricks;
use crate::command::{Commands, Means as CommandMeans};
use crate::config::Config;
use crate::discovery::Discovery;
use crate::events::{self, Hearing, port::Ear};
use crate::fence::Fence;
use crate::follow::{self, Means};
use crate::gluster::process::{Binary, Run};
use crate::gluster::{GlusterCli, Settings};
use crate::history;
use crate::identity::{self, Names};
use crate::locked::LockedCalls;
use crate::metrics::Metrics;
use crate::picture::Board;
use crate::pulse::{self, SOCKET};
use crate::service::AgentService;
use crate::service::watchers::Watchers;
use crate::watch::{self, Folders, Wakes};

/// The service's name in health checks.
const SERVICE: &str = "hod.agent.v1.Agent";

/// How long open calls may take to end once the agent is told to stop.
const GOODBYE: Duration = Duration::from_secs(5);

/// What keeps the agent from running.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A port can't be had.
    #[error("can't listen on {address} for {what}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What for.
        what: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// The agent's own folder can't be made.
    #[error("the state folder {folder} can't be made: {error}; name another one with --state-dir")]
    StateFolder {
        /// Which.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// What reflection tells can't be put together.
    #[error("reflection can't be offered: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A server ended by itself.
    #[error("gRPC can't be answered any more: {0}")]
    Grpc(#[from] tonic::transport::Error),
}

/// The host that an agent is on, as far as it is not told by Gluster.
#[derive(Clone)]
pub struct Host {
    /// Runs its gluster command.
    pub gluster: Arc<dyn Run>,
    /// Tells its names.
    pub names: Names,
    /// Whether the machine can tell of changes to files, and has sockets.
    machine: bool,
}

impl Host {
    /// This machine.
    #[must_use]
    pub fn this_machine(config: &Config) -> Self {
        let gluster = Arc::new(Binary(config.gluster.clone()));
        Self { gluster, names: Arc::new(identity::names), machine: true }
    }

    /// A host that is only played: nothing tells of changes to its files, so that they
    /// are looked at every now and then.
    #[must_use]
    pub fn played(gluster: Arc<dyn Run>, name: &str) -> Self {
        let name = name.to_owned();
        Self { gluster, names: Arc::new(move || vec![name.clone()]), machine: false }
    }
}

/// Runs the agent on this machine until it is told to stop. `ready` is called when its
/// ports are open.
///
/// # Errors
/// What keeps it from running, in one line.
pub async fn serve(config: Config, stop: CancellationToken, ready: impl FnOnce()) -> Result<(), Failure> {
    let grpc = listen(config.listen, "gRPC").await?;
    let web = listen(config.metrics_listen, "metrics").await?;
    let host = Host::this_machine(&config);
    serve_on(config, host, TcpListenerStream::new(grpc), Some(web), stop, ready).await
}

/// Runs the agent of any host, for whoever comes in, until it is told to stop.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on<C>(
    config: Config,
    host: Host,
    incoming: impl Stream<Item = std::io::Result<C>>,
    web: Option<TcpListener>,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), Failure>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    // An address is one agent's alone, and so is a folder with its name.
    let state_folder = config.state_dir.join(config.listen.to_string());
    std::fs::create_dir_all(&state_folder)
        .map_err(|error| Failure::StateFolder { folder: state_folder.display().to_string(), error })?;

    let metrics = Arc::new(Metrics::default());
    let fence = Fence::in_folder(&state_folder);
    let settings = Settings {
        deadline: config.call_deadline,
        locked_deadline: config.call_deadline,
        change_deadline: config.command_deadline,
        ..Settings::new(host.gluster.clone(), state_folder)
    };
    let gluster = Arc::new(GlusterCli::new(settings, Some(metrics.clone())));
    let parts = Parts {
        locked: LockedCalls::new(gluster.clone(), config.paces.rest),
        gluster,
        fence,
        board: Board::default(),
        wakes: Arc::default(),
        watchers: Watchers::default(),
        metrics,
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    let tasks = TaskTracker::new();
    parts.start(&config, &host, &reporter, &stop, &tasks).await;
    if let Some(web) = web {
        tasks.spawn(serve_web(web, parts.clone(), stop.clone()));
    }

    let descriptors = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(hod_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The descriptors know the coordinator's services too.
            .with_service_name(SERVICE)
            .with_service_name("grpc.health.v1.Health")
            .with_service_name("grpc.reflection.v1.ServerReflection")
    };
    let server = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .tcp_nodelay(true)
        .add_service(health)
        .add_service(descriptors().build_v1()?)
        .add_service(descriptors().build_v1alpha()?)
        .add_service(AgentServer::new(parts.service(&config, &stop, &tasks)))
        .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    tracing::info!(listen = %config.listen, metrics = %config.metrics_listen, "ready");
    ready();

    let served = tokio::select! {
        served = server => served,
        () = out_of_patience(&stop) => Ok(()),
    };
    stop.cancel();
    tasks.close();
    let _ = tokio::time::timeout(GOODBYE, tasks.wait()).await;
    tracing::info!("stopped");
    served.map_err(Into::into)
}

/// Watchers may hold a connection open without end.
async fn out_of_patience(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GOODBYE).await;
}

async fn listen(address: SocketAddr, what: &'static str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::Listen { address, what, error })
}

#[derive(Clone)]
struct Parts {
    gluster: Arc<GlusterCli>,
    fence: Fence,
    locked: LockedCalls,
    board: Board,
    wakes: Arc<Wakes>,
    watchers: Watchers,
    metrics: Arc<Metrics>,
}

impl Parts {
    /// Starts all that runs beside the servers.
    async fn start(
        &self,
        config: &Config,
        host: &Host,
        health: &HealthReporter,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) {
        let folders = Folders { glusterd: config.glusterd_dir.clone(), logs: config.gluster_log_dir.clone() };
        let discovery = Discovery {
            gluster: self.gluster.clone(),
            locked: self.locked.clone(),
            board: self.board.clone(),
            wakes: self.wakes.clone(),
            watchers: self.watchers.clone(),
            folders: folders.clone(),
            names: host.names.clone(),
            paces: config.paces,
        };
        let means = Means {
            board: self.board.clone(),
            locked: self.locked.clone(),
            wakes: self.wakes.clone(),
            paces: config.paces,
        };
        let again_every = config.paces.look_unwatched;
        tell_health(health, false).await;
        if host.machine {
            let (stop, folders, wakes) = (stop.clone(), folders.clone(), self.wakes.clone());
            tasks.spawn(async move { watch::run(folders, &wakes, again_every, &stop).await });
        }
        if host.machine {
            let (stop, wakes) = (stop.clone(), self.wakes.clone());
            tasks.spawn(async move { pulse::run(SOCKET.as_ref(), &wakes, again_every, &stop).await });
        }
        {
            let (stop, board, wakes) = (stop.clone(), self.board.clone(), self.wakes.clone());
            tasks.spawn(async move { history::run(&folders, &board, &wakes, &stop).await });
        }
        {
            let stop = stop.clone();
            tasks.spawn(async move { discovery.run(&stop).await });
        }
        if host.machine {
            self.hear_events(config, stop, tasks);
        }
        {
            let (stop, watchers) = (stop.clone(), self.watchers.clone());
            tasks.spawn(async move { follow::run(means, &watchers, &stop).await });
        }
        {
            let (parts, health, stop) = (self.clone(), health.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = parts.keep_health(&health) => {}
                }
            });
        }
    }

    /// Starts what hears Gluster's own events, if they are to be heard.
    fn hear_events(&self, config: &Config, stop: &CancellationToken, tasks: &TaskTracker) {
        let Some(events) = config.events else {
            return;
        };
        let hearing =
            Hearing { board: self.board.clone(), wakes: self.wakes.clone(), metrics: self.metrics.clone() };
        let again_every = config.paces.look_unwatched;
        let ear = Ear {
            hearing: hearing.clone(),
            eventsd: events::eventsd::Files::new(&config.glusterd_dir),
            listen: events.listen,
            look_every: again_every,
        };
        let stopped = stop.clone();
        tasks.spawn(async move { ear.run(&stopped).await });
        let stopped = stop.clone();
        tasks.spawn(async move {
            events::webhook::run(hearing, events.webhook, again_every, &stopped).await;
        });
    }

    fn service(&self, config: &Config, stop: &CancellationToken, tasks: &TaskTracker) -> AgentService {
        let commands = Commands::new(CommandMeans {
            gluster: self.gluster.clone(),
            fence: self.fence.clone(),
            locked: self.locked.clone(),
            board: self.board.clone(),
            wakes: self.wakes.clone(),
            metrics: self.metrics.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        AgentService {
            commands,
            bricks: Bricks::new(self.gluster.clone(), self.board.clone(), stop.clone()),
            gluster: self.gluster.clone(),
            locked: self.locked.clone(),
            board: self.board.clone(),
            watchers: self.watchers.clone(),
            fence: self.fence.clone(),
            alive_every: config.paces.alive,
            stop: stop.clone(),
        }
    }

    /// Keeps health and the gauges as the board and the watchers say.
    async fn keep_health(&self, health: &HealthReporter) {
        let mut picture = self.board.watch();
        let mut counts = self.watchers.watch();
        let mut told = false;
        loop {
            let answers = picture.borrow_and_update().glusterd_answers;
            if answers != told {
                told = answers;
                tell_health(health, answers).await;
            }
            self.metrics.glusterd_answers.set(answers.into());
            let all = counts.borrow_and_update().all;
            self.metrics.watchers.set(i64::try_from(all).unwrap_or(i64::MAX));
            tokio::select! {
                changed = picture.changed() => if changed.is_err() { return },
                changed = counts.changed() => if changed.is_err() { return },
            }
        }
    }
}

async fn tell_health(health: &HealthReporter, serving: bool) {
    let status = match serving {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    };
    for service in ["", SERVICE] {
        health.set_service_status(service, status).await;
    }
}

async fn serve_web(listener: TcpListener, parts: Parts, stop: CancellationToken) {
    let web = Router::new()
        .route("/metrics", get(tell_metrics))
        .route("/healthz", get(tell_healthz))
        .with_state(parts);
    let served = axum::serve(listener, web).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics can't be told any more");
    }
}

async fn tell_metrics(State(parts): State<Parts>) -> impl IntoResponse {
    match parts.metrics.text() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn tell_healthz(State(parts): State<Parts>) -> impl IntoResponse {
    match parts.board.picture().glusterd_answers {
        true => (StatusCode::OK, "glusterd answers\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "glusterd does not answer\n"),
    }
}
