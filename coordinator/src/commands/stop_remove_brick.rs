//! `remove-brick stop`: the bricks stay in the volume.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::record::TaskRecord;
use hod_core::task::TaskStatus;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::ending::{CheckedEnd, Ending};
use super::gather::Known;
use super::resolve::{as_listed, other_bricks};

/// Stops a remove-brick, also one that awaits its commit, or ends one that is paused.
#[derive(Clone, Debug, Default)]
pub struct StopRemoveBrick {
    /// As the operator names them; none: the task's.
    pub bricks: Vec<String>,
}

#[async_trait]
impl Ending for StopRemoveBrick {
    fn what(&self) -> &'static str {
        "stop the remove-brick"
    }

    async fn check(&self, known: &Known) -> CheckedEnd {
        let mut problems = checks::stop(&known.facts(), true);
        problems.extend(known.unsettled());
        let task = known.task.clone();
        if let (Some(task), true) = (&task, problems.is_empty()) {
            problems = other_bricks(task, &known.resolve("bricks", &self.bricks));
        }
        let paused = task.as_ref().is_some_and(|t| t.status == TaskStatus::Paused);
        CheckedEnd { problems, task, paused, notes: Vec::new() }
    }

    async fn execute(&self, known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome {
        stop(known, task, acting).await
    }
}

/// Has Gluster stop the volume's remove-brick.
pub(super) async fn stop(known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome {
    let request = pb::StopRemoveBrickRequest {
        request_id: acting.request.to_string(),
        volume: known.volume.name.clone(),
        bricks: as_listed(task),
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().stop_remove_brick(request), |answer| answer.outcome).await
}
