//! A rebalance goes on after a pause, under a new id on the same step.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::command::intention::{Intended, Start};
use hod_core::command::problem::Problem;
use hod_core::job::StepType;
use hod_core::task::{TaskStatus, TaskType};
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::gather::Known;
use super::runner::{Checked, Command, Opening};
use super::start_rebalance;

/// Lets a paused rebalance go on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResumeRebalance;

#[async_trait]
impl Command for ResumeRebalance {
    fn action(&self) -> &'static str {
        "rebalance-resume"
    }

    fn step_type(&self) -> StepType {
        StepType::RebalancingVolume
    }

    async fn check(&self, known: &Known) -> Checked {
        let is_rebalance = |t: &TaskType| matches!(t, TaskType::Rebalance { .. });
        let mut problems = not_paused(known, "rebalance", is_rebalance);
        if problems.is_empty() {
            problems = checks::start_rebalance(&known.facts_for_its_holder());
        }
        Checked {
            description: format!("Going on with the rebalance of volume {}", known.volume.name),
            problems,
            opening: known.task.as_ref().map(|t| Opening::Resume(t.step)),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        let fix_layout = matches!(
            intended,
            Intended::Start(Start { task_type: TaskType::Rebalance { fix_layout: true }, .. })
        );
        let force = known.action == start_rebalance::FORCED;
        start_rebalance::start(known, acting, fix_layout, force).await
    }
}

/// That there is no paused task of a type, if there is none.
pub(super) fn not_paused(known: &Known, what: &str, is_it: impl Fn(&TaskType) -> bool) -> Vec<Problem> {
    let name = &known.volume.name;
    let told = |code, message: String, advice: &str| vec![Problem::new(code, message, advice).of("volume")];
    if let Some(problem) = known.unsettled() {
        return vec![problem];
    }
    match &known.task {
        None => told("no-task", format!("{name} has no {what} that is paused"), "start one"),
        Some(task) if !task.task_type.as_ref().is_some_and(is_it) => {
            told("other-task", format!("{name} has another task: {}", task.description()), "see its job")
        }
        Some(task) if task.status != TaskStatus::Paused => {
            let message = format!("the {what} of {name} is not paused: {}", task.status.code());
            let advice = match task.pause {
                Some(_) => "its pause has not come true yet: try again in a moment",
                None => "there is nothing to go on with",
            };
            told("not-paused", message, advice)
        }
        Some(_) => Vec::new(),
    }
}
