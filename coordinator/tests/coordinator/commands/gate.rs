//! The commit gate: a brick goes only when no file is lost unknowingly.

use hod_core::id::HostId;
use hod_core::observation::Holding;
use hod_core::task::{Counters, PartStatus};
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskStatus;
use tonic::{Code, Status};

use super::{argument, precondition, shop, start_remove_brick, wrong};
use crate::support::gluster::Reply;
use crate::support::pool::{FakePool, counters};
use crate::support::until;
use crate::support::world::World;

fn commit() -> pb::CommitRemoveBrickRequest {
    pb::CommitRemoveBrickRequest { volume: "dist".into(), ..Default::default() }
}

/// A remove-brick of the last brick whose migration has ended so.
async fn migrated(counters: Counters) -> (World, FakePool, String) {
    let (world, pool) = shop(3, |_| {}).await;
    let job = world.remove_brick(&pool.brick_name(2)).await.job_id;
    pool.gluster.parts(PartStatus::Completed, counters);
    world.task_is(&job, TaskStatus::Completed).await;
    (world, pool, job)
}

async fn shut(world: &World, code: &str) -> Status {
    let status = world.commands().commit_remove_brick(commit()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(wrong(&status).0.contains(&code.to_owned()), "{code}: {status}");
    status
}

fn committed(pool: &FakePool) -> bool {
    pool.gluster.calls().iter().any(|c| c.contains("commit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_gate_commits() {
    let (world, pool, job) = migrated(counters(4)).await;
    let request = pb::CommitRemoveBrickRequest { dry_run: true, ..commit() };
    let plan = world.commands().commit_remove_brick(request).await.unwrap().into_inner();
    assert_eq!(plan.receipt.unwrap().plan.unwrap().problems, []);
    assert!(!committed(&pool));
    assert_eq!(world.job(&job).await.status(), JobStatus::Started);
    world.commands().commit_remove_brick(commit()).await.unwrap();
    let ended = world.job_is(&job, JobStatus::Finished).await;
    assert!(ended.ended_at.is_some());
    assert_eq!(pool.gluster.calls()[1], format!("volume remove-brick dist {} commit", pool.brick_name(2)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_while_it_runs_or_is_not_there() {
    let (world, pool) = shop(3, |_| {}).await;
    precondition(world.commands().commit_remove_brick(commit()).await, "no-task");
    let job = world.remove_brick(&pool.brick_name(2)).await.job_id;
    let status = shut(&world, "not-completed").await;
    assert!(status.message().contains("IN_PROGRESS"), "{status}");
    assert!(!status.message().contains("was not looked at"), "{status}");
    let bricks = vec![pool.brick_name(1)];
    let request = pb::CommitRemoveBrickRequest { bricks, ..commit() };
    argument(world.commands().commit_remove_brick(request).await, "bricks");
    assert!(!committed(&pool));
    world.task_is(&job, TaskStatus::Running).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_and_skipped_files_shut_it_until_the_loss_is_accepted() {
    let (world, pool, job) = migrated(Counters { failed: 2, skipped: 1, ..counters(4) }).await;
    let status = shut(&world, "files-not-moved").await;
    assert!(status.message().contains("2 files failed, 1 skipped"), "{status}");
    let accept = |files| pb::CommitRemoveBrickRequest { accept_data_loss: Some(files), ..commit() };
    let status = world.commands().commit_remove_brick(accept(2)).await.unwrap_err();
    assert!(status.message().contains("3 files would be lost, not 2"), "{status}");
    assert!(!committed(&pool));
    world.commands().commit_remove_brick(accept(3)).await.unwrap();
    until("the end", async || (world.job(&job).await.status() != JobStatus::Started).then_some(())).await;
    let events = world.all_events().await;
    let accepted = events.iter().find(|e| e.kind == "data-loss-accepted").unwrap();
    assert!(accepted.message.contains('3') && !accepted.actor.is_empty(), "{accepted:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_counter_told_of_shuts_it() {
    let (world, pool, _) = migrated(counters(4)).await;
    pool.gluster.brick(&pool.brick(2), |brick| brick.files = vec!["docs/left behind".into()]);
    let status = shut(&world, "files-left").await;
    assert!(status.message().contains("docs/left behind"), "{status}");
    pool.gluster.brick(&pool.brick(2), |brick| {
        brick.files.clear();
        brick.walk_error = "docs: Input/output error".into();
    });
    // A walk that could not finish is not clean, and no number accepts it.
    for accept_data_loss in [None, Some(0), Some(1)] {
        let request = pb::CommitRemoveBrickRequest { accept_data_loss, ..commit() };
        let status = world.commands().commit_remove_brick(request).await.unwrap_err();
        assert_eq!(wrong(&status).0, ["walk-unfinished"], "{status}");
        assert!(status.message().contains("Input/output error"), "{status}");
    }
    assert!(!committed(&pool));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn geo_replication_and_silent_hosts_shut_it() {
    let (world, pool, job) = migrated(counters(4)).await;
    pool.gluster.everywhere(|script| script.geo_replication = Some(1));
    shut(&world, "geo-replication").await;
    pool.gluster.everywhere(|script| script.geo_replication = None);
    shut(&world, "geo-replication-unknown").await;
    pool.gluster.everywhere(|script| script.geo_replication = Some(0));

    // Gluster leaves a host out that does not answer: the record's word is old, and
    // does not count.
    let silent: HostId = pool.id(2);
    pool.gluster.everywhere(|script| {
        script.followed.values_mut().for_each(|f| {
            f.parts.remove(&silent);
        });
    });
    let status = shut(&world, "host-silent").await;
    assert!(status.message().contains("node-3") || status.message().contains("127.0.0.3"), "{status}");
    // Nor does that of another task.
    pool.gluster.everywhere(|script| script.followed.clear());
    shut(&world, "status-unknown").await;
    assert!(!committed(&pool));
    assert_eq!(world.job(&job).await.status(), JobStatus::Started);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_gluster_refuses_leaves_the_job() {
    let (world, pool, job) = migrated(counters(4)).await;
    let words = "Commit failed: volume dist is busy";
    pool.gluster.reply("remove-brick commit", Reply::Refuse(words));
    let status = world.commands().commit_remove_brick(commit()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains(words), "{status}");
    assert_eq!(world.job(&job).await.status(), JobStatus::Started);
    pool.gluster.reply("remove-brick commit", Reply::LostDone);
    world.commands().commit_remove_brick(commit()).await.unwrap();
    world.job_is(&job, JobStatus::Finished).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_itself_once_the_gate_is_open() {
    let (world, pool) = shop(3, |_| {}).await;
    pool.gluster.brick(&pool.brick(2), |brick| brick.files = vec!["left".into()]);
    let request =
        pb::StartRemoveBrickRequest { auto_commit: true, ..start_remove_brick(&[pool.brick_name(2)]) };
    let job =
        world.commands().start_remove_brick(request).await.unwrap().into_inner().receipt.unwrap().job_id;
    world.task_is(&job, TaskStatus::Running).await;
    pool.gluster.parts(PartStatus::Completed, counters(4));
    // Why it is not, is told once.
    let waits = async || {
        let events = world.all_events().await;
        let waits: Vec<pb::Event> = events.into_iter().filter(|e| e.kind == "auto-commit-waits").collect();
        (!waits.is_empty()).then_some(waits)
    };
    let waits = until("why it waits", waits).await;
    assert!(waits.len() == 1 && waits[0].message.contains("left"), "{waits:?}");
    assert!(!committed(&pool));
    world.end().await;

    let (world, pool) = shop(3, |_| {}).await;
    let request =
        pb::StartRemoveBrickRequest { auto_commit: true, ..start_remove_brick(&[pool.brick_name(2)]) };
    let job =
        world.commands().start_remove_brick(request).await.unwrap().into_inner().receipt.unwrap().job_id;
    world.task_is(&job, TaskStatus::Running).await;
    pool.gluster.parts(PartStatus::Completed, counters(4));
    world.job_is(&job, JobStatus::Finished).await;
    let events = world.all_events().await;
    assert!(events.iter().any(|e| e.kind == "command" && e.actor == "hod (auto-commit)"), "{events:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_force_only_with_the_number_of_files() {
    let (world, pool) = shop(3, |_| {}).await;
    let force = |accept_data_loss, dry_run| pb::ForceRemoveBrickRequest {
        volume: "dist".into(),
        bricks: vec![pool.brick_name(2)],
        accept_data_loss,
        dry_run,
        ..Default::default()
    };
    pool.gluster.brick(&pool.brick(2), |brick| brick.files = vec!["a".into(), "b".into()]);
    let plan = world.commands().force_remove_brick(force(None, true)).await.unwrap().into_inner();
    let plan = plan.receipt.unwrap().plan.unwrap();
    assert!(plan.problems.len() == 1 && plan.problems[0].message.contains("2 files"), "{plan:?}");
    precondition(world.commands().force_remove_brick(force(None, false)).await, "files-lost");
    precondition(world.commands().force_remove_brick(force(Some(1), false)).await, "files-lost");
    world.unchanged(&pool).await;
    let answer = world.commands().force_remove_brick(force(Some(2), false)).await.unwrap().into_inner();
    world.job_is(&answer.receipt.unwrap().job_id, JobStatus::Finished).await;
    let kinds = world.event_kinds().await;
    assert!(kinds.contains(&"data-loss-accepted".to_owned()), "{kinds:?}");
    world.end().await;

    // One that is under way is ended by it.
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.remove_brick(&pool.brick_name(2)).await;
    let request = pb::ForceRemoveBrickRequest {
        volume: "dist".into(),
        bricks: vec![pool.brick_name(2)],
        ..Default::default()
    };
    let answer = world.commands().force_remove_brick(request).await.unwrap().into_inner();
    assert_eq!(answer.receipt.unwrap().job_id, own.job_id);
    let ended = world.job_is(&own.job_id, JobStatus::Failed).await;
    assert!(ended.message.contains("force"), "{ended:?}");
    let holds = |holding: &Holding| matches!(holding, Holding::Task(_));
    assert!(!pool.gluster.scripts().iter().any(|s| s.own.values().any(holds)));
    world.end().await;
}
