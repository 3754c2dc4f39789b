//! What operators have hod do, as they see it.

mod checks;
mod crashes;
mod ending;
mod gate;
mod healing;
mod pausing;
mod starting;
mod throttle;
mod windows;

use hod_core::volume::Volume;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::pool::FakePool;
use crate::support::world::World;

/// A world with a pool in it.
async fn shop(hosts: u8, reshape: impl FnOnce(&mut Volume)) -> (World, FakePool) {
    let world = World::new().await;
    let pool = FakePool::with(hosts, reshape).await;
    world.add_shop(&pool).await;
    (world, pool)
}

/// Every file on as many bricks.
fn replica(count: u32) -> impl FnOnce(&mut Volume) {
    move |volume| {
        volume.replica_count = count;
        volume.distribute_count /= count;
    }
}

/// The codes of all that is wrong: of the pool's state, and of the request's fields.
fn wrong(status: &Status) -> (Vec<String>, Vec<String>) {
    let details = status.get_error_details();
    let state = details.precondition_failure().map(|p| p.violations.clone()).unwrap_or_default();
    let fields = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
    // The message tells all of it, the problems of the pool with what to do about them.
    let told = state.iter().map(|v| &v.description);
    for told in told.clone().chain(fields.iter().map(|f| &f.description)) {
        assert!(status.message().contains(told.as_str()), "{told} in {status}");
    }
    assert!(told.clone().all(|told| told.contains(": ")), "{status}");
    (state.into_iter().map(|v| v.r#type).collect(), fields.into_iter().map(|f| f.field).collect())
}

/// The pool's state does not allow it, for just this reason.
fn precondition(result: Result<impl std::fmt::Debug, Status>, code: &str) -> String {
    let status = result.expect_err(code);
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert_eq!(wrong(&status).0, [code], "{status}");
    status.message().to_owned()
}

/// The request can't be right, by this field.
fn argument(result: Result<impl std::fmt::Debug, Status>, field: &str) -> String {
    let status = result.expect_err(field);
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(wrong(&status).1.contains(&field.to_owned()), "{status}");
    status.message().to_owned()
}

fn start_rebalance() -> pb::StartRebalanceRequest {
    pb::StartRebalanceRequest { volume: "dist".into(), ..Default::default() }
}

fn start_remove_brick(bricks: &[String]) -> pb::StartRemoveBrickRequest {
    pb::StartRemoveBrickRequest { volume: "dist".into(), bricks: bricks.to_vec(), ..Default::default() }
}

impl World {
    /// Starts a rebalance, and waits until its task is seen.
    async fn rebalance(&self) -> pb::Receipt {
        let answer = self.commands().start_rebalance(start_rebalance()).await.unwrap();
        let receipt = answer.into_inner().receipt.unwrap();
        self.task_is(&receipt.job_id, hod_proto::types::v1::TaskStatus::Running).await;
        receipt
    }

    /// Starts to remove a brick, and waits until its task is seen.
    async fn remove_brick(&self, brick: &str) -> pb::Receipt {
        let request = start_remove_brick(&[brick.to_owned()]);
        let answer = self.commands().start_remove_brick(request).await.unwrap();
        let receipt = answer.into_inner().receipt.unwrap();
        self.task_is(&receipt.job_id, hod_proto::types::v1::TaskStatus::Running).await;
        receipt
    }

    /// No job was made, and no agent was asked for anything.
    async fn unchanged(&self, pool: &FakePool) {
        assert_eq!(self.all_jobs().await, []);
        assert_eq!(pool.gluster.calls(), Vec::<String>::new());
    }

    async fn only_job(&self) -> pb::Job {
        let jobs = self.all_jobs().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.into_iter().next().unwrap()
    }
}

/// The steps' types and statuses, in their order.
fn steps(job: &pb::Job) -> Vec<(pb::StepType, JobStatus)> {
    job.steps.iter().map(|s| (s.r#type(), s.status())).collect()
}
