//! An agent that says what a test tells it to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::{HostId, VolumeId};
use hod_core::observation::{FollowedTask, Holding};
use hod_core::task::TaskType;
use hod_core::volume::Volume;
use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::agent_server::{Agent, AgentServer};
use hod_proto::agent::v1::own_look::Source;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::convert::agent::{Outcome, tell};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::fence::{self, Fence};
use super::gluster::{Change, FakeBrick, FakeGluster};
use super::hostile::Hostility;

/// What an agent says.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) identity: HostIdentity,
    pub(crate) protocol_version: u32,
    pub(crate) glusterd: bool,
    pub(crate) peers: Vec<Peer>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) own: BTreeMap<VolumeId, Holding>,
    /// Told only while locked calls are allowed.
    pub(crate) followed: BTreeMap<VolumeId, FollowedTask>,
    pub(crate) fault: Fault,
    /// Commands that were run on the host, oldest first.
    pub(crate) history: Vec<HistoryEntry>,
    /// What the host's bricks are like, by path; the others are as by default.
    pub(crate) bricks: BTreeMap<String, FakeBrick>,
    /// Geo-replication sessions.
    pub(crate) geo_replication: Option<u32>,
}

/// How an agent misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It takes connections and says nothing.
    Frozen,
    /// It says what no agent says.
    Garbage,
    /// It tells more than is taken.
    Hostile(Hostility),
}

/// Whose streams allow locked calls now, over all agents of a pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants(Arc<Mutex<(BTreeSet<HostId>, usize)>>);

impl Grants {
    pub(crate) fn now(&self) -> Vec<HostId> {
        self.0.lock().unwrap().0.iter().copied().collect()
    }

    /// How many there ever were at once.
    pub(crate) fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn take(&self, id: HostId) -> Held {
        let mut grants = self.0.lock().unwrap();
        grants.0.insert(id);
        grants.1 = grants.1.max(grants.0.len());
        Held(self.clone(), id)
    }
}

struct Held(Grants, HostId);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().0.remove(&self.1);
    }
}

/// A scripted agent. Dropped, it is gone.
pub(crate) struct FakeAgent {
    pub(crate) id: HostId,
    pub(crate) address: SocketAddr,
    pub(crate) fence: Fence,
    script: watch::Sender<Script>,
    grants: Grants,
    gluster: FakeGluster,
    stop: CancellationToken,
}

impl FakeAgent {
    pub(crate) fn start(listener: TcpListener, script: Script, grants: Grants, gluster: FakeGluster) -> Self {
        let address = listener.local_addr().unwrap();
        let agent = Self {
            id: script.identity.id,
            address,
            fence: Fence::default(),
            script: watch::Sender::new(script),
            grants,
            gluster,
            stop: CancellationToken::new(),
        };
        agent.gluster.add(agent.script.clone());
        agent.serve(listener);
        agent
    }

    /// Changes what it says, which it tells at once.
    pub(crate) fn say(&self, change: impl FnOnce(&mut Script)) {
        self.script.send_modify(change);
    }

    /// Ends it: its streams break, its port refuses.
    pub(crate) fn kill(&self) {
        self.stop.cancel();
    }

    /// Starts it again on the same port.
    pub(crate) async fn revive(&mut self) {
        self.stop = CancellationToken::new();
        let listener =
            super::until("the agent's port to be free", async || TcpListener::bind(self.address).await.ok());
        let listener = listener.await;
        self.serve(listener);
    }

    fn serve(&self, listener: TcpListener) {
        let service = Service {
            script: self.script.subscribe(),
            fence: self.fence.clone(),
            grants: self.grants.clone(),
            gluster: self.gluster.clone(),
        };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let server = tonic::transport::Server::builder()
                .add_service(AgentServer::new(service))
                .serve_with_incoming(stop_all(listener, stop.clone()));
            tokio::select! {
                () = stop.cancelled() => {}
                ended = server => ended.unwrap(),
            }
        });
    }
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Connections that break when the agent is killed, as a process's do.
fn stop_all(
    listener: TcpListener,
    stop: CancellationToken,
) -> impl futures::Stream<Item = std::io::Result<Mortal>> {
    TcpIncoming::from(listener)
        .map(move |connection| Ok(Mortal { io: connection?, end: Box::pin(stop.clone().cancelled_owned()) }))
}

/// A connection that ends with its agent.
pub(crate) struct Mortal {
    io: tokio::net::TcpStream,
    end: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

mod mortal {
    use std::io::{Error, ErrorKind, Result};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tonic::transport::server::Connected;

    use super::Mortal;

    impl Mortal {
        fn alive(&mut self, cx: &mut Context<'_>) -> Result<()> {
            match self.end.as_mut().poll(cx) {
                Poll::Ready(()) => Err(Error::from(ErrorKind::ConnectionReset)),
                Poll::Pending => Ok(()),
            }
        }
    }

    impl AsyncRead for Mortal {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            self.alive(cx)?;
            Pin::new(&mut self.io).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Mortal {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            Pin::new(&mut self.io).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.io).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(cx)
        }
    }

    impl Connected for Mortal {
        type ConnectInfo = ();
        fn connect_info(&self) {}
    }
}

struct Service {
    fence: Fence,
    script: watch::Receiver<Script>,
    grants: Grants,
    gluster: FakeGluster,
}

impl Service {
    async fn script(&self) -> Script {
        let script = self.script.borrow().clone();
        if script.fault == Fault::Frozen {
            std::future::pending::<()>().await;
        }
        script
    }
}

#[tonic::async_trait]
impl Agent for Service {
    async fn get_host(
        &self,
        _: Request<pb::GetHostRequest>,
    ) -> Result<Response<pb::GetHostResponse>, Status> {
        Ok(Response::new(pb::GetHostResponse { host: Some(host(&self.script().await)) }))
    }

    async fn list_peers(
        &self,
        _: Request<pb::ListPeersRequest>,
    ) -> Result<Response<pb::ListPeersResponse>, Status> {
        let peers = self.script().await.peers.iter().map(Into::into).collect();
        Ok(Response::new(pb::ListPeersResponse { peers }))
    }

    async fn list_volumes(
        &self,
        request: Request<pb::ListVolumesRequest>,
    ) -> Result<Response<pb::ListVolumesResponse>, Status> {
        let name = request.into_inner().volume;
        let script = self.script().await;
        let meant = script.volumes.iter().filter(|v| name.is_empty() || v.name == name);
        let volumes: Vec<_> = meant.map(Into::into).collect();
        match volumes.is_empty() {
            true => Err(Status::not_found(format!("Volume {name} does not exist"))),
            false => Ok(Response::new(pb::ListVolumesResponse { volumes })),
        }
    }

    async fn list_tasks(
        &self,
        _: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        Err(Status::unimplemented("not asked by the coordinator"))
    }

    async fn get_task_status(
        &self,
        request: Request<pb::GetTaskStatusRequest>,
    ) -> Result<Response<pb::GetTaskStatusResponse>, Status> {
        let script = self.script().await;
        let name = request.into_inner().volume;
        let id = script.volumes.iter().find(|v| v.name == name).map(|v| v.id);
        let task = id.and_then(|id| script.followed.get(&id));
        match task {
            Some(task) => {
                let task = Some(tell::followed_task(task, |_| String::new()));
                Ok(Response::new(pb::GetTaskStatusResponse { task }))
            }
            None => Err(Status::failed_precondition(format!("Rebalance not started for volume {name}."))),
        }
    }

    type WatchTasksStream = BoxStream<'static, Result<pb::WatchTasksResponse, Status>>;

    async fn watch_tasks(
        &self,
        request: Request<pb::WatchTasksRequest>,
    ) -> Result<Response<Self::WatchTasksStream>, Status> {
        let script = self.script().await;
        let request = request.into_inner();
        self.fence.pass(request.lease.as_ref()).map_err(|error| fence::status(&error))?;
        let locked = request.locked_calls;
        let held = locked.then(|| self.grants.take(script.identity.id));
        // What is hostile is large: it is made only when it is sent.
        let queue = if matches!(script.fault, Fault::Hostile(_)) { 1 } else { 64 };
        let (to, from) = mpsc::channel(queue);
        tokio::spawn(tell_on(self.script.clone(), locked, to));
        let told = ReceiverStream::new(from).map(move |message| {
            // Held for as long as the stream is.
            let _ = &held;
            message
        });
        Ok(Response::new(stream::StreamExt::boxed(told)))
    }

    async fn start_rebalance(
        &self,
        request: Request<pb::StartRebalanceRequest>,
    ) -> Result<Response<pb::StartRebalanceResponse>, Status> {
        let r = request.into_inner();
        let command = match (r.fix_layout, r.force) {
            (true, _) => "rebalance fix-layout start",
            (false, true) => "rebalance start force",
            (false, false) => "rebalance start",
        };
        let task_type = TaskType::Rebalance { fix_layout: r.fix_layout };
        let change = Change::Start { task_type, bricks: Vec::new() };
        let outcome = Some(self.run(command, &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::StartRebalanceResponse { outcome }))
    }

    async fn stop_rebalance(
        &self,
        request: Request<pb::StopRebalanceRequest>,
    ) -> Result<Response<pb::StopRebalanceResponse>, Status> {
        let r = request.into_inner();
        let outcome = Some(self.run("rebalance stop", &r.volume, r.request_id, r.lease, Change::Stop).await);
        Ok(Response::new(pb::StopRebalanceResponse { outcome }))
    }

    async fn start_remove_brick(
        &self,
        request: Request<pb::StartRemoveBrickRequest>,
    ) -> Result<Response<pb::StartRemoveBrickResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Start { task_type: TaskType::RemoveBrick, bricks: r.bricks };
        let outcome = Some(self.run("remove-brick start", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::StartRemoveBrickResponse { outcome }))
    }

    async fn stop_remove_brick(
        &self,
        request: Request<pb::StopRemoveBrickRequest>,
    ) -> Result<Response<pb::StopRemoveBrickResponse>, Status> {
        let r = request.into_inner();
        let outcome =
            Some(self.run("remove-brick stop", &r.volume, r.request_id, r.lease, Change::Stop).await);
        Ok(Response::new(pb::StopRemoveBrickResponse { outcome }))
    }

    async fn commit_remove_brick(
        &self,
        request: Request<pb::CommitRemoveBrickRequest>,
    ) -> Result<Response<pb::CommitRemoveBrickResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Take { bricks: r.bricks };
        let outcome = Some(self.run("remove-brick commit", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::CommitRemoveBrickResponse { outcome }))
    }

    async fn force_remove_brick(
        &self,
        request: Request<pb::ForceRemoveBrickRequest>,
    ) -> Result<Response<pb::ForceRemoveBrickResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Take { bricks: r.bricks };
        let outcome = Some(self.run("remove-brick force", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::ForceRemoveBrickResponse { outcome }))
    }

    async fn replace_brick(
        &self,
        request: Request<pb::ReplaceBrickRequest>,
    ) -> Result<Response<pb::ReplaceBrickResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Replace { old: r.old_brick, new: r.new_brick };
        let outcome =
            Some(self.run("replace-brick commit force", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::ReplaceBrickResponse { outcome }))
    }

    async fn reset_brick(
        &self,
        request: Request<pb::ResetBrickRequest>,
    ) -> Result<Response<pb::ResetBrickResponse>, Status> {
        let r = request.into_inner();
        let commit = r.phase() == pb::reset_brick_request::Phase::Commit;
        let command = if commit { "reset-brick commit force" } else { "reset-brick start" };
        let change = Change::Reset { brick: r.brick, serves: commit };
        let outcome = Some(self.run(command, &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::ResetBrickResponse { outcome }))
    }

    async fn set_volume_option(
        &self,
        request: Request<pb::SetVolumeOptionRequest>,
    ) -> Result<Response<pb::SetVolumeOptionResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Option { name: r.name, value: Some(r.value) };
        let outcome = Some(self.run("set", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::SetVolumeOptionResponse { outcome }))
    }

    async fn reset_volume_option(
        &self,
        request: Request<pb::ResetVolumeOptionRequest>,
    ) -> Result<Response<pb::ResetVolumeOptionResponse>, Status> {
        let r = request.into_inner();
        let change = Change::Option { name: r.name, value: None };
        let outcome = Some(self.run("reset", &r.volume, r.request_id, r.lease, change).await);
        Ok(Response::new(pb::ResetVolumeOptionResponse { outcome }))
    }

    async fn get_brick_space(
        &self,
        request: Request<pb::GetBrickSpaceRequest>,
    ) -> Result<Response<pb::GetBrickSpaceResponse>, Status> {
        let script = self.script().await;
        let bricks = own_bricks(&script, &request.into_inner().volume);
        let bricks = bricks.map(|(name, path, brick)| pb::BrickSpace {
            path,
            name,
            total_bytes: brick.total,
            free_bytes: brick.free,
            device: brick.device,
            serves: brick.serves,
            error: String::new(),
            used_bytes: Some(brick.total - brick.free),
        });
        Ok(Response::new(pb::GetBrickSpaceResponse {
            bricks: bricks.collect(),
            geo_replication_sessions: script.geo_replication,
            state_error: String::new(),
        }))
    }

    async fn count_pending_heals(
        &self,
        request: Request<pb::CountPendingHealsRequest>,
    ) -> Result<Response<pb::CountPendingHealsResponse>, Status> {
        let script = self.script().await;
        let bricks = own_bricks(&script, &request.into_inner().volume);
        let bricks = bricks.map(|(name, path, brick)| pb::PendingHeals {
            path,
            name,
            entries: brick.pending.unwrap_or(0),
            error: if brick.pending.is_some() { String::new() } else { "no such folder".into() },
        });
        Ok(Response::new(pb::CountPendingHealsResponse { bricks: bricks.collect() }))
    }

    async fn get_heal_summary(
        &self,
        request: Request<pb::GetHealSummaryRequest>,
    ) -> Result<Response<pb::GetHealSummaryResponse>, Status> {
        self.script().await;
        let volume = request.into_inner().volume;
        let scripts = self.gluster.scripts();
        let bricks = scripts.iter().flat_map(|script| {
            own_bricks(script, &volume).map(|(name, _, brick)| pb::BrickHeal {
                host_id: script.identity.id.to_string(),
                name,
                status: "Connected".into(),
                connected: true,
                pending: brick.pending,
                split_brain: brick.split_brain,
                possibly_healing: Some(0),
            })
        });
        Ok(Response::new(pb::GetHealSummaryResponse { bricks: bricks.collect() }))
    }

    type WalkBrickStream = BoxStream<'static, Result<pb::WalkBrickResponse, Status>>;

    async fn walk_brick(
        &self,
        request: Request<pb::WalkBrickRequest>,
    ) -> Result<Response<Self::WalkBrickStream>, Status> {
        let script = self.script().await;
        let r = request.into_inner();
        let Some((_, _, brick)) = own_bricks(&script, &r.volume).find(|(_, path, _)| *path == r.path) else {
            return Err(Status::not_found(format!("no brick {}", r.path)));
        };
        let under_way = pb::WalkBrickResponse { entries: 1, ..pb::WalkBrickResponse::default() };
        let end = pb::WalkBrickResponse {
            entries: 10,
            files: brick.files.len() as u64,
            bytes: brick.bytes,
            names: brick.files,
            finished: brick.walk_error.is_empty(),
            error: brick.walk_error,
        };
        Ok(Response::new(stream::iter([Ok(under_way), Ok(end)]).boxed()))
    }
}

impl Service {
    async fn run(
        &self,
        command: &'static str,
        volume: &str,
        request: String,
        lease: Option<pb::Lease>,
        change: Change,
    ) -> pb::CommandOutcome {
        if let Err(error) = self.fence.pass(lease.as_ref()) {
            return (&Outcome::Refused(error)).into();
        }
        let host = self.script().await.identity.id;
        self.gluster.run(host, command, volume, request, change).await
    }
}

/// The host's own bricks of a volume: name, path, and what they are like.
fn own_bricks<'s>(
    script: &'s Script,
    volume: &str,
) -> impl Iterator<Item = (String, String, FakeBrick)> + use<'s> {
    let volume = script.volumes.iter().find(|v| v.name == volume);
    let bricks = volume.into_iter().flat_map(|v| &v.bricks);
    bricks.filter_map(|b| {
        let brick = b.brick.as_ref().filter(|b| b.host == script.identity.id)?;
        let facts = script.bricks.get(&brick.path).cloned().unwrap_or_default();
        Some((b.name.to_string(), brick.path.clone(), facts))
    })
}

/// The whole picture at first, again at every change, and signs of life between.
async fn tell_on(
    mut script: watch::Receiver<Script>,
    locked: bool,
    to: mpsc::Sender<Result<pb::WatchTasksResponse, Status>>,
) {
    let now = script.borrow().clone();
    if let Fault::Hostile(hostility) = now.fault {
        return super::hostile::tell(hostility, &picture(&now, false), &to).await;
    }
    let mut lines = 0;
    let mut messages = picture(&script.borrow_and_update().clone(), locked);
    messages.push(Event::PictureComplete(pb::PictureComplete {}));
    loop {
        messages.extend(history(&script.borrow().clone(), &mut lines));
        for event in messages {
            if to.send(Ok(tell::message(Duration::ZERO, event))).await.is_err() {
                return;
            }
        }
        messages = tokio::select! {
            () = to.closed() => return,
            changed = script.changed() => match changed {
                Ok(()) => picture(&script.borrow_and_update().clone(), locked),
                Err(_) => return,
            },
            () = tokio::time::sleep(Duration::from_millis(200)) => sign_of_life(&script.borrow().clone()),
        };
    }
}

/// The lines of the history that were not told yet.
fn history(script: &Script, told: &mut usize) -> Option<Event> {
    let new = &script.history[*told..];
    *told = script.history.len();
    let age = |at| Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default();
    let entries: Vec<_> = new.iter().map(|e| tell::history_entry(e, age(e.at))).collect();
    (!entries.is_empty()).then_some(Event::History(pb::HistoryReport { entries }))
}

fn sign_of_life(script: &Script) -> Vec<Event> {
    let now = Some(hod_proto::convert::common::duration(Duration::ZERO));
    match script.fault {
        Fault::Frozen => Vec::new(),
        _ => vec![Event::SignOfLife(pb::SignOfLife {
            glusterd_answers: script.glusterd,
            peers_age: now,
            volumes_age: now,
            own_age: now,
        })],
    }
}

fn picture(script: &Script, locked: bool) -> Vec<Event> {
    if script.fault == Fault::Frozen {
        return Vec::new();
    }
    let mut volumes = tell::volumes(&script.volumes, None);
    if let (Fault::Garbage, Event::Volumes(report)) = (script.fault, &mut volumes) {
        report
            .volumes
            .push(hod_proto::types::v1::Volume { id: "no UUID at all".into(), ..Default::default() });
    }
    let name = |id: &VolumeId| {
        let volume = script.volumes.iter().find(|v| v.id == *id);
        volume.map_or(String::new(), |v| v.name.clone())
    };
    let own = script
        .own
        .iter()
        .map(|(id, holding)| tell::own_look(*id, &name(id), holding, Source::GetState, Duration::ZERO))
        .collect();
    let mut events = vec![
        Event::Host(host(script)),
        tell::peers(&script.peers, None),
        volumes,
        Event::Own(pb::OwnReport { looks: own, error: None }),
    ];
    if locked {
        events.extend(script.followed.iter().map(|(id, task)| {
            Event::Followed(pb::FollowedReport {
                volume_id: id.to_string(),
                task: Some(tell::followed_task(task, |_| String::new())),
                error: None,
                dropped: false,
            })
        }));
    }
    events
}

fn host(script: &Script) -> pb::Host {
    pb::Host { protocol_version: script.protocol_version, ..pb::Host::from(&script.identity) }
}
