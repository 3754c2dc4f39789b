//! A pause that did not come true: its stop was never asked for, or had no effect, and
//! the task runs on. It is taken back, so that it can be asked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use hod_core::task::TaskStatus;

use super::{Chore, House};
use crate::commands::Refusal;
use crate::store::StoreError;

pub(super) struct Pauses;

#[async_trait]
impl Chore for Pauses {
    fn name(&self) -> &'static str {
        "taking stale pauses back"
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let store = &house.commands.store;
        let open = store.tasks(Some(house.pool.id), &BTreeSet::new()).await?;
        let now = store.now().await?;
        let settled = house.commands.sync.rules().plan.settled_after;
        for task in open.iter().map(|t| &t.record).filter(|t| t.status == TaskStatus::Running) {
            let Some(pause) = &task.pause else { continue };
            let age = Duration::try_from(now.duration_since(pause.at)).unwrap_or_default();
            if age < settled {
                continue;
            }
            let why = "it runs on: the pause did not come true";
            match store.clear_pause(house.lease()?, task.step, &pause.by, why).await {
                // It has come true meanwhile.
                Ok(()) | Err(StoreError::Refused(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}
