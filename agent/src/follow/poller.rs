//! Asks for one volume's task over and over.

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::id::VolumeId;
use hod_core::observation::{FollowedTask, Holding, OwnTask};
use hod_core::task::TaskType;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::{Ended, Pace, jittered};
use crate::config::Paces;
use crate::gluster::ListedTask;
use crate::locked::LockedCalls;
use crate::picture::{Board, Followed, Picture};
use crate::watch::Wakes;

/// What pollers work with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) board: Board,
    pub(crate) locked: LockedCalls,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) paces: Paces,
}

/// Asks for one volume's task.
pub(super) struct Poller {
    means: Means,
    volume: VolumeId,
    name: String,
    pace: Pace,
    /// The bricks of the task as the file has them were refused: Gluster is asked.
    distrusts_file: bool,
}

impl Poller {
    pub(super) fn new(means: Means, volume: VolumeId, name: String) -> Self {
        Self { pace: Pace::new(means.paces), means, volume, name, distrusts_file: false }
    }

    /// Asks until told to stop. A call that has begun is waited for: killing it
    /// would free no lock.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        // One that comes after another does not ask sooner than that one would have.
        let picture = self.means.board.picture();
        let asked_before = picture.followed.get(&self.volume).map(|report| report.at);
        let mut wait = asked_before
            .map_or(Duration::ZERO, |at| jittered(self.means.paces.follow).saturating_sub(at.elapsed()));
        loop {
            wait = wait.max(self.means.locked.rest(Some(&self.name)));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = self.ask().await;
        }
    }

    /// Asks once, and tells how long to wait before the next time.
    async fn ask(&mut self) -> Duration {
        let known = known_task(&self.means.board.picture(), self.volume).filter(|_| !self.distrusts_file);
        let at = Instant::now();
        let answer = self.means.locked.task_status(&self.name, known.as_ref()).await;
        let took = at.elapsed();
        let outcome = match answer {
            // That there is no task is an answer, and none that is no answer.
            Err(error) if error.kind == GlusterErrorKind::TaskNotStarted => Ok(FollowedTask {
                id: None,
                task_type: None,
                bricks: Vec::new(),
                parts: std::collections::BTreeMap::new(),
            }),
            answer => answer,
        };
        self.distrusts_file |= matches!(
            &outcome,
            Err(error) if error.kind == GlusterErrorKind::WrongBrick
        );
        let ended = match &outcome {
            Ok(task) => Ended::Told { run_time: run_time(task) },
            Err(error) => {
                self.log(error);
                Ended::Refused
            }
        };
        if outcome.as_ref().is_ok_and(|task| self.differs_from_own(task)) {
            self.means.wakes.tasks.notify_one();
        }
        if self.differs_in_hosts(&outcome) {
            self.means.wakes.everything.notify_one();
        }
        self.means.board.update(|picture| {
            let report = Followed { at, outcome };
            picture.followed.insert(self.volume, Arc::new(report));
        });
        jittered(self.pace.after(ended, took))
    }

    /// Whether other hosts were told of than before, or one is silent: then whom this
    /// host is connected to is to be asked again.
    fn differs_in_hosts(&self, outcome: &Result<FollowedTask, GlusterError>) -> bool {
        let picture = self.means.board.picture();
        let before = picture.followed.get(&self.volume).map(|report| &report.outcome);
        match (before, outcome) {
            (_, Err(error)) => error.kind == GlusterErrorKind::TimedOut,
            (Some(Ok(before)), Ok(now)) => before.id == now.id && !before.parts.keys().eq(now.parts.keys()),
            _ => false,
        }
    }

    /// Whether the own look is behind what was told: then it is to be taken again.
    fn differs_from_own(&self, task: &FollowedTask) -> bool {
        let picture = self.means.board.picture();
        let Some(own) = own_task(&picture, self.volume) else {
            return task.id.is_some();
        };
        let part = picture.identity.as_ref().and_then(|host| task.parts.get(&host.id));
        task.id != Some(own.id) || part.is_some_and(|(status, _)| *status != own.status)
    }

    fn log(&self, error: &GlusterError) {
        match error.kind {
            GlusterErrorKind::AnotherTransaction => {
                tracing::debug!(volume = self.name, %error, "not told");
            }
            _ => tracing::warn!(volume = self.name, %error, "the task's status was refused"),
        }
    }
}

fn own_task(picture: &Picture, volume: VolumeId) -> Option<&OwnTask> {
    match &picture.own.as_ref()?.looks.get(&volume)?.holding {
        Holding::Task(task) => Some(task),
        Holding::Nothing { .. } => None,
    }
}

/// The volume's task, if its type is known, so that its status can be asked for
/// without asking for the type first.
fn known_task(picture: &Picture, volume: VolumeId) -> Option<ListedTask> {
    let own = own_task(picture, volume)?;
    let told = picture
        .followed
        .get(&volume)
        .and_then(|report| report.outcome.as_ref().ok())
        .filter(|task| task.id == Some(own.id));
    let (task_type, bricks) = match (&own.task_type, told) {
        (Some(task_type), _) => (task_type.clone(), own.bricks.clone()),
        (None, Some(told)) => (told.task_type.clone()?, told.bricks.clone()),
        (None, None) => return None,
    };
    let askable = match task_type {
        TaskType::Rebalance { .. } => true,
        TaskType::RemoveBrick => !bricks.is_empty(),
        TaskType::ReplaceBrick { .. } | TaskType::Other(_) => false,
    };
    askable.then_some(ListedTask { id: own.id, task_type, status: own.status, bricks })
}

fn run_time(task: &FollowedTask) -> Duration {
    let times = task.parts.values().filter_map(|(_, c)| c.run_time);
    times.max().unwrap_or_default()
}
