//! Gluster's command line as the agent uses it: one call, one answer in core's types.

mod change;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::host::Peer;
use hod_core::id::HostId;
use hod_core::observation::FollowedTask;
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::Volume;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::command::{Call, Lock};
use super::names::check_volume_name;
use super::process::{Output, Run};
use super::queue::Queue;
use super::read::get_state::GetState;
use super::read::heal::HealSummary;
use super::read::task_list::{ListedTask, VolumeTasks};
use super::read::task_status::{HostPart, TaskReply};
use super::read::{Unreadable, heal, pool, task_list, task_status, volume_info};
use super::refusal;
use super::state_file::StateFolder;
use super::version::Version;

/// How Gluster is reached.
#[derive(Clone)]
pub struct Settings {
    /// Runs the gluster command.
    pub gluster: Arc<dyn Run>,
    /// A folder of the agent's own that glusterd sees too: get-state's file is
    /// written there by glusterd, so it can't be a private `/tmp`.
    pub state_folder: PathBuf,
    /// For calls that take no lock. get-state blocks for some 5 s while its glusterd
    /// starts a task, so no less than 15 s.
    pub deadline: Duration,
    /// For calls that take a volume's lock. Gluster is told to give up then
    /// (`--timeout`, from 3.8 on), and is given a little longer to say so.
    pub locked_deadline: Duration,
    /// For commands that change a volume. Gluster itself gives up after 120 s; a
    /// start takes it 10 s and more.
    pub change_deadline: Duration,
    /// For `heal info`, which walks every pending entry.
    pub heal_deadline: Duration,
}

impl Settings {
    /// The deadlines that serve most pools: 30 s, 150 s for a command, and 10 min for
    /// heal info.
    #[must_use]
    pub fn new(gluster: Arc<dyn Run>, state_folder: PathBuf) -> Self {
        Self {
            gluster,
            state_folder,
            deadline: Duration::from_secs(30),
            locked_deadline: Duration::from_secs(30),
            change_deadline: Duration::from_secs(150),
            heal_deadline: Duration::from_secs(600),
        }
    }
}

/// How much longer than Gluster's own time-out a locked call is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// A call that ended, for whoever counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallReport<'a> {
    /// What was asked.
    pub verb: &'static str,
    /// Which locks it took.
    pub lock: Lock,
    /// The volume, where it was about one.
    pub volume: Option<&'a str>,
    /// How long it ran: the longest its locks can have been held by it, unless it
    /// timed out.
    pub took: Duration,
    /// Why there was no answer, if there was none.
    pub refused: Option<GlusterErrorKind>,
}

/// Is told of each call that ended. A call that was dropped midway is not told of.
pub trait Observer: Send + Sync {
    /// A call ended.
    fn call_ended(&self, report: &CallReport<'_>);
}

/// Gluster's command line on this host.
pub struct GlusterCli {
    settings: Settings,
    observer: Option<Arc<dyn Observer>>,
    queue: Queue,
    /// Held by the one get-state at a time.
    state_folder: Mutex<StateFolder>,
    version: Mutex<Option<Version>>,
}

impl GlusterCli {
    /// A command line that is reached so.
    #[must_use]
    pub fn new(settings: Settings, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            state_folder: Mutex::new(StateFolder::new(settings.state_folder.clone())),
            settings,
            observer,
            queue: Queue::default(),
            version: Mutex::new(None),
        }
    }

    /// Gluster's version, asked anew.
    ///
    /// # Errors
    /// If the binary can't be run, or tells no version.
    pub async fn version(&self) -> Result<Version, GlusterError> {
        let call = Call::Version;
        let version = self
            .run(&call, self.settings.deadline, None, |output| {
                let text = String::from_utf8_lossy(&output.stdout);
                Version::parse(&text).ok_or_else(|| refusal::of_output(output))
            })
            .await?;
        *self.version.lock().await = Some(version.clone());
        Ok(version)
    }

    /// The version as last asked, asked now if it never was.
    async fn known_version(&self) -> Option<Version> {
        let known = self.version.lock().await.clone();
        match known {
            Some(version) => Some(version),
            None => self.version().await.ok(),
        }
    }

    /// All volumes of the pool, stopped ones included. No lock.
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn volume_info(&self) -> Result<Vec<Volume>, GlusterError> {
        let call = Call::VolumeInfo { volume: None };
        self.ask(&call, volume_info::read).await
    }

    /// One volume. No lock.
    ///
    /// # Errors
    /// Gluster's refusal by its kind; [`GlusterErrorKind::NoSuchVolume`] if there is
    /// none of that name.
    pub async fn volume_info_of(&self, volume: &str) -> Result<Volume, GlusterError> {
        let call = Call::VolumeInfo { volume: Some(volume.to_owned()) };
        let volumes = self.ask(&call, volume_info::read).await?;
        volumes
            .into_iter()
            .find(|v| v.name == volume)
            .ok_or_else(|| GlusterError::from(Unreadable::new(format!("it does not tell of {volume}"))))
    }

    /// The pool's hosts as this host sees them, itself ("localhost") included. No lock.
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn pool_list(&self) -> Result<Vec<Peer>, GlusterError> {
        self.ask(&Call::PoolList, |output| {
            let peers = pool::read(output)?;
            if peers.is_empty() {
                return Err(Unreadable::new("it lists no host, not even its own").into());
            }
            Ok(peers)
        })
        .await
    }

    /// What this host's own glusterd knows. No lock. It leaves one line in
    /// `cmd_history.log`.
    ///
    /// # Errors
    /// Gluster's refusal by its kind; [`GlusterErrorKind::StateWithheld`] while any
    /// volume's task is reset by a replace-brick (79).
    pub async fn get_state(&self) -> Result<GetState, GlusterError> {
        let mut folder = self.state_folder.lock().await;
        let file = folder.next_file().await?;
        let call = Call::GetState { folder: folder.path().to_owned(), file: file.clone() };
        let answered = self
            .ask(&call, |output| match output.exit {
                Some(0) => Ok(()),
                _ => Err(refusal::of_output(output)),
            })
            .await;
        let state = match answered {
            Ok(()) => folder.read(&file).await,
            Err(refused) => Err(refused),
        };
        folder.clear().await;
        state
    }

    /// The tasks this host knows of, of one volume or all. Takes the volume's lock, or
    /// each volume's in turn. With all, a volume that is missing from the answer is
    /// stopped, locked or failing: nothing is known of its task (05, 63).
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn task_list(&self, volume: Option<&str>) -> Result<Vec<VolumeTasks>, GlusterError> {
        let call = Call::StatusTasks { volume: volume.map(str::to_owned) };
        self.ask(&call, task_list::read).await
    }

    /// A volume's task with every host's counters. Takes the volume's lock twice: for
    /// the list, which tells the type, and for the status.
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn task_status(&self, volume: &str) -> Result<FollowedTask, GlusterError> {
        let listed = self.task_list(Some(volume)).await?;
        let Some(of_volume) = listed.into_iter().find(|v| v.volume == volume) else {
            return Err(Unreadable::new(format!("it does not tell of volume {volume}")).into());
        };
        // Up to 3.6 several may stand there: the one that runs is looked at.
        let running = |task: &&ListedTask| task.status == PartStatus::InProgress;
        let tasks = &of_volume.tasks;
        match tasks.iter().find(running).or_else(|| tasks.first()) {
            Some(task) => self.followed_task(volume, task).await,
            None => {
                Ok(FollowedTask { id: None, task_type: None, bricks: Vec::new(), parts: BTreeMap::new() })
            }
        }
    }

    /// A task that is already known, with every host's counters. Takes the volume's
    /// lock once. The id that is returned is the one Gluster tells now.
    ///
    /// # Errors
    /// Gluster's refusal by its kind; [`GlusterErrorKind::TaskNotStarted`] if it is
    /// not there any more.
    pub async fn followed_task(&self, volume: &str, task: &ListedTask) -> Result<FollowedTask, GlusterError> {
        let mut task_type = task.task_type.clone();
        let reply = match &mut task_type {
            TaskType::Rebalance { fix_layout } => {
                let reply = self.rebalance_status(volume).await?;
                *fix_layout |= reply.fix_layout;
                reply
            }
            TaskType::RemoveBrick => {
                let call = Call::RemoveBrickStatus { volume: volume.to_owned(), bricks: task.bricks.clone() };
                self.ask(&call, task_status::remove_brick).await?
            }
            TaskType::ReplaceBrick { .. } => self.replace_brick_status(volume, task).await?,
            // Nothing is known of how to ask for it; that it is there is.
            TaskType::Other(_) => TaskReply::default(),
        };
        let parts = self.by_host(reply.parts).await?;
        let id = reply.id.unwrap_or(task.id);
        Ok(FollowedTask {
            id: Some(id),
            bricks: if id == task.id || task_type == TaskType::RemoveBrick {
                task.bricks.clone()
            } else {
                Vec::new()
            },
            task_type: Some(task_type),
            parts,
        })
    }

    /// What `volume rebalance … status` says. Takes the volume's lock.
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn rebalance_status(&self, volume: &str) -> Result<TaskReply, GlusterError> {
        let call = Call::RebalanceStatus { volume: volume.to_owned() };
        self.ask(&call, task_status::rebalance).await
    }

    /// A replace-brick of 3.6 and before. It runs on the old brick's host, and tells
    /// how many files it moved.
    async fn replace_brick_status(&self, volume: &str, task: &ListedTask) -> Result<TaskReply, GlusterError> {
        let [source, target] = &task.bricks[..] else {
            return Err(Unreadable::new(format!(
                "the replace-brick of volume {volume} has {} bricks, not two",
                task.bricks.len()
            ))
            .into());
        };
        let call = Call::ReplaceBrickStatus {
            volume: volume.to_owned(),
            source: source.clone(),
            target: target.clone(),
        };
        let reply = self.ask(&call, task_status::replace_brick).await?;
        let part = HostPart {
            host: None,
            name: source.host().to_owned(),
            status: reply.status,
            counters: Counters { files: reply.files, ..Counters::default() },
        };
        Ok(TaskReply { id: reply.id, parts: vec![part], ..TaskReply::default() })
    }

    /// What is still to be healed on a volume. No lock, but it walks every pending
    /// entry: to be asked seldom, and one at a time in a pool.
    ///
    /// # Errors
    /// Gluster's refusal by its kind.
    pub async fn heal_info_summary(&self, volume: &str) -> Result<HealSummary, GlusterError> {
        let call = Call::HealInfoSummary { volume: volume.to_owned() };
        self.ask(&call, heal::read).await
    }

    /// The parts by host. 3.4 names hosts only, so their names are looked up in
    /// `pool list`; one that is not there stays unknown, as a host that is not told.
    async fn by_host(
        &self,
        parts: Vec<HostPart>,
    ) -> Result<BTreeMap<HostId, (PartStatus, Counters)>, GlusterError> {
        let peers =
            if parts.iter().any(|part| part.host.is_none()) { self.pool_list().await? } else { Vec::new() };
        let named = |name: &str| {
            let has_name = |peer: &&Peer| peer.names.iter().any(|n| n == name);
            peers.iter().find(has_name).map(|peer| peer.id)
        };
        Ok(parts
            .into_iter()
            .filter_map(|part| {
                let host = part.host.or_else(|| named(&part.name))?;
                Some((host, (part.status, part.counters)))
            })
            .collect())
    }

    /// Asks, when it is the call's turn, and reads the answer.
    async fn ask<T>(
        &self,
        call: &Call,
        read: impl FnOnce(&Output) -> Result<T, GlusterError>,
    ) -> Result<T, GlusterError> {
        if let Some(volume) = call.volume() {
            check_volume_name(volume)?;
        }
        let (deadline, give_up_after) = self.patience(call).await;
        self.run(call, deadline, give_up_after, read).await
    }

    async fn run<T>(
        &self,
        call: &Call,
        deadline: Duration,
        give_up_after: Option<u64>,
        read: impl FnOnce(&Output) -> Result<T, GlusterError>,
    ) -> Result<T, GlusterError> {
        let arguments = call.arguments(give_up_after)?;
        let _turn = self.queue.turn(call).await;
        let begin = Instant::now();
        let answer = self.settings.gluster.run(&arguments, deadline).await.and_then(|output| read(&output));
        if let Some(observer) = &self.observer {
            observer.call_ended(&CallReport {
                verb: call.verb(),
                lock: call.lock(),
                volume: call.volume(),
                took: begin.elapsed(),
                refused: answer.as_ref().err().map(|e| e.kind),
            });
        }
        answer
    }

    /// How long to wait for a call, and the time-out to tell Gluster, in seconds.
    async fn patience(&self, call: &Call) -> (Duration, Option<u64>) {
        let settings = &self.settings;
        match (call, call.lock()) {
            (Call::HealInfoSummary { .. }, _) => (settings.heal_deadline, None),
            (_, Lock::None) => (settings.deadline, None),
            (_, Lock::Volume) => {
                let knows_timeout =
                    self.known_version().await.is_some_and(|version| version.is_at_least(3, 8));
                if knows_timeout {
                    let seconds = settings.locked_deadline.as_secs().max(1);
                    (settings.locked_deadline + GRACE, Some(seconds))
                } else {
                    (settings.locked_deadline, None)
                }
            }
        }
    }
}
