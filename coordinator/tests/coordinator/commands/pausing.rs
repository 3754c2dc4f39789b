//! Pause and resume: one job, many runs.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskStatus;
use tonic::Code;

use super::{precondition, shop, start_rebalance};
use crate::support::gluster::Reply;
use crate::support::pool::{counters, new_task};
use crate::support::until;

fn pause() -> pb::PauseRebalanceRequest {
    pb::PauseRebalanceRequest { volume: "dist".into(), ..Default::default() }
}

fn resume() -> pb::ResumeRebalanceRequest {
    pb::ResumeRebalanceRequest { volume: "dist".into(), ..Default::default() }
}

fn stop() -> pb::StopRebalanceRequest {
    pb::StopRebalanceRequest { volume: "dist".into(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_where_it_was_over_a_restart() {
    let (mut world, pool) = shop(3, |_| {}).await;
    precondition(world.commands().pause_rebalance(pause()).await, "no-task");
    precondition(world.commands().resume_rebalance(resume()).await, "no-task");
    let own = world.rebalance().await;
    precondition(world.commands().resume_rebalance(resume()).await, "not-paused");
    pool.gluster.parts(PartStatus::InProgress, counters(5));
    world.commands().pause_rebalance(pause()).await.unwrap();
    let paused = world.task_is(&own.job_id, TaskStatus::Paused).await;
    precondition(world.commands().pause_rebalance(pause()).await, "paused");
    let job = world.job(&own.job_id).await;
    assert!(job.steps[1..].iter().all(|s| s.status() == JobStatus::Started), "{job:?}");
    // The volume is kept.
    precondition(world.commands().start_rebalance(start_rebalance()).await, "volume-busy");

    world.stop().await;
    world.start().await;
    let going_on = async || world.commands().resume_rebalance(resume()).await.ok();
    let receipt = until("it to go on", going_on).await.into_inner().receipt.unwrap();
    assert_eq!((&receipt.job_id, &receipt.step_id), (&own.job_id, &own.step_id));
    let running = world.task_is(&own.job_id, TaskStatus::Running).await;
    assert_ne!(running.task_id, paused.task_id);
    pool.gluster.parts(PartStatus::Completed, counters(2));
    let job = world.job_is(&own.job_id, JobStatus::Finished).await;
    let tasks: Vec<_> = job.steps.iter().filter_map(|s| s.task.as_ref()).collect();
    assert_eq!(tasks.len(), 1);
    // What both runs have moved; what was looked at is the last one's.
    let sum = tasks[0].counters.as_ref().unwrap();
    assert_eq!((sum.files, sum.bytes, sum.scanned), (3 * 5 + 3 * 2, 3 * 50 + 3 * 20, 3 * 4));
    world.only_job().await;
    let starts = pool.gluster.calls().iter().filter(|c| c.ends_with("start")).count();
    assert_eq!(starts, 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_found_one_is_paused_and_goes_on_too() {
    let (world, pool) = shop(3, |_| {}).await;
    pool.rebalance(new_task(), PartStatus::InProgress, 3);
    let found = world.job_with(JobStatus::Started).await.job_id;
    world.task_is(&found, TaskStatus::Running).await;
    world.commands().pause_rebalance(pause()).await.unwrap();
    world.task_is(&found, TaskStatus::Paused).await;
    world.commands().resume_rebalance(resume()).await.unwrap();
    world.task_is(&found, TaskStatus::Running).await;
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.job_is(&found, JobStatus::Finished).await;
    world.only_job().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_gluster_refuses_is_none() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    pool.gluster.reply("rebalance stop", Reply::Refuse("Another transaction is in progress for dist."));
    let status = world.commands().pause_rebalance(pause()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("Another transaction"), "{status}");
    world.task_is(&own.job_id, TaskStatus::Running).await;
    // A stop from Gluster's command line is a stop then, no pause.
    pool.gluster.reply("rebalance stop", Reply::Do);
    world.commands().stop_rebalance(stop()).await.unwrap();
    world.job_is(&own.job_id, JobStatus::Aborted).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_gluster_refuses_leaves_it_paused() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    world.commands().pause_rebalance(pause()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    pool.gluster.reply("rebalance start", Reply::Refuse("Host node of the brick is down"));
    world.commands().resume_rebalance(resume()).await.unwrap();
    until("why it did not", async || {
        let job = world.job(&own.job_id).await;
        job.message.contains("is down").then_some(())
    })
    .await;
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    pool.gluster.reply("rebalance start", Reply::Do);
    until("it to be settled", async || world.commands().resume_rebalance(resume()).await.ok()).await;
    world.task_is(&own.job_id, TaskStatus::Running).await;
    world.only_job().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_one_is_stopped_without_gluster_and_superseded_by_another() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    world.commands().pause_rebalance(pause()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    let asked = pool.gluster.calls().len();
    world.commands().stop_rebalance(stop()).await.unwrap();
    world.job_is(&own.job_id, JobStatus::Aborted).await;
    assert_eq!(pool.gluster.calls().len(), asked);

    let own = world.rebalance().await;
    world.commands().pause_rebalance(pause()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    pool.rebalance(new_task(), PartStatus::InProgress, 1);
    let ended = world.job_is(&own.job_id, JobStatus::Aborted).await;
    assert!(ended.message.contains("superseded"), "{ended:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_did_not_come_true_is_taken_back() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    pool.gluster.reply("rebalance stop", Reply::LostUndone);
    world.commands().pause_rebalance(pause()).await.unwrap();
    precondition(world.commands().pause_rebalance(pause()).await, "paused");
    until("the pause to be taken back", async || {
        world.event_kinds().await.contains(&"command-refused".to_owned()).then_some(())
    })
    .await;
    pool.gluster.reply("rebalance stop", Reply::Do);
    world.commands().pause_rebalance(pause()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_brick_is_paused_on_demand_and_never_with_sharding() {
    let (world, pool) = shop(3, |_| {}).await;
    let pause = || pb::PauseRemoveBrickRequest { volume: "dist".into(), ..Default::default() };
    let resume = || pb::ResumeRemoveBrickRequest { volume: "dist".into(), ..Default::default() };
    let own = world.remove_brick(&pool.brick_name(2)).await;
    pool.gluster.everywhere(|script| {
        script.volumes[0].options.insert("features.shard".into(), "on".into());
    });
    precondition(world.commands().pause_remove_brick(pause()).await, "sharded");
    pool.gluster.everywhere(|script| {
        script.volumes[0].options.clear();
    });
    world.commands().pause_remove_brick(pause()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    let commit = pb::CommitRemoveBrickRequest { volume: "dist".into(), ..Default::default() };
    precondition(world.commands().commit_remove_brick(commit).await, "paused");
    world.commands().resume_remove_brick(resume()).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Running).await;
    let start = format!("volume remove-brick dist {} start", pool.brick_name(2));
    assert_eq!(pool.gluster.calls().iter().filter(|c| **c == start).count(), 2);
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.task_is(&own.job_id, TaskStatus::Completed).await;
    precondition(world.commands().pause_remove_brick(pause()).await, "not-running");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_what_is_about_to_be_paused() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    pool.gluster.reply("rebalance stop", Reply::LostUndone);
    world.commands().pause_rebalance(pause()).await.unwrap();
    pool.gluster.reply("rebalance stop", Reply::Do);
    world.commands().stop_rebalance(stop()).await.unwrap();
    world.job_is(&own.job_id, JobStatus::Aborted).await;
    world.end().await;
}
