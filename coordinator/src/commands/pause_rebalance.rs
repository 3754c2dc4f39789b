//! A rebalance is stopped to go on later: Gluster has no pause in any version.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::command::problem::Problem;
use hod_core::record::TaskRecord;
use hod_core::task::TaskStatus;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::ending::{CheckedEnd, Ending};
use super::gather::Known;
use super::stop_rebalance;

/// Pauses a rebalance.
#[derive(Clone, Copy, Debug, Default)]
pub struct PauseRebalance;

#[async_trait]
impl Ending for PauseRebalance {
    fn what(&self) -> &'static str {
        "pause the rebalance"
    }

    fn is_pause(&self) -> bool {
        true
    }

    async fn check(&self, known: &Known) -> CheckedEnd {
        let mut problems = checks::stop(&known.facts_with_ended(), false);
        problems.extend(known.unsettled());
        if problems.is_empty() {
            problems.extend(paused_already(known.task.as_ref()));
        }
        CheckedEnd { problems, task: known.task.clone(), ..CheckedEnd::default() }
    }

    async fn execute(&self, known: &Known, _: &TaskRecord, acting: &Acting) -> Outcome {
        stop_rebalance::stop(known, acting).await
    }
}

/// That it is paused, or about to be, if it is.
pub(super) fn paused_already(task: Option<&TaskRecord>) -> Option<Problem> {
    let task = task?;
    let by = task.pause.as_ref().map(|p| p.by.as_str()).unwrap_or_default();
    let told = |message: String, advice: &str| Some(Problem::new("paused", message, advice).of("volume"));
    match (task.status, &task.pause) {
        (TaskStatus::Paused, _) => {
            told(format!("it is paused already, by {by}"), "let it go on with resume, or end it with stop")
        }
        (_, Some(_)) => told(
            format!("{by} has it paused at this moment"),
            "see in a moment whether it is; if it goes on running for 4 minutes, ask again",
        ),
        (_, None) => None,
    }
}
