//! `hod.agent.v1.Agent`: the requests, answered from Gluster, and the stream.

pub(crate) mod refusal;
mod stream;
mod teller;
pub(crate) mod watchers;

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::lease::Lease;
use hod_core::volume::VolumeStatus;
use hod_proto::agent::v1 as pb;
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
use crate::bricks::{BrickWalk, Bricks, CannotWalk};
use crate::command::{Command, Commands, read_volume};
use crate::fence::Fence;
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
    pub(crate) fence: Fence,
    pub(crate) commands: Commands,
    pub(crate) bricks: Bricks,
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
        if let Some(lease) = asked.lease {
            let lease = Lease::try_from(lease).map_err(|bad| bad_field(bad.field, &bad.problem))?;
            self.fence.pass(lease).instrument(span.clone()).await.map_err(|error| status(&error, None))?;
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

    async fn start_rebalance(
        &self,
        request: Request<pb::StartRebalanceRequest>,
    ) -> Result<Response<pb::StartRebalanceResponse>, Status> {
        self.command("StartRebalance", request).await
    }

    async fn stop_rebalance(
        &self,
        request: Request<pb::StopRebalanceRequest>,
    ) -> Result<Response<pb::StopRebalanceResponse>, Status> {
        self.command("StopRebalance", request).await
    }

    async fn start_remove_brick(
        &self,
        request: Request<pb::StartRemoveBrickRequest>,
    ) -> Result<Response<pb::StartRemoveBrickResponse>, Status> {
        self.command("StartRemoveBrick", request).await
    }

    async fn stop_remove_brick(
        &self,
        request: Request<pb::StopRemoveBrickRequest>,
    ) -> Result<Response<pb::StopRemoveBrickResponse>, Status> {
        self.command("StopRemoveBrick", request).await
    }

    async fn commit_remove_brick(
        &self,
        request: Request<pb::CommitRemoveBrickRequest>,
    ) -> Result<Response<pb::CommitRemoveBrickResponse>, Status> {
        self.command("CommitRemoveBrick", request).await
    }

    async fn force_remove_brick(
        &self,
        request: Request<pb::ForceRemoveBrickRequest>,
    ) -> Result<Response<pb::ForceRemoveBrickResponse>, Status> {
        self.command("ForceRemoveBrick", request).await
    }

    async fn replace_brick(
        &self,
        request: Request<pb::ReplaceBrickRequest>,
    ) -> Result<Response<pb::ReplaceBrickResponse>, Status> {
        self.command("ReplaceBrick", request).await
    }

    async fn reset_brick(
        &self,
        request: Request<pb::ResetBrickRequest>,
    ) -> Result<Response<pb::ResetBrickResponse>, Status> {
        self.command("ResetBrick", request).await
    }

    async fn set_volume_option(
        &self,
        request: Request<pb::SetVolumeOptionRequest>,
    ) -> Result<Response<pb::SetVolumeOptionResponse>, Status> {
        self.command("SetVolumeOption", request).await
    }

    async fn reset_volume_option(
        &self,
        request: Request<pb::ResetVolumeOptionRequest>,
    ) -> Result<Response<pb::ResetVolumeOptionResponse>, Status> {
        self.command("ResetVolumeOption", request).await
    }

    async fn get_brick_space(
        &self,
        request: Request<pb::GetBrickSpaceRequest>,
    ) -> Result<Response<pb::GetBrickSpaceResponse>, Status> {
        let span = span("GetBrickSpace", &request);
        let volume = volume(&request.into_inner().volume)?;
        let answer = self.bricks.space(&volume).instrument(span).await;
        answer.map(Response::new).map_err(|error| status(&error, Some(&volume)))
    }

    type WalkBrickStream = BrickWalk;

    async fn walk_brick(
        &self,
        request: Request<pb::WalkBrickRequest>,
    ) -> Result<Response<Self::WalkBrickStream>, Status> {
        let span = span("WalkBrick", &request);
        let asked = request.into_inner();
        let volume = volume(&asked.volume)?;
        let walk = self.bricks.walk(&volume, &asked.path, asked.names).instrument(span).await;
        walk.map(Response::new).map_err(|why| match why {
            CannotWalk::Refused(error) => status(&error, Some(&volume)),
            CannotWalk::NotOwn(own) => Status::not_found(format!(
                "volume {volume} has no brick {:?} on this host; it has {own:?}",
                asked.path
            )),
        })
    }

    async fn count_pending_heals(
        &self,
        request: Request<pb::CountPendingHealsRequest>,
    ) -> Result<Response<pb::CountPendingHealsResponse>, Status> {
        let span = span("CountPendingHeals", &request);
        let volume = volume(&request.into_inner().volume)?;
        let answer = self.bricks.pending_heals(&volume).instrument(span).await;
        answer.map(Response::new).map_err(|error| status(&error, Some(&volume)))
    }

    async fn get_heal_summary(
        &self,
        request: Request<pb::GetHealSummaryRequest>,
    ) -> Result<Response<pb::GetHealSummaryResponse>, Status> {
        let span = span("GetHealSummary", &request);
        let volume = volume(&request.into_inner().volume)?;
        let answer = self.bricks.heal_summary(&volume).instrument(span).await;
        answer.map(Response::new).map_err(|error| status(&error, Some(&volume)))
    }
}

impl AgentService {
    async fn command<R: Command>(
        &self,
        call: &'static str,
        request: Request<R>,
    ) -> Result<Response<R::Response>, Status> {
        let span = span(call, &request);
        self.commands.run(request.into_inner()).instrument(span).await.map(Response::new)
    }

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

/// A volume's name that could be one.
fn volume(name: &str) -> Result<String, Status> {
    read_volume(name).map_err(|bad| bad_field(bad.field, &bad.problem))
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
