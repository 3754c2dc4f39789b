//! `rebalance stop`.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::record::TaskRecord;
use hod_core::task::TaskStatus;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::ending::{CheckedEnd, Ending};
use super::gather::Known;

/// Stops a rebalance, or ends one that is paused.
#[derive(Clone, Copy, Debug, Default)]
pub struct StopRebalance;

#[async_trait]
impl Ending for StopRebalance {
    fn what(&self) -> &'static str {
        "stop the rebalance"
    }

    async fn check(&self, known: &Known) -> CheckedEnd {
        let mut problems = checks::stop(&known.facts_with_ended(), false);
        problems.extend(known.unsettled());
        let task = known.task.clone();
        let paused = task.as_ref().is_some_and(|t| t.status == TaskStatus::Paused);
        CheckedEnd { problems, task, paused, notes: Vec::new() }
    }

    async fn execute(&self, known: &Known, _: &TaskRecord, acting: &Acting) -> Outcome {
        stop(known, acting).await
    }
}

/// Has Gluster stop the volume's rebalance.
pub(super) async fn stop(known: &Known, acting: &Acting) -> Outcome {
    let request = pb::StopRebalanceRequest {
        request_id: acting.request.to_string(),
        volume: known.volume.name.clone(),
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().stop_rebalance(request), |answer| answer.outcome).await
}
