//! Pauses rebalances outside of their windows, and lets them go on inside. What an
//! operator has paused stays paused; a remove-brick is never paused by a window.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hod_core::command::window::{Window, may_run};
use hod_core::event::Severity;
use hod_core::record::TaskRecord;
use hod_core::task::{TaskStatus, TaskType};

use super::throttles::why;
use super::{Chore, House};
use crate::commands::Refusal;
use crate::commands::pause_rebalance::PauseRebalance;
use crate::commands::resume_rebalance::ResumeRebalance;
use crate::store::CommandEvent;

/// Who pauses by a window.
const ACTOR: &str = "hod (window)";

pub(super) struct Windows;

#[async_trait]
impl Chore for Windows {
    fn name(&self) -> &'static str {
        "keeping to windows"
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let store = &house.commands.store;
        let open = store.tasks(Some(house.pool.id), &BTreeSet::new()).await?;
        let is_rebalance = |t: &&TaskRecord| matches!(t.task_type, Some(TaskType::Rebalance { .. }));
        let rebalances: Vec<_> = open.iter().map(|t| &t.record).filter(is_rebalance).collect();
        if rebalances.is_empty() {
            return Ok(());
        }
        let windows = store.windows(house.pool.id).await?;
        let now = store.now().await?;
        let mut failed = Ok(());
        for task in rebalances {
            let set = windows.get(&task.volume).map(Vec::as_slice).unwrap_or_default();
            let read: Result<Vec<Window>, _> = set.iter().map(crate::store::VolumeWindow::read).collect();
            let done = match read {
                Ok(read) => keep_to(house, task, may_run(&read, now)).await,
                // It was read when it was set: this machine's time zones are others.
                Err(e) => tell(house, task, format!("its window can't be read: {e}")).await,
            };
            failed = failed.and(done);
        }
        failed
    }
}

async fn keep_to(house: &House, task: &TaskRecord, may_run: bool) -> Result<(), Refusal> {
    let asked = house.asked(task.volume, ACTOR);
    let by_window = task.pause.as_ref().is_some_and(|p| p.by == ACTOR);
    let done = match (task.status, may_run) {
        (TaskStatus::Running, false) if task.pause.is_none() => {
            Box::pin(house.commands.end(Arc::new(PauseRebalance), asked)).await
        }
        (TaskStatus::Paused, true) if by_window => {
            Box::pin(house.commands.run(Arc::new(ResumeRebalance), asked)).await
        }
        _ => return Ok(()),
    };
    match done {
        Ok(_) => Ok(()),
        Err(e @ (Refusal::Problems { .. } | Refusal::Gluster { .. })) => {
            let what = if may_run { "go on in its window" } else { "be paused by its window" };
            tell(house, task, format!("it can't {what}: {}", why(&e))).await
        }
        Err(e) => Err(e),
    }
}

/// What keeps a window from being kept to is told once.
async fn tell(house: &House, task: &TaskRecord, message: String) -> Result<(), Refusal> {
    let event = CommandEvent {
        severity: Severity::Warning,
        kind: "window-not-kept",
        message,
        actor: ACTOR.to_owned(),
    };
    house.commands.store.record_once(house.lease()?, task.job, &event).await?;
    Ok(())
}
