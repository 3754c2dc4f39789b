//! Stopping what is there, hod's own and found.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskStatus;
use tonic::Code;

use super::{argument, precondition, shop, start_rebalance};
use crate::support::gluster::Reply;
use crate::support::pool::{counters, new_task};
use crate::support::until;

fn stop() -> pb::StopRebalanceRequest {
    pb::StopRebalanceRequest { volume: "dist".into(), ..Default::default() }
}

fn stop_remove(bricks: &[String]) -> pb::StopRemoveBrickRequest {
    pb::StopRemoveBrickRequest { volume: "dist".into(), bricks: bricks.to_vec(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_what_hod_started_and_what_it_found() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    let answer = world.commands().stop_rebalance(stop()).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((answer.job_id, answer.step_id), (own.job_id.clone(), own.step_id));
    world.job_is(&own.job_id, JobStatus::Aborted).await;

    pool.rebalance(new_task(), PartStatus::InProgress, 3);
    let found =
        until("the found job", async || world.all_jobs().await.into_iter().find(|j| j.external)).await;
    world.task_is(&found.job_id, TaskStatus::Running).await;
    let answer = world.commands().stop_rebalance(stop()).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(answer.job_id, found.job_id);
    world.job_is(&found.job_id, JobStatus::Aborted).await;
    assert_eq!(world.all_jobs().await.len(), 2);
    let asked = world.all_events().await.into_iter().filter(|e| e.kind == "command").count();
    assert_eq!(asked, 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_stop() {
    let (world, pool) = shop(3, |_| {}).await;
    precondition(world.commands().stop_rebalance(stop()).await, "no-task");
    precondition(world.commands().stop_remove_brick(stop_remove(&[])).await, "no-task");
    world.unchanged(&pool).await;

    // Completed: there is nothing that a stop would end.
    let own = world.rebalance().await;
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.job_is(&own.job_id, JobStatus::Finished).await;
    let told = precondition(world.commands().stop_rebalance(stop()).await, "task-ended");
    assert!(told.contains("COMPLETED"), "{told}");

    // Another type.
    let removing = world.remove_brick(&pool.brick_name(2)).await;
    let told = precondition(world.commands().stop_rebalance(stop()).await, "other-task");
    assert!(told.contains("Remove-brick"), "{told}");
    let told =
        argument(world.commands().stop_remove_brick(stop_remove(&[pool.brick_name(1)])).await, "bricks");
    assert!(told.contains(&pool.brick_name(2)), "{told}");
    assert_eq!(pool.gluster.calls().len(), 2);
    // Its own bricks by another name.
    let own_brick = ["node-3:/bricks/d".to_owned()];
    world.commands().stop_remove_brick(stop_remove(&own_brick)).await.unwrap();
    world.job_is(&removing.job_id, JobStatus::Aborted).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_gluster_refuses_leaves_step_and_lock() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    let words = "Rebalance not started for volume dist.";
    pool.gluster.reply("rebalance stop", Reply::Refuse(words));
    let told = world.commands().stop_rebalance(stop()).await.unwrap_err();
    assert_eq!(told.code(), Code::FailedPrecondition);
    assert!(told.message().contains(words) && told.message().contains("hod task"), "{told}");
    let job = world.job(&own.job_id).await;
    assert!(job.steps[1..].iter().all(|s| s.status() == JobStatus::Started), "{job:?}");
    precondition(world.commands().start_rebalance(start_rebalance()).await, "volume-busy");
    let kinds = world.event_kinds().await;
    assert!(kinds.contains(&"command-refused".to_owned()), "{kinds:?}");

    // It goes on as if nothing had been asked.
    pool.gluster.parts(PartStatus::Completed, counters(2));
    world.job_is(&own.job_id, JobStatus::Finished).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_whose_answer_was_lost_is_settled_by_what_is_so() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    pool.gluster.reply("rebalance stop", Reply::LostUndone);
    let answer = world.commands().stop_rebalance(stop()).await.unwrap().into_inner().receipt.unwrap();
    assert!(answer.message.contains("not known"), "{answer:?}");
    world.task_is(&own.job_id, TaskStatus::Running).await;
    pool.gluster.reply("rebalance stop", Reply::LostDone);
    world.commands().stop_rebalance(stop()).await.unwrap();
    world.job_is(&own.job_id, JobStatus::Aborted).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_given_up_with_a_reason() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    let abandon = |reason: &str| pb::AbandonJobRequest { job_id: own.job_id.clone(), reason: reason.into() };
    let status = world.commands().abandon_job(abandon("  ")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    world.commands().abandon_job(abandon("its host burned down")).await.unwrap();
    let job = world.job(&own.job_id).await;
    assert_eq!(job.status(), JobStatus::Unknown);
    let events = world.all_events().await;
    assert!(events.iter().any(|e| e.message.contains("burned down")), "{events:?}");
    let status = world.commands().abandon_job(abandon("again")).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(pool.gluster.calls().len(), 1);
    world.end().await;
}
