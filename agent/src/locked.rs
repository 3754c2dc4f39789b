//! The calls that take a volume's lock: every one of them is made here, so that a
//! volume whose last one timed out is left alone, whoever asks.

mod rest;

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::GlusterError;
use hod_core::observation::FollowedTask;
use tokio::time::Instant;

use self::rest::Rests;
use crate::gluster::{Change, GlusterCli, ListedTask, TaskReply, Undone, VolumeTasks};

/// Gluster's command line for the calls that take locks.
#[derive(Clone)]
pub(crate) struct LockedCalls {
    gluster: Arc<GlusterCli>,
    rests: Arc<Rests>,
}

impl LockedCalls {
    /// A volume is left alone so long after a call that timed out, and twice as long
    /// each further time.
    pub(crate) fn new(gluster: Arc<GlusterCli>, first_rest: Duration) -> Self {
        Self { gluster, rests: Arc::new(Rests::new(first_rest)) }
    }

    /// How long a volume, or with `None` all of them, is still left alone.
    pub(crate) fn rest(&self, volume: Option<&str>) -> Duration {
        let now = Instant::now();
        self.rests.until(volume, now).map_or(Duration::ZERO, |until| until - now)
    }

    /// The tasks this host knows of, of all volumes.
    pub(crate) async fn task_list(&self) -> Result<Vec<VolumeTasks>, GlusterError> {
        self.rests.check(None, Instant::now())?;
        let answer = self.gluster.task_list(None).await;
        self.note(None, &answer);
        answer
    }

    /// A volume's task with every host's counters. One that is known already costs
    /// one call; otherwise its type is asked first.
    pub(crate) async fn task_status(
        &self,
        volume: &str,
        known: Option<&ListedTask>,
    ) -> Result<FollowedTask, GlusterError> {
        self.rests.check(Some(volume), Instant::now())?;
        let answer = match known {
            Some(task) => self.gluster.followed_task(volume, task).await,
            None => self.gluster.task_status(volume).await,
        };
        self.note(Some(volume), &answer);
        answer
    }

    /// Changes a volume. An operator's command is not kept waiting for as long as a
    /// question: only as long as glusterd itself keeps the volume locked.
    pub(crate) async fn change(&self, change: &Change) -> Result<TaskReply, Undone> {
        self.rests.check_command(&change.volume, Instant::now()).map_err(Undone::Refused)?;
        let answer = self.gluster.change(change).await;
        let error = answer.as_ref().err().map(|undone| undone.error().kind);
        self.rests.note(Some(&change.volume), error, Instant::now());
        answer
    }

    fn note<T>(&self, volume: Option<&str>, answer: &Result<T, GlusterError>) {
        let error = answer.as_ref().err().map(|e| e.kind);
        self.rests.note(volume, error, Instant::now());
    }
}
