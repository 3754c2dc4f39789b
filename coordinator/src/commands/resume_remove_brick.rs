//! A remove-brick goes on after a pause.

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::checks;
use hod_core::command::intention::Intended;
use hod_core::job::StepType;
use hod_core::task::TaskType;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::gather::Known;
use super::resume_rebalance::not_paused;
use super::runner::{Checked, Command, Opening};
use super::start_remove_brick;

/// Lets a paused remove-brick go on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResumeRemoveBrick;

#[async_trait]
impl Command for ResumeRemoveBrick {
    fn action(&self) -> &'static str {
        "remove-brick-resume"
    }

    fn step_type(&self) -> StepType {
        StepType::RemovingBricks
    }

    async fn check(&self, known: &Known) -> Checked {
        let mut problems = not_paused(known, "remove-brick", |t| *t == TaskType::RemoveBrick);
        let task = known.task.as_ref();
        let bricks: Vec<Brick> =
            task.iter().flat_map(|t| &t.bricks).filter_map(|b| b.brick.clone()).collect();
        let facts = start_remove_brick::measured(known, known.facts_for_its_holder(), &bricks).await;
        let (found, plan) = checks::start_remove_brick(&facts, &bricks);
        if problems.is_empty() {
            problems = found;
        }
        let (bytes_to_move, bricks) = plan.map(|p| (p.to_move, p.bricks)).unwrap_or_default();
        Checked {
            description: format!("Going on with the remove-brick of volume {}", known.volume.name),
            problems,
            bytes_to_move,
            bricks,
            opening: task.map(|t| Opening::Resume(t.step)),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        start_remove_brick::start(known, intended, acting).await
    }
}
