//! Starting a task: nothing is started twice, and what became of it is told.

use std::sync::Arc;

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::{JobStatus, StepType};
use hod_proto::types::v1::TaskStatus;
use tokio::sync::Notify;
use tonic::{Code, Request};

use super::{precondition, shop, start_rebalance, start_remove_brick, steps, wrong};
use crate::support::gluster::Reply;
use crate::support::pool::{counters, new_task};
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_is_one_job_from_the_checks_to_its_end() {
    let (world, pool) = shop(3, |_| {}).await;
    let mut request = Request::new(start_rebalance());
    request.metadata_mut().insert(hod_proto::IDENTITY_KEY, "alice".parse().unwrap());
    let receipt = world.commands().start_rebalance(request).await.unwrap().into_inner().receipt.unwrap();
    assert!(receipt.message.contains(&receipt.job_id), "{receipt:?}");
    let task = world.task_is(&receipt.job_id, TaskStatus::Running).await;

    let job = world.only_job().await;
    assert!(!job.external && job.actor.starts_with("alice"), "{job:?}");
    assert_eq!(job.subjects[0].volume_name, "dist");
    assert_eq!(
        steps(&job),
        [
            (StepType::Validating, JobStatus::Finished),
            (StepType::Executing, JobStatus::Started),
            (StepType::RebalancingVolume, JobStatus::Started)
        ]
    );
    let step = job.steps.iter().find(|s| s.step_id == receipt.step_id).unwrap();
    assert_eq!(step.task.as_ref().unwrap().task_id, task.task_id);
    assert_eq!(pool.gluster.calls(), ["volume rebalance dist start"]);

    pool.gluster.parts(PartStatus::Completed, counters(7));
    let job = world.job_is(&receipt.job_id, JobStatus::Finished).await;
    assert_eq!(job.steps[2].task.as_ref().unwrap().counters.as_ref().unwrap().files, 21);
    let events = world.all_events().await;
    let command = events.iter().find(|e| e.kind == "command").unwrap();
    assert!(command.actor.starts_with("alice"), "{command:?}");
    assert!(!events.iter().any(|e| e.kind == "task-found"), "{events:?}");
    assert!(events.iter().any(|e| e.kind == "task-started" && e.actor.starts_with("alice")));
    // The volume is free again.
    world.rebalance().await;
    assert_eq!(world.all_jobs().await.len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_starts_one() {
    let (world, pool) = shop(3, |_| {}).await;
    let go = Arc::new(Notify::new());
    pool.gluster.reply("rebalance start", Reply::Wait(go.clone()));
    let receipt = world.commands().start_rebalance(start_rebalance()).await.unwrap().into_inner();
    let job = receipt.receipt.unwrap().job_id;
    let told = precondition(world.commands().start_rebalance(start_rebalance()).await, "volume-busy");
    assert!(told.contains(&job), "{told}");
    until("the agent to be asked", async || (!pool.gluster.calls().is_empty()).then_some(())).await;
    go.notify_one();
    world.task_is(&job, TaskStatus::Running).await;
    assert_eq!(pool.gluster.calls().len(), 1);
    world.only_job().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_operators_at_once_one_wins() {
    let (world, pool) = shop(3, |_| {}).await;
    let asked = (0..6).map(|n| {
        let mut commands = world.commands();
        let brick = pool.brick_name(2);
        async move {
            if n % 2 == 0 {
                commands.start_rebalance(start_rebalance()).await.map(|_| ())
            } else {
                commands.start_remove_brick(start_remove_brick(&[brick])).await.map(|_| ())
            }
        }
    });
    let answers = futures::future::join_all(asked).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    let job = world.only_job().await;
    for status in lost.into_iter().map(Result::unwrap_err) {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert_eq!(wrong(&status).0, ["volume-busy"], "{status}");
        assert!(status.message().contains(&job.job_id), "{status}");
    }
    world.task_is(&job.job_id, TaskStatus::Running).await;
    assert_eq!(pool.gluster.calls().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_answer_was_lost_and_that_succeeded_is_adopted() {
    let (world, pool) = shop(3, |_| {}).await;
    pool.gluster.reply("rebalance start", Reply::LostDone);
    let receipt = world.rebalance().await;
    let job = world.only_job().await;
    assert_eq!((job.job_id, job.external), (receipt.job_id, false));
    assert_eq!(pool.gluster.calls().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_answer_was_lost_and_that_failed_fails() {
    let (world, pool) = shop(3, |_| {}).await;
    pool.gluster.reply("remove-brick start", Reply::LostUndone);
    let request = start_remove_brick(&[pool.brick_name(2)]);
    let job =
        world.commands().start_remove_brick(request).await.unwrap().into_inner().receipt.unwrap().job_id;
    let ended = world.job_is(&job, JobStatus::Failed).await;
    assert!(ended.message.contains("never started"), "{ended:?}");
    assert!(ended.steps.iter().all(|s| s.status() != JobStatus::Started), "{ended:?}");
    assert_eq!(pool.gluster.calls().len(), 1);
    // The volume is free again.
    pool.gluster.reply("remove-brick start", Reply::Do);
    world.remove_brick(&pool.brick_name(2)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gluster_refuses_is_told_in_its_words_with_advice() {
    let (world, pool) = shop(3, |_| {}).await;
    let words = "Another transaction is in progress for dist. Please try again after some time.";
    pool.gluster.reply("rebalance start", Reply::Refuse(words));
    let job = world.commands().start_rebalance(start_rebalance()).await.unwrap().into_inner();
    let ended = world.job_is(&job.receipt.unwrap().job_id, JobStatus::Failed).await;
    assert!(ended.message.contains(words) && ended.message.contains("3 minutes"), "{ended:?}");
    let events = world.all_events().await;
    assert!(events.iter().any(|e| e.kind == "command-failed" && e.message.contains(words)), "{events:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_from_gluster_s_command_line_at_the_same_moment_makes_no_second_open_step() {
    let (world, pool) = shop(3, |_| {}).await;
    let words = "Rebalance on dist is already started";
    pool.gluster.reply("rebalance start", Reply::Refuse(words));
    let task = new_task();
    let (answer, ()) =
        tokio::join!(async { world.commands().start_rebalance(start_rebalance()).await }, async {
            pool.rebalance(task, PartStatus::InProgress, 1);
        });
    let of_task = async || {
        let jobs = world.all_jobs().await;
        let has = |job: &pb::Job| {
            job.steps.iter().any(|s| s.task.as_ref().is_some_and(|t| t.task_id == task.to_string()))
        };
        let open: Vec<pb::Job> = jobs.into_iter().filter(|j| j.status() == JobStatus::Started).collect();
        (open.len() == 1 && has(&open[0])).then_some(open)
    };
    // Adopted, or found beside a command that failed: one open job in any case.
    until("one open job with that task", of_task).await;
    if let Ok(answer) = answer {
        let job = world.job(&answer.into_inner().receipt.unwrap().job_id).await;
        assert!(matches!(job.status(), JobStatus::Failed | JobStatus::Started), "{job:?}");
    }
    assert!(pool.gluster.calls().len() <= 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_no_agent_to_ask_nothing_is_opened() {
    let (world, pool) = shop(2, |_| {}).await;
    pool.agents.iter().for_each(crate::support::agent::FakeAgent::kill);
    let refused = async || world.commands().start_rebalance(start_rebalance()).await.err();
    let status = until("nobody to answer", async || refused().await).await;
    assert!(matches!(status.code(), Code::Unavailable | Code::FailedPrecondition), "{status}");
    world.unchanged(&pool).await;
    world.end().await;
}
