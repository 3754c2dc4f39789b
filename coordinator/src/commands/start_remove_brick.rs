//! `remove-brick start`: empties whole sets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::facts::Facts;
use hod_core::command::intention::{Intended, Start};
use hod_core::command::{checks, space};
use hod_core::job::StepType;
use hod_core::task::TaskType;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::gather::Known;
use super::resolve::with_unresolved;
use super::runner::{Checked, Command, NewJob, Opening};
use super::{throttle, walk};

/// Empties bricks, to be committed.
#[derive(Clone, Debug, Default)]
pub struct StartRemoveBrick {
    /// As the operator names them.
    pub bricks: Vec<String>,
    /// Gluster's word for how fast.
    pub throttle: Option<&'static str>,
    /// Whether it is committed by itself once the gate is open.
    pub auto_commit: bool,
}

#[async_trait]
impl Command for StartRemoveBrick {
    fn action(&self) -> &'static str {
        "remove-brick-start"
    }

    fn step_type(&self) -> StepType {
        StepType::RemovingBricks
    }

    async fn check(&self, known: &Known) -> Checked {
        let named = known.resolve("bricks", &self.bricks);
        let bricks = known.task_bricks(&named.bricks);
        let facts = measured(known, known.facts(), &named.bricks).await;
        let (found, plan) = checks::start_remove_brick(&facts, &named.bricks);
        let start = Start {
            task_type: TaskType::RemoveBrick,
            bricks,
            before: known.before.clone(),
            run: 1,
            earlier: BTreeMap::new(),
        };
        let (bytes_to_move, bricks) = plan.map(|p| (p.to_move, p.bricks)).unwrap_or_default();
        Checked {
            description: format!("Removing {} from volume {}", self.bricks.join(", "), known.volume.name),
            problems: with_unresolved(named, found),
            bytes_to_move,
            bricks,
            opening: Some(Opening::New(NewJob {
                throttle: throttle::wanted(&known.volume, self.throttle),
                auto_commit: self.auto_commit,
                ..NewJob::of(Intended::Start(start))
            })),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        start(known, intended, acting).await
    }
}

/// The facts; where all that the filesystems hold would not fit, with what the bricks' own files take.
/// A filesystem may well hold other volumes' bricks, or the system.
pub(super) async fn measured<'a>(known: &Known, mut facts: Facts<'a>, bricks: &[Brick]) -> Facts<'a> {
    if space::plan(&facts, bricks).is_some_and(|plan| !plan.fits()) {
        for (brick, bytes) in walk::holds(&known.agents, &known.volume.name, bricks).await {
            facts.bricks.entry(brick).or_default().holds = Some(bytes);
        }
    }
    facts
}

/// Has Gluster start a remove-brick.
pub(super) async fn start(known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
    let Intended::Start(start) = intended else {
        return Outcome::Refused(super::agents::not_run("what is recorded is no start"));
    };
    let request = pb::StartRemoveBrickRequest {
        request_id: acting.request.to_string(),
        volume: known.volume.name.clone(),
        bricks: start.bricks.iter().map(|b| b.name.to_string()).collect(),
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().start_remove_brick(request), |answer| answer.outcome).await
}
