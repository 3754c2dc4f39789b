//! `hod.agent.v1.Agent`: the requests, answered from Gluster, and the stream.

mod refusal;
mod stream;
mod teller;
pub(crate) mod watchers;

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::volume::VolumeStatus;
use hod_proto::agent::v1::agent_server::Agent;
use hod_proto::agent::v1::{
    GetHostRequest, GetHostResponse, GetTaskStatusRequest, GetTaskStatusResponse, Incomplete,
    ListPeersRequest, ListPeersResponse, ListTasksRequest, ListTasksResponse, ListVolumesRequest,
    ListVolumesResponse, WatchTasksRequest, WatchTasksResponse,
};
use hod_proto::convert::agent::tell;
use hod_proto::{IDENTITY_KEY, PROTOCOL_VERSION};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use self::refusal::{bad_field, status};
use self::watchers::Watchers;
use crate::gluster::GlusterCli;
use crate::locked::LockedCalls;
use crate::own;
use crate::picture::{Board, OwnLooks};

/// The service.
pub(crate) struct AgentService {
    pub(crate) gluster: Arc<GlusterCli>,
    pub(crate) locked: LockedCalls,
    pub(crate) board: Board,
    pub(crate) watchers: Watchers,
    pub(crate) alive_every: Duration,
    pub(crate) stop: CancellationToken,
}

#[tonic::async_trait]
impl Agent for AgentService {
    async fn get_host(&self, _: Request<GetHostRequest>) -> Result<Response<GetHostResponse>, Status> {
        match &self.board.picture().identity {
            Some(host) => Ok(Response::new(GetHostResponse { host: Some((&**host).into()) })),
            None => Err(status(
                &GlusterError {
                    kind: GlusterErrorKind::GlusterdDown,
                    message: "who this host is is not known yet: glusterd has not answered".into(),
                    op_errno: 0,
                    hosts: Vec::new(),
                },
                None,
            )),
        }
    }

    async fn list_peers(
        &self,
        request: Request<ListPeersRequest>,
    ) -> Result<Response<ListPeersResponse>, Status> {
        let peers = self
            .gluster
            .pool_list()
            .instrument(span("ListPeers", &request))
            .await
            .map_err(|error| status(&error, None))?;
        Ok(Response::new(ListPeersResponse { peers: peers.iter().map(Into::into).collect() }))
    }

    async fn list_volumes(
        &self,
        request: Request<ListVolumesRequest>,
    ) -> Result<Response<ListVolumesResponse>, Status> {
        let span = span("ListVolumes", &request);
        let name = request.into_inner().volume;
        let volumes = match name.as_str() {
            "" => self.gluster.volume_info().instrument(span).await,
            name => {
                let one = self.gluster.volume_info_of(name).instrument(span).await;
                one.map(|volume| vec![volume])
            }
        };
        let volume = (!name.is_empty()).then_some(name.as_str());
        let volumes = volumes.map_err(|error| status(&error, volume))?;
        Ok(Response::new(ListVolumesResponse { volumes: volumes.iter().map(Into::into).collect() }))
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let span = span("ListTasks", &request);
        let answer = match request.into_inner().locked {
            true => self.listed_tasks().instrument(span).await,
            false => self.own_tasks().instrument(span).await,
        };
        answer.map(Response::new).map_err(|error| status(&error, None))
    }

    async fn get_task_status(
        &self,
        request: Request<GetTaskStatusRequest>,
    ) -> Result<Response<GetTaskStatusResponse>, Status> {
        let span = span("GetTaskStatus", &request);
        let volume = request.into_inner().volume;
        if volume.trim().is_empty() {
            return Err(bad_field("volume", "is blank: name the volume"));
        }
        let task = self
            .task_status(&volume)
            .instrument(span)
            .await
            .map_err(|error| status(&error, Some(&volume)))?;
        let picture = self.board.picture();
        Ok(Response::new(GetTaskStatusResponse {
            task: Some(tell::followed_task(&task, |host| picture.host_name(host))),
        }))
    }

    type WatchTasksStream = ReceiverStream<Result<WatchTasksResponse, Status>>;

    async fn watch_tasks(
        &self,
        request: Request<WatchTasksRequest>,
    ) -> Result<Response<Self::WatchTasksStream>, Status> {
        let span = span("WatchTasks", &request);
        let asked = request.into_inner();
        if asked.protocol_version != PROTOCOL_VERSION {
            return Err(Status::failed_precondition(format!(
                "the caller speaks version {} of hod.agent.v1, this agent speaks version {PROTOCOL_VERSION}: bring the older of the two up to date",
                asked.protocol_version
            )));
        }
        let _entered = span.enter();
        tracing::info!(locked_calls = asked.locked_calls, "a watcher came");
        Ok(Response::new(stream::open(
            &self.board,
            self.watchers.enter(asked.locked_calls),
            self.alive_every,
            self.stop.clone(),
        )))
    }
}

impl AgentService {
    async fn own_tasks(&self) -> Result<ListTasksResponse, GlusterError> {
        let at = Instant::now();
        let picture = self.board.picture();
        match self.gluster.get_state().await {
            Ok(state) => Ok(answer(&own::from_get_state(state, &picture.hints, at), Vec::new())),
            // What is known is told with its age, and that it is not the whole truth.
            Err(error) if error.kind == GlusterErrorKind::StateWithheld => Ok(answer(
                &picture.own.unwrap_or_default().looks,
                vec![Incomplete { volume: String::new(), error: Some((&error).into()) }],
            )),
            Err(error) => Err(error),
        }
    }

    /// A volume that Gluster leaves out of its list is told with the reason, as far
    /// as that is known.
    async fn listed_tasks(&self) -> Result<ListTasksResponse, GlusterError> {
        let volumes = self.gluster.volume_info().await?;
        let at = Instant::now();
        let list = self.locked.task_list().await?;
        let id_of = |name: &str| volumes.iter().find(|v| v.name == name).map(|v| v.id);
        let looks = own::from_task_list(list, id_of, &self.board.picture().hints, at);
        let incomplete = volumes
            .iter()
            .filter(|volume| !looks.contains_key(&volume.id))
            .map(|volume| {
                let (kind, message) = match volume.status {
                    VolumeStatus::Created | VolumeStatus::Stopped => (
                        GlusterErrorKind::VolumeNotStarted,
                        "the volume is not started",
                    ),
                    VolumeStatus::Started | VolumeStatus::Unknown => (
                        GlusterErrorKind::Refused,
                        "Gluster left the volume out of its list: it is locked by another command, or failing",
                    ),
                };
                let error = GlusterError {
                    kind,
                    message: message.into(),
                    op_errno: 0,
                    hosts: Vec::new(),
                };
                Incomplete {
                    volume: volume.name.clone(),
                    error: Some((&error).into()),
                }
            })
            .collect();
        Ok(answer(&looks, incomplete))
    }

    async fn task_status(&self, volume: &str) -> Result<hod_core::observation::FollowedTask, GlusterError> {
        // One that does not exist costs no lock.
        if self.board.picture().volume(volume).is_none() {
            self.gluster.volume_info_of(volume).await?;
        }
        self.locked.task_status(volume, None).await
    }
}

fn answer(looks: &OwnLooks, incomplete: Vec<Incomplete>) -> ListTasksResponse {
    let now = Instant::now();
    ListTasksResponse {
        looks: looks
            .iter()
            .map(|(volume, look)| {
                let age = now.saturating_duration_since(look.at);
                tell::own_look(*volume, &look.volume_name, &look.holding, look.source, age)
            })
            .collect(),
        incomplete,
    }
}

/// A call's span, with who makes it.
fn span<T>(call: &'static str, request: &Request<T>) -> tracing::Span {
    let who = request
        .metadata()
        .get(IDENTITY_KEY)
        .and_then(|who| who.to_str().ok())
        .filter(|who| !who.is_empty())
        .unwrap_or("anonymous");
    tracing::info_span!("call", call, who)
}
