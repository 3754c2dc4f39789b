//! A database for each test, and what is put into it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hod_coordinator::database::Database;
use hod_coordinator::store::{
    Applied, Coordinator, Event, EventFilter, EventsFrom, Follow, Lease, NewPool, PgStore, Pool, Store,
};
use hod_core::brick::{Brick, BrickName, TaskBrick};
use hod_core::change::{Change, LockChange, Origin, Planned, PutTask};
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{CoordinatorId, FoundIds, HostId, PoolId, TaskId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::record::{Absence, HostRecord, HostState, PartRecord, Recorded, TaskRecord, VolumeRecord};
use hod_core::task::{Counters, PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;
use hod_core::volume::{Volume, VolumeBrick, VolumeStatus};
use jiff::Timestamp;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::server::{Server, connect};

/// How long a test waits for anything before it says that it does not come.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// An empty database.
pub struct Empty {
    pub config: tokio_postgres::Config,
    pub name: String,
    pub server: Server,
}

impl Empty {
    pub async fn new() -> Self {
        let server = Server::join().await;
        let name = format!("test_{}", Uuid::new_v4().simple());
        server.client().await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let mut config = server.config.clone();
        config.dbname(&name);
        Self { config, name, server }
    }

    pub async fn client(&self) -> Client {
        connect(&self.config).await
    }
}

/// A store in a database of its own, and a way past it to the tables.
pub struct World {
    pub store: PgStore,
    pub sql: Client,
    /// Keeps the server.
    empty: Empty,
}

impl World {
    pub async fn new() -> Self {
        let empty = Empty::new().await;
        let database = Database::ready(empty.config.clone(), DEADLINE).await.unwrap();
        Self { store: PgStore::new(&database), sql: empty.client().await, empty }
    }

    /// A pool with three hosts and a volume on them, and the lease of it.
    pub async fn shop(&self) -> Shop {
        Shop::new(self, "shop").await
    }

    /// Makes a new coordinator a pool's holder, as if the one before had been silent for long.
    pub async fn take(&self, pool: PoolId, name: &str) -> Lease {
        self.silence().await;
        let new = coordinator(name);
        self.store.check_in(&new).await.unwrap();
        self.store.take_lease(pool, new.id).await.unwrap().expect("it is free")
    }

    pub fn config(&self) -> tokio_postgres::Config {
        self.empty.config.clone()
    }

    /// One more way past the store.
    pub async fn client(&self) -> Client {
        self.empty.client().await
    }

    /// No coordinator was seen for a minute.
    pub async fn silence(&self) {
        let past = "UPDATE coordinators SET seen_at = seen_at - interval '1 minute'";
        self.sql.execute(past, &[]).await.unwrap();
    }

    pub async fn events(&self, pool: PoolId) -> Vec<Event> {
        let filter = EventFilter { pool, from: EventsFrom::After(0), limit: 1000, volume: None, job: None };
        self.store.events(&filter).await.unwrap()
    }

    pub async fn count(&self, query: &str) -> i64 {
        self.sql.query_one(query, &[]).await.unwrap().get(0)
    }
}

/// A pool as the tests know it.
pub struct Shop {
    pub pool: Pool,
    pub lease: Lease,
    pub hosts: Vec<HostId>,
    pub volume: VolumeId,
    pub now: Timestamp,
}

impl Shop {
    pub async fn new(world: &World, name: &str) -> Self {
        let now = world.store.now().await.unwrap();
        let hosts: Vec<HostId> = (0..3).map(|_| HostId::from_untyped_uuid(Uuid::new_v4())).collect();
        let records = hosts.iter().zip(["node-a", "node-b", "node-c"]);
        let new = NewPool {
            name: name.into(),
            follow: Follow::Normal,
            hosts: records.map(|(id, name)| (*id, host(name, now))).collect(),
            actor: "anonymous".into(),
        };
        let pool = world.store.add_pool(new).await.unwrap();
        let lease = world.take(pool.id, "coordinator-1").await;
        let shop = Self { pool, lease, hosts, volume: VolumeId::from_untyped_uuid(Uuid::new_v4()), now };
        shop.apply(world, &[shop.put_volume(shop.volume, "dist")]).await;
        shop
    }

    pub fn volume(&self, id: VolumeId, name: &str) -> VolumeRecord {
        let bricks = self.hosts.iter().zip(["node-a", "node-b", "node-c"]);
        VolumeRecord {
            volume: Volume {
                id,
                name: name.into(),
                status: VolumeStatus::Started,
                kind: "Distribute".into(),
                distribute_count: 3,
                replica_count: 1,
                arbiter_count: 0,
                disperse_count: 0,
                redundancy_count: 0,
                bricks: bricks
                    .map(|(host, name)| VolumeBrick {
                        brick: Some(Brick { host: *host, path: "/bricks/d1".into() }),
                        name: BrickName::parse(&format!("{name}:/bricks/d1")).unwrap(),
                        arbiter: false,
                    })
                    .collect(),
                options: BTreeMap::from([("cluster.rebal-throttle".into(), "lazy".into())]),
            },
            found_at: self.now,
            trouble: None,
        }
    }

    pub fn put_volume(&self, id: VolumeId, name: &str) -> Planned {
        quiet(Change::PutVolume(self.volume(id, name)))
    }

    /// A task under way on the shop's volume.
    pub fn task(&self) -> TaskRecord {
        self.task_of(self.volume, "dist")
    }

    pub fn task_of(&self, volume: VolumeId, volume_name: &str) -> TaskRecord {
        let task = TaskId::from_untyped_uuid(Uuid::new_v4());
        let ids = FoundIds::of(self.pool.id, task);
        TaskRecord {
            job: ids.job,
            executing: ids.executing,
            step: ids.step,
            job_status: JobStatus::Started,
            step_status: JobStatus::Started,
            message: String::new(),
            task,
            task_type: Some(TaskType::Rebalance { fix_layout: false }),
            volume,
            volume_name: volume_name.into(),
            bricks: Vec::new(),
            status: TaskStatus::Running,
            parts: self.hosts.iter().map(|host| (*host, self.part())).collect(),
            attention: Vec::new(),
            found_at: self.now,
            running_at: Some(self.now),
            ended_at: None,
            abandoned: false,
            external: true,
            run: 1,
            earlier: BTreeMap::new(),
            pause: None,
            followed: false,
            absence: Absence::default(),
        }
    }

    fn part(&self) -> PartRecord {
        PartRecord {
            must_take_part: true,
            held: true,
            not_held: None,
            status: PartStatus::InProgress,
            counters: Counters::default(),
            changed_at: self.now,
        }
    }

    pub fn bricks(&self) -> Vec<TaskBrick> {
        vec![
            TaskBrick {
                name: BrickName::parse("node-c:/bricks/d1").unwrap(),
                brick: Some(Brick { host: self.hosts[2], path: "/bricks/d1".into() }),
            },
            TaskBrick { name: BrickName::parse("172.18.0.9:/bricks/d1").unwrap(), brick: None },
        ]
    }

    pub async fn try_apply(&self, world: &World, plan: &[Planned]) -> Applied {
        world.store.apply(self.lease, plan).await.unwrap()
    }

    pub async fn apply(&self, world: &World, plan: &[Planned]) {
        let applied = self.try_apply(world, plan).await;
        assert!(applied.failed.is_empty(), "{:?}", applied.failed);
        assert_eq!(applied.applied, plan.len());
    }

    /// What is recorded: all that is open, and these tasks.
    pub async fn load(&self, world: &World, tasks: &[&TaskRecord]) -> Recorded {
        let observed: BTreeSet<TaskId> = tasks.iter().map(|t| t.task).collect();
        world.store.load(self.pool.id, &observed).await.unwrap()
    }

    /// A task as it is recorded now.
    pub async fn recorded(&self, world: &World, task: &TaskRecord) -> TaskRecord {
        self.load(world, &[task]).await.tasks.remove(&task.task).unwrap()
    }
}

/// A coordinator that was started just now.
pub fn coordinator(name: &str) -> Coordinator {
    let id = CoordinatorId::from_untyped_uuid(Uuid::new_v4());
    Coordinator { id, name: name.into(), address: format!("{name}:7470") }
}

pub fn host(name: &str, since: Timestamp) -> HostRecord {
    HostRecord {
        names: vec![name.into(), "172.18.0.3".into()],
        agent: format!("{name}:7460"),
        gluster_version: "10.3".into(),
        agent_version: "0.1.0".into(),
        state: HostState::Answering,
        state_message: String::new(),
        since,
    }
}

/// A change that tells nobody.
pub fn quiet(change: Change) -> Planned {
    Planned { change, events: Vec::new() }
}

/// A task that is found, with its event and its lock.
pub fn found(task: &TaskRecord) -> Planned {
    put(task, true, None, None, LockChange::Take, "task-found")
}

/// A task that has ended, in the way of a transition.
pub fn ended(task: &TaskRecord, how: Transition) -> Planned {
    put(task, false, Some(how), Some(how), LockChange::Release, "task-ended")
}

/// A task of which only counters or words have changed.
pub fn changed(task: &TaskRecord) -> Planned {
    let mut planned = put(task, false, None, None, LockChange::Keep, "");
    planned.events.clear();
    planned
}

pub fn put(
    task: &TaskRecord,
    new: bool,
    job: Option<Transition>,
    step: Option<Transition>,
    lock: LockChange,
    kind: &'static str,
) -> Planned {
    let event = EventDraft {
        severity: Severity::Info,
        kind,
        message: format!("{kind} on volume {}", task.volume_name),
        volume: Some(task.volume),
        job: Some(task.job),
        actor: "hod".into(),
    };
    let origin = if new { Origin::Found } else { Origin::Known };
    let put = PutTask { task: task.clone(), origin, job, step, lock };
    Planned { change: Change::PutTask(Box::new(put)), events: vec![event] }
}

/// Waits until something is there.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
