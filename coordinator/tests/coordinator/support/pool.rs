//! A pool of scripted agents: hosts on loopback addresses of their own, all with
//! one port, as in a real pool.

use std::collections::BTreeMap;

use hod_core::brick::{Brick, BrickName};
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::{HostId, TaskId, VolumeId};
use hod_core::observation::{FollowedTask, Holding, OwnTask};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::{Volume, VolumeBrick, VolumeStatus};
use hod_proto::PROTOCOL_VERSION;
use newtype_uuid::GenericUuid as _;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::agent::{FakeAgent, Fault, Grants, Script};
use super::gluster::FakeGluster;

/// What counts as done of a task.
pub(crate) fn counters(files: u64) -> Counters {
    Counters { files, bytes: files * 10, scanned: files * 2, ..Counters::default() }
}

/// Hosts 127.0.0.1, 127.0.0.2, … with a volume `dist` over all of them.
pub(crate) struct FakePool {
    pub(crate) agents: Vec<FakeAgent>,
    pub(crate) grants: Grants,
    pub(crate) gluster: FakeGluster,
    pub(crate) volume: Volume,
}

impl FakePool {
    pub(crate) async fn start(hosts: u8) -> Self {
        Self::with(hosts, |_| {}).await
    }

    /// The same with another volume.
    pub(crate) async fn with(hosts: u8, reshape: impl FnOnce(&mut Volume)) -> Self {
        let listeners = listeners(hosts).await;
        // In the order of the addresses, so that the first is the first choice.
        let mut ids: Vec<HostId> =
            listeners.iter().map(|_| HostId::from_untyped_uuid(Uuid::new_v4())).collect();
        ids.sort_unstable();
        let mut volume = volume(&ids);
        reshape(&mut volume);
        let (grants, gluster) = (Grants::default(), FakeGluster::default());
        let peers: Vec<Peer> = ids.iter().enumerate().map(|(n, id)| peer(n, *id)).collect();
        let agents = listeners
            .into_iter()
            .zip(&ids)
            .enumerate()
            .map(|(n, (listener, id))| {
                let mut peers = peers.clone();
                peers[n].names = vec!["localhost".into()];
                peers[n].state = String::new();
                let script = Script {
                    identity: HostIdentity {
                        id: *id,
                        names: vec![format!("node-{}", n + 1), address(n)],
                        gluster_version: "10.3".into(),
                        agent_version: "0.1.0".into(),
                    },
                    protocol_version: PROTOCOL_VERSION,
                    glusterd: true,
                    peers,
                    volumes: vec![volume.clone()],
                    own: BTreeMap::from([(volume.id, Holding::Nothing { residue: None })]),
                    followed: BTreeMap::new(),
                    fault: Fault::None,
                    history: Vec::new(),
                    bricks: BTreeMap::new(),
                    geo_replication: Some(0),
                };
                FakeAgent::start(listener, script, grants.clone(), gluster.clone())
            })
            .collect();
        Self { agents, grants, gluster, volume }
    }

    /// The first agent's address, to add the pool by.
    pub(crate) fn address(&self) -> String {
        self.agents[0].address.to_string()
    }

    /// The volume's n-th brick.
    pub(crate) fn brick(&self, n: usize) -> Brick {
        self.volume.bricks[n].brick.clone().unwrap()
    }

    /// Its name.
    pub(crate) fn brick_name(&self, n: usize) -> String {
        self.volume.bricks[n].name.to_string()
    }

    pub(crate) fn id(&self, n: usize) -> HostId {
        self.agents[n].id
    }

    /// Every host holds this task, its part standing as said.
    pub(crate) fn rebalance(&self, task: TaskId, status: PartStatus, files: u64) {
        let parts: BTreeMap<_, _> = self.agents.iter().map(|a| (a.id, (status, counters(files)))).collect();
        for agent in &self.agents {
            agent.say(|script| {
                let own = OwnTask {
                    id: task,
                    task_type: Some(TaskType::Rebalance { fix_layout: false }),
                    bricks: Vec::new(),
                    status,
                    counters: Some(counters(files)),
                    time_left: None,
                };
                script.own.insert(self.volume.id, Holding::Task(own));
                let followed = FollowedTask {
                    id: Some(task),
                    task_type: Some(TaskType::Rebalance { fix_layout: false }),
                    bricks: Vec::new(),
                    parts: parts.clone(),
                };
                script.followed.insert(self.volume.id, followed);
            });
        }
    }

    /// Every host says of another that it is connected to it, or not.
    pub(crate) fn connected(&self, to: usize, connected: bool) {
        let id = self.id(to);
        for agent in self.agents.iter().filter(|a| a.id != id) {
            agent.say(|script| {
                let peer = script.peers.iter_mut().find(|p| p.id == id).unwrap();
                peer.connected = connected;
            });
        }
    }
}

/// A task's id that was not there before.
pub(crate) fn new_task() -> TaskId {
    TaskId::from_untyped_uuid(Uuid::new_v4())
}

fn address(n: usize) -> String {
    format!("127.0.0.{}", n + 1)
}

async fn listeners(hosts: u8) -> Vec<TcpListener> {
    super::until("one port that is free on all addresses", async || {
        let first = TcpListener::bind("127.0.0.1:0").await.ok()?;
        let port = first.local_addr().ok()?.port();
        let mut listeners = vec![first];
        for n in 1..usize::from(hosts) {
            listeners.push(TcpListener::bind((address(n), port)).await.ok()?);
        }
        Some(listeners)
    })
    .await
}

fn peer(n: usize, id: HostId) -> Peer {
    Peer { id, names: vec![address(n)], connected: true, state: "Peer in Cluster".into() }
}

fn volume(hosts: &[HostId]) -> Volume {
    Volume {
        id: VolumeId::from_untyped_uuid(Uuid::new_v4()),
        name: "dist".into(),
        status: VolumeStatus::Started,
        kind: "Distribute".into(),
        distribute_count: u32::try_from(hosts.len()).unwrap(),
        replica_count: 1,
        arbiter_count: 0,
        disperse_count: 0,
        redundancy_count: 0,
        bricks: hosts
            .iter()
            .enumerate()
            .map(|(n, id)| VolumeBrick {
                brick: Some(Brick { host: *id, path: "/bricks/d".into() }),
                name: BrickName::parse(&format!("{}:/bricks/d", address(n))).unwrap(),
                arbiter: false,
            })
            .collect(),
        options: BTreeMap::new(),
    }
}
