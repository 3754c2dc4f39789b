//! A small pool to plan for: hosts a, b, c with a brick each of the volume `dist`.

// Each test binary uses its own part of this.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hod_core::brick::{Brick, BrickName, TaskBrick};
use hod_core::change::Planned;
use hod_core::command::intention::{Answer, Intended, Intention, Start};
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::{FoundIds, HostId, JobId, StepId, TaskId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::observation::{
    FollowedTask, Holding, HostPicture, HostView, Look, Observation, OwnLook, OwnTask, Word,
};
use hod_core::plan;
use hod_core::plan::Settings;
use hod_core::record::{AttentionCode, HostRecord, HostState, Recorded, TaskRecord, VolumeRecord};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::{Volume, VolumeBrick, VolumeStatus};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub const A: usize = 0;
pub const B: usize = 1;
pub const C: usize = 2;
const NAMES: [&str; 4] = ["node-a", "node-b", "node-c", "node-d"];

pub const REBALANCE: TaskType = TaskType::Rebalance { fix_layout: false };

pub fn host_id(n: usize) -> HostId {
    newtype_uuid::GenericUuid::from_untyped_uuid(Uuid::from_u128(0xa0 + n as u128))
}

pub fn task_id(n: u128) -> TaskId {
    newtype_uuid::GenericUuid::from_untyped_uuid(Uuid::from_u128(0x1000 + n))
}

pub fn volume_id() -> VolumeId {
    newtype_uuid::GenericUuid::from_untyped_uuid(Uuid::from_u128(0x20))
}

pub fn brick_name(host: usize) -> BrickName {
    BrickName::parse(&format!("{}:/bricks/{host}", NAMES[host])).unwrap()
}

pub fn files(n: u64) -> Counters {
    Counters { files: n, bytes: 10 * n, scanned: 20 * n, ..Counters::default() }
}

pub struct World {
    pub recorded: Recorded,
    pub observed: Observation,
    pub settings: Settings,
    pub now: Timestamp,
    pub volume: Volume,
    lines: u32,
}

impl World {
    /// Three answering hosts and a volume, all recorded.
    pub fn new() -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let bricks = (A..=C)
            .map(|h| VolumeBrick {
                brick: Some(Brick { host: host_id(h), path: format!("/bricks/{h}") }),
                name: brick_name(h),
                arbiter: false,
            })
            .collect();
        let volume = Volume {
            id: volume_id(),
            name: "dist".to_owned(),
            status: VolumeStatus::Started,
            kind: "Distribute".to_owned(),
            distribute_count: 3,
            replica_count: 1,
            arbiter_count: 0,
            disperse_count: 0,
            redundancy_count: 0,
            bricks,
            options: BTreeMap::new(),
        };
        let hosts = (A..=C).map(|h| (host_id(h), host_record(h, now))).collect();
        let volumes =
            [(volume_id(), VolumeRecord { volume: volume.clone(), found_at: now, trouble: None })].into();
        let recorded = Recorded {
            pool: newtype_uuid::GenericUuid::from_untyped_uuid(Uuid::from_u128(1)),
            hosts,
            volumes,
            tasks: BTreeMap::new(),
            cleared: BTreeSet::new(),
            intentions: BTreeMap::new(),
            locks: BTreeMap::new(),
        };
        let mut world = Self {
            recorded,
            observed: Observation::default(),
            settings: Settings::default(),
            now,
            volume,
            lines: 0,
        };
        world.pass(10);
        for h in A..=C {
            world.answer(h);
            world.own(h, Holding::Nothing { residue: None });
            world.look_at_volumes(h);
        }
        world.sync();
        world
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    /// The host's agent answers, with what it told before.
    pub fn answer(&mut self, host: usize) {
        let word = Word::Answering { at: self.now, glusterd: true };
        let peers = (A..=C)
            .map(|h| Peer {
                id: host_id(h),
                names: vec![if h == host { "localhost".to_owned() } else { NAMES[h].to_owned() }],
                connected: true,
                state: if h == host { String::new() } else { "Peer in Cluster".to_owned() },
            })
            .collect();
        let fresh = HostPicture {
            identity: HostIdentity {
                id: host_id(host),
                names: vec![NAMES[host].to_owned()],
                gluster_version: "10.3".to_owned(),
                agent_version: "0.1.0".to_owned(),
            },
            peers: Look { at: self.now, outcome: Ok(peers) },
            volumes: Look { at: self.now, outcome: Ok(vec![self.volume.clone()]) },
            own: BTreeMap::new(),
            own_error: None,
            followed: BTreeMap::new(),
            history: Vec::new(),
        };
        let view = self
            .observed
            .hosts
            .entry(host_id(host))
            .or_insert(HostView { word: word.clone(), picture: None });
        view.word = word;
        view.picture.get_or_insert_with(|| Arc::new(fresh));
    }

    pub fn picture(&mut self, host: usize) -> &mut HostPicture {
        Arc::make_mut(self.observed.hosts.get_mut(&host_id(host)).unwrap().picture.as_mut().unwrap())
    }

    pub fn silence(&mut self, host: usize) {
        let word = Word::Silent { since: self.now, why: "no word from its agent for 15 s".to_owned() };
        self.observed.hosts.get_mut(&host_id(host)).unwrap().word = word;
    }

    pub fn own(&mut self, host: usize, holding: Holding) {
        let at = self.now;
        let picture = self.picture(host);
        picture.own.insert(volume_id(), OwnLook { volume_name: "dist".to_owned(), at, holding });
        picture.own_error = None;
    }

    /// get-state refuses; the looks stay as old as they are.
    pub fn withholds(&mut self, host: usize) {
        self.picture(host).own_error = Some(GlusterError {
            kind: GlusterErrorKind::StateWithheld,
            message: "Failed to get daemon state. Check glusterd log file for more details".to_owned(),
            op_errno: 0,
            hosts: Vec::new(),
        });
    }

    /// A host holds an ended task of another volume.
    pub fn holds_in(&mut self, host: usize, volume: VolumeId, name: &str, status: PartStatus) {
        let own = OwnTask {
            id: task_id(9),
            task_type: Some(REBALANCE),
            bricks: Vec::new(),
            status,
            counters: None,
            time_left: None,
        };
        let look = OwnLook { volume_name: name.to_owned(), at: self.now, holding: Holding::Task(own) };
        self.picture(host).own.insert(volume, look);
    }

    pub fn holds(&mut self, host: usize, task: u128, task_type: &TaskType, status: PartStatus, n: u64) {
        let bricks = if *task_type == TaskType::RemoveBrick { vec![brick_name(C)] } else { Vec::new() };
        self.holds_with(host, task, task_type, bricks, status, files(n));
    }

    pub fn holds_with(
        &mut self,
        host: usize,
        task: u128,
        task_type: &TaskType,
        bricks: Vec<BrickName>,
        status: PartStatus,
        counters: Counters,
    ) {
        let own = OwnTask {
            id: task_id(task),
            task_type: Some(task_type.clone()),
            bricks,
            status,
            counters: Some(counters),
            time_left: None,
        };
        self.own(host, Holding::Task(own));
    }

    pub fn holds_nothing(&mut self, host: usize, residue: Option<(PartStatus, u64)>) {
        self.own(host, Holding::Nothing { residue: residue.map(|(s, n)| (s, files(n))) });
        self.look_at_volumes(host);
    }

    pub fn look_at_volumes(&mut self, host: usize) {
        let (at, volume) = (self.now, self.volume.clone());
        self.picture(host).volumes = Look { at, outcome: Ok(vec![volume]) };
    }

    pub fn follow(
        &mut self,
        asked: usize,
        task: u128,
        task_type: &TaskType,
        parts: &[(usize, PartStatus, u64)],
    ) {
        let followed = FollowedTask {
            id: Some(task_id(task)),
            task_type: Some(task_type.clone()),
            bricks: if *task_type == TaskType::RemoveBrick { vec![brick_name(C)] } else { Vec::new() },
            parts: parts.iter().map(|(h, s, n)| (host_id(*h), (*s, files(*n)))).collect(),
        };
        let at = self.now;
        self.picture(asked).followed.insert(volume_id(), Look { at, outcome: Ok(followed) });
    }

    pub fn follow_fails(&mut self, asked: usize, kind: GlusterErrorKind) {
        let error = GlusterError { kind, message: format!("{kind:?}"), op_errno: 0, hosts: Vec::new() };
        let at = self.now;
        self.picture(asked).followed.insert(volume_id(), Look { at, outcome: Err(error) });
    }

    pub fn command(&mut self, host: usize, command: &str) {
        self.lines += 1;
        let entry = HistoryEntry {
            position: format!("1:{}", self.lines),
            at: self.now,
            stamp: String::new(),
            command: command.to_owned(),
            succeeded: true,
            message: String::new(),
        };
        self.picture(host).history.push(entry);
    }

    /// Takes the bricks of a host out of the volume.
    pub fn drop_brick(&mut self, host: usize) {
        self.volume.bricks.retain(|b| b.brick.as_ref().unwrap().host != host_id(host));
    }

    /// Plans and applies. What was planned has to leave nothing to plan.
    pub fn sync(&mut self) -> Vec<Planned> {
        let planned = plan(&self.recorded, &self.observed, self.now, &self.settings);
        for p in &planned {
            self.recorded.apply(&p.change);
        }
        let again = plan(&self.recorded, &self.observed, self.now, &self.settings);
        assert_eq!(again, Vec::new(), "a plan applied leaves something to plan");
        planned
    }

    /// Events' kinds of a sync.
    pub fn kinds(planned: &[Planned]) -> Vec<&'static str> {
        planned.iter().flat_map(|p| &p.events).map(|e| e.kind).collect()
    }

    pub fn task(&self, n: u128) -> &TaskRecord {
        &self.recorded.tasks[&task_id(n)]
    }

    pub fn status(&self, n: u128) -> (JobStatus, JobStatus) {
        (self.task(n).job_status, self.task(n).step_status)
    }

    pub fn attention(&self, n: u128) -> Vec<AttentionCode> {
        self.task(n).attention.iter().map(|a| a.code).collect()
    }

    pub fn is_locked(&self) -> bool {
        self.recorded.locks.contains_key(&volume_id())
    }

    /// hod is about to start a task.
    pub fn intend(&mut self, task_type: TaskType) -> JobId {
        let bricks = if task_type == TaskType::RemoveBrick {
            let brick = Some(Brick { host: host_id(C), path: "/bricks/2".to_owned() });
            vec![TaskBrick { name: brick_name(C), brick }]
        } else {
            Vec::new()
        };
        let before = self.recorded.tasks.keys().chain(&self.recorded.cleared).copied().collect();
        let start = Start { task_type, bricks, before, run: 1, earlier: BTreeMap::new() };
        self.lines += 1;
        let ids = FoundIds::of(self.recorded.pool, task_id(7000 + u128::from(self.lines)));
        self.record_intention(Intended::Start(start), (ids.job, ids.executing, ids.step))
    }

    /// hod is about to let a paused task go on.
    pub fn intend_resume(&mut self, task: TaskId) -> JobId {
        let paused = self.recorded.tasks[&task].clone();
        let before = self.recorded.tasks.keys().chain(&self.recorded.cleared).copied().collect();
        let start = Start {
            task_type: paused.task_type.clone().unwrap_or(REBALANCE),
            bricks: paused.bricks.clone(),
            before,
            run: paused.run + 1,
            earlier: paused.moved_by_host(),
        };
        self.record_intention(Intended::Start(start), (paused.job, paused.executing, paused.step))
    }

    fn record_intention(&mut self, what: Intended, (job, executing, step): (JobId, StepId, StepId)) -> JobId {
        self.lines += 1;
        let id =
            newtype_uuid::GenericUuid::from_untyped_uuid(Uuid::from_u128(0x9000 + u128::from(self.lines)));
        let intention = Intention {
            id,
            job,
            executing,
            step,
            volume: volume_id(),
            what,
            made_at: self.now,
            answer: None,
            actor: "op".to_owned(),
        };
        self.recorded.intentions.insert(volume_id(), intention);
        self.recorded.locks.insert(volume_id(), job);
        job
    }

    pub fn reply(&mut self, answer: Answer) {
        self.recorded.intentions.get_mut(&volume_id()).unwrap().answer = Some(answer);
    }

    /// All hosts run a task, and it is found.
    pub fn running(&mut self, task: u128, task_type: &TaskType) {
        self.pass(1);
        for h in A..=C {
            let takes_part = *task_type != TaskType::RemoveBrick || h == C;
            let status = if takes_part { PartStatus::InProgress } else { PartStatus::NotStarted };
            self.holds(h, task, task_type, status, if takes_part { 5 } else { 0 });
        }
        let parts: &[usize] = if *task_type == TaskType::RemoveBrick { &[C] } else { &[A, B, C] };
        let parts: Vec<_> = parts.iter().map(|h| (*h, PartStatus::InProgress, 5)).collect();
        self.follow(A, task, task_type, &parts);
        self.sync();
        assert_eq!(self.status(task), (JobStatus::Started, JobStatus::Started));
        assert!(self.is_locked());
    }
}

fn host_record(host: usize, now: Timestamp) -> HostRecord {
    HostRecord {
        names: vec![NAMES[host].to_owned()],
        agent: format!("{}:7460", NAMES[host]),
        gluster_version: "10.3".to_owned(),
        agent_version: "0.1.0".to_owned(),
        state: HostState::Answering,
        state_message: String::new(),
        since: now,
    }
}
