//! A remove-brick is stopped to go on later: only on explicit demand, since its bricks
//! take new files again meanwhile, and never with sharding.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::record::TaskRecord;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::ending::{CheckedEnd, Ending};
use super::gather::Known;
use super::pause_rebalance::paused_already;
use super::stop_remove_brick;

/// Pauses a remove-brick.
#[derive(Clone, Copy, Debug, Default)]
pub struct PauseRemoveBrick;

#[async_trait]
impl Ending for PauseRemoveBrick {
    fn what(&self) -> &'static str {
        "pause the remove-brick"
    }

    fn is_pause(&self) -> bool {
        true
    }

    async fn check(&self, known: &Known) -> CheckedEnd {
        let paused = paused_already(known.task.as_ref());
        let mut problems = match paused {
            Some(problem) if checks::stop(&known.facts(), true).is_empty() => vec![problem],
            _ => checks::pause_remove_brick(&known.facts()),
        };
        problems.extend(known.unsettled());
        CheckedEnd { problems, task: known.task.clone(), ..CheckedEnd::default() }
    }

    async fn execute(&self, known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome {
        stop_remove_brick::stop(known, task, acting).await
    }
}
