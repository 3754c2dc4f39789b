//! What Gluster does when a scripted agent is asked to run a command: the same on all
//! hosts, unless a test says otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use hod_core::brick::{Brick, BrickName};
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::history::HistoryEntry;
use hod_core::id::{HostId, TaskId};
use hod_core::observation::{FollowedTask, Holding, OwnTask};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::{Volume, VolumeBrick};
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::agent::Script;
use super::pool::new_task;

/// How a command goes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reply {
    /// As it should.
    #[default]
    Do,
    /// Refused, in these words.
    Refuse(&'static str),
    /// It is done, and the answer is lost.
    LostDone,
    /// It is not done, and the answer is lost.
    LostUndone,
    /// It is done when the test says so.
    Wait(Arc<Notify>),
}

/// A command that an agent was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) what: String,
    pub(crate) request: String,
    pub(crate) host: HostId,
}

/// What a brick is like.
#[derive(Clone, Debug)]
pub(crate) struct FakeBrick {
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) device: u64,
    pub(crate) serves: Option<bool>,
    pub(crate) pending: Option<u64>,
    pub(crate) split_brain: Option<u64>,
    /// Files that a walk finds.
    pub(crate) files: Vec<String>,
    /// What a walk says that they take.
    pub(crate) bytes: u64,
    /// Why a walk can't finish.
    pub(crate) walk_error: String,
}

impl Default for FakeBrick {
    fn default() -> Self {
        Self {
            total: 1000,
            free: 900,
            device: 1,
            serves: Some(true),
            pending: Some(0),
            split_brain: Some(0),
            files: Vec::new(),
            bytes: 0,
            walk_error: String::new(),
        }
    }
}

/// Gluster, as far as commands go.
#[derive(Clone, Default)]
pub(crate) struct FakeGluster(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    hosts: Vec<watch::Sender<Script>>,
    replies: BTreeMap<&'static str, Reply>,
    calls: Vec<Call>,
    answers: BTreeMap<String, Outcome>,
}

impl FakeGluster {
    pub(crate) fn add(&self, host: watch::Sender<Script>) {
        self.state().hosts.push(host);
    }

    /// How a command goes from now on: `volume rebalance V start` is asked for by
    /// `rebalance start`, and so on.
    pub(crate) fn reply(&self, command: &'static str, reply: Reply) {
        self.state().replies.insert(command, reply);
    }

    /// What agents were asked to run, oldest first.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.iter().map(|c| c.what.clone()).collect()
    }

    pub(crate) fn requests(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// All that a host of the pool's says.
    pub(crate) fn scripts(&self) -> Vec<Script> {
        self.state().hosts.iter().map(|h| h.borrow().clone()).collect()
    }

    /// Changes what every host says.
    pub(crate) fn everywhere(&self, change: impl Fn(&mut Script)) {
        for host in &self.state().hosts {
            host.send_modify(&change);
        }
    }

    /// The facts of a brick, to be changed.
    pub(crate) fn brick(&self, brick: &Brick, change: impl Fn(&mut FakeBrick)) {
        for host in &self.state().hosts {
            host.send_if_modified(|script| {
                if script.identity.id == brick.host {
                    change(script.bricks.entry(brick.path.clone()).or_default());
                }
                false
            });
        }
    }

    /// Has every host's part of the running task stand so.
    pub(crate) fn parts(&self, status: PartStatus, counters: Counters) {
        self.everywhere(|script| {
            for holding in script.own.values_mut() {
                if let Holding::Task(own) = holding
                    && own.status != PartStatus::NotStarted
                {
                    (own.status, own.counters) = (status, Some(counters));
                }
            }
            for followed in script.followed.values_mut() {
                for part in followed.parts.values_mut() {
                    *part = (status, counters);
                }
            }
        });
    }

    /// The same id again gives the first answer.
    pub(crate) async fn run(
        &self,
        host: HostId,
        command: &'static str,
        volume: &str,
        request: String,
        change: Change,
    ) -> pb::CommandOutcome {
        let reply = {
            let mut state = self.state();
            if let Some(first) = state.answers.get(&request) {
                return first.into();
            }
            let what = change.describe(command, volume);
            state.calls.push(Call { what, request: request.clone(), host });
            state.replies.get(command).cloned().unwrap_or_default()
        };
        let lost = || Outcome::Unknown("Error : Request timed out".into());
        let outcome = match reply {
            Reply::Do => self.apply(host, command, volume, &change),
            Reply::Refuse(words) => Outcome::Refused(refusal(words)),
            Reply::LostUndone => lost(),
            Reply::LostDone => {
                self.apply(host, command, volume, &change);
                lost()
            }
            Reply::Wait(go) => {
                go.notified().await;
                self.apply(host, command, volume, &change)
            }
        };
        self.state().answers.insert(request, outcome.clone());
        (&outcome).into()
    }

    fn apply(&self, host: HostId, command: &str, volume: &str, change: &Change) -> Outcome {
        let task = self.task(volume);
        let done = |task| Outcome::Done { task, message: "successful".into(), parts: Vec::new() };
        match change {
            Change::Start { .. } if task.as_ref().is_some_and(|(_, s)| *s == PartStatus::InProgress) => {
                let words = format!("Rebalance on {volume} is already started");
                return Outcome::Refused(GlusterError {
                    kind: GlusterErrorKind::TaskInProgress,
                    message: words,
                    op_errno: 0,
                    hosts: Vec::new(),
                });
            }
            Change::Start { task_type, bricks } => {
                let id = new_task();
                self.everywhere(|script| begin(script, volume, id, task_type, bricks));
                return done(Some(id));
            }
            Change::Stop if task.is_none() => {
                return Outcome::Refused(GlusterError {
                    kind: GlusterErrorKind::TaskNotStarted,
                    message: format!("Rebalance not started for volume {volume}."),
                    op_errno: 0,
                    hosts: Vec::new(),
                });
            }
            Change::Stop => self.everywhere(|script| stop(script, volume)),
            Change::Take { bricks } => {
                self.everywhere(|script| {
                    take(script, volume, bricks);
                });
            }
            Change::Replace { old, new } => self.everywhere(|script| replace(script, volume, old, new)),
            Change::Reset { brick, serves } => self.everywhere(|script| {
                if script.identity.id == host_of(script, volume, brick) {
                    script.bricks.entry(path(brick)).or_default().serves = Some(*serves);
                }
            }),
            Change::Option { name, value } => self.everywhere(|script| {
                let volume = script.volumes.iter_mut().find(|v| v.name == volume).unwrap();
                match value {
                    Some(value) => volume.options.insert(name.clone(), value.clone()),
                    None => volume.options.remove(name),
                };
            }),
        }
        let text = change.describe(command, volume);
        self.history(host, &text);
        done(task.map(|(id, _)| id))
    }

    /// A line in a host's command history, as if typed there now.
    pub(crate) fn history(&self, host: HostId, command: &str) {
        for sender in &self.state().hosts {
            sender.send_if_modified(|script| {
                if script.identity.id != host {
                    return false;
                }
                let entry = HistoryEntry {
                    position: format!("1:{}", script.history.len()),
                    at: Timestamp::now(),
                    stamp: "now".into(),
                    command: command.into(),
                    succeeded: true,
                    message: String::new(),
                };
                script.history.push(entry);
                true
            });
        }
    }

    fn task(&self, volume: &str) -> Option<(TaskId, PartStatus)> {
        let scripts = self.scripts();
        let holdings = scripts.iter().flat_map(|script| {
            let id = script.volumes.iter().find(|v| v.name == volume).map(|v| v.id);
            id.and_then(|id| script.own.get(&id).cloned())
        });
        let mut tasks = holdings.filter_map(|h| match h {
            Holding::Task(own) => Some((own.id, own.status)),
            Holding::Nothing { .. } => None,
        });
        let first = tasks.next()?;
        let running = tasks.find(|(_, status)| *status == PartStatus::InProgress);
        Some(running.unwrap_or(first))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// What a command changes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Start { task_type: TaskType, bricks: Vec<String> },
    Stop,
    Take { bricks: Vec<String> },
    Replace { old: String, new: String },
    Reset { brick: String, serves: bool },
    Option { name: String, value: Option<String> },
}

impl Change {
    /// As Gluster's history would have it.
    fn describe(&self, command: &str, volume: &str) -> String {
        let (first, rest) = command.split_once(' ').unwrap_or((command, ""));
        let middle = match self {
            Self::Start { bricks, .. } | Self::Take { bricks } => bricks.join(" "),
            Self::Stop => String::new(),
            Self::Replace { old, new } => format!("{old} {new}"),
            Self::Reset { brick, serves: true } => format!("{brick} {brick}"),
            Self::Reset { brick, .. } => brick.clone(),
            Self::Option { name, value } => format!("{name} {}", value.clone().unwrap_or_default()),
        };
        let words = ["volume", first, volume, &middle, rest];
        words.iter().flat_map(|w| w.split_whitespace()).collect::<Vec<_>>().join(" ")
    }
}

fn refusal(words: &str) -> GlusterError {
    let kind = match words {
        w if w.contains("Another transaction") => GlusterErrorKind::AnotherTransaction,
        w if w.contains("not started") => GlusterErrorKind::TaskNotStarted,
        w if w.contains("already started") => GlusterErrorKind::TaskInProgress,
        _ => GlusterErrorKind::Refused,
    };
    GlusterError { kind, message: words.into(), op_errno: 0, hosts: Vec::new() }
}

fn begin(script: &mut Script, volume: &str, id: TaskId, task_type: &TaskType, bricks: &[String]) {
    let told = script.volumes.iter().find(|v| v.name == volume).unwrap().clone();
    let bricks: Vec<BrickName> = bricks.iter().map(|b| BrickName::parse(b).unwrap()).collect();
    let named = |b: &VolumeBrick| bricks.is_empty() || bricks.contains(&b.name);
    let hosts: Vec<HostId> =
        told.bricks.iter().filter(|b| named(b)).filter_map(|b| Some(b.brick.as_ref()?.host)).collect();
    let takes_part = hosts.contains(&script.identity.id);
    let status = if takes_part { PartStatus::InProgress } else { PartStatus::NotStarted };
    let own = OwnTask {
        id,
        task_type: Some(task_type.clone()),
        bricks: bricks.clone(),
        status,
        counters: Some(Counters::default()),
        time_left: None,
    };
    script.own.insert(told.id, Holding::Task(own));
    let parts = hosts.iter().map(|h| (*h, (PartStatus::InProgress, Counters::default()))).collect();
    let followed = FollowedTask { id: Some(id), task_type: Some(task_type.clone()), bricks, parts };
    script.followed.insert(told.id, followed);
}

fn stop(script: &mut Script, volume: &str) {
    let id = script.volumes.iter().find(|v| v.name == volume).unwrap().id;
    let residue = match script.own.get(&id) {
        Some(Holding::Task(own)) => {
            let ended = match own.status {
                PartStatus::InProgress => PartStatus::Stopped,
                status => status,
            };
            Some((ended, own.counters.unwrap_or_default()))
        }
        _ => None,
    };
    script.own.insert(id, Holding::Nothing { residue });
    script.followed.remove(&id);
}

fn take(script: &mut Script, volume: &str, bricks: &[String]) {
    let told = script.volumes.iter_mut().find(|v| v.name == volume).unwrap();
    let sets = told.bricks.len() / usize::try_from(told.replica_count.max(1)).unwrap();
    told.bricks.retain(|b| !bricks.iter().any(|name| name == b.name.as_str()));
    if sets > 0 && told.replica_count > 1 && bricks.len() == sets {
        told.replica_count -= 1;
    }
    let id = told.id;
    script.own.insert(id, Holding::Nothing { residue: None });
    script.followed.remove(&id);
}

fn replace(script: &mut Script, volume: &str, old: &str, new: &str) {
    let host = host_named(script, &BrickName::parse(new).unwrap());
    let told = script.volumes.iter_mut().find(|v| v.name == volume).unwrap();
    let brick = told.bricks.iter_mut().find(|b| b.name.as_str() == old).unwrap();
    brick.name = BrickName::parse(new).unwrap();
    brick.brick = Some(Brick { host, path: path(new) });
}

fn path(name: &str) -> String {
    BrickName::parse(name).unwrap().path().to_owned()
}

fn host_of(script: &Script, volume: &str, name: &str) -> HostId {
    let volume = script.volumes.iter().find(|v: &&Volume| v.name == volume).unwrap();
    let brick = volume.bricks.iter().find(|b| b.name.as_str() == name).unwrap();
    brick.brick.as_ref().unwrap().host
}

fn host_named(script: &Script, name: &BrickName) -> HostId {
    let peers = script.peers.iter().find(|p| p.names.iter().any(|n| n == name.host()));
    peers.map_or(script.identity.id, |p| p.id)
}
