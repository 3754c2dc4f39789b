//! However Gluster's command line ends a task, its job says what really happened.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::{Job, JobStatus};
use hod_tests::on_every_version;
use hod_tests::pool::{Pool, look};
use tokio::sync::Mutex;

/// Time enough for a migration on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

/// Time enough to notice how a task ended.
const NOTICE: Duration = Duration::from_secs(180);

on_every_version!(a_task_ends_as_what_it_was);

/// Each on a volume of its own, side by side. Only their starts take turns: a glusterd that starts
/// a task answers nothing for 5 s, and what is ended while it moves files would end by itself
/// before its stop was heard. Who must be in time keeps its turn until then.
async fn a_task_ends_as_what_it_was(pool: &Pool) -> Result<()> {
    let turns = &Turns::default();
    tokio::try_join!(
        a_rebalance_that_is_stopped_is_aborted(pool, turns),
        a_rebalance_stopped_after_it_had_completed_is_finished(pool, turns),
        a_remove_brick_that_is_stopped_is_aborted(pool, turns),
        a_remove_brick_by_force_is_failed(pool, turns),
        a_commit_of_a_part_of_the_bricks_is_failed(pool, turns),
        a_brick_named_by_its_address_is_found(pool, turns),
        a_volume_deleted_while_it_awaits_its_commit_aborts(pool, turns),
    )?;
    let jobs = pool.coordinator.jobs("").await?;
    ensure!(jobs.len() == 8, "eight tasks were started, and these are the jobs: {jobs:#?}");
    Ok(())
}

async fn a_rebalance_that_is_stopped_is_aborted(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_unbalanced("stopped", 4000).await?;
    let turn = turns.lock().await;
    let task = pool.b().start_task(&["volume", "rebalance", "stopped", "start"]).await?;
    running(pool, &task).await?;
    pool.c().gluster_xml(&["volume", "rebalance", "stopped", "stop"]).await?;
    drop(turn);
    pool.coordinator.wait_for_status(&task, JobStatus::Aborted, NOTICE).await?;
    Ok(())
}

async fn a_rebalance_stopped_after_it_had_completed_is_finished(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_volume("done", &[], &["node-a:/bricks/done", "node-b:/bricks/done"]).await?;
    let task = start_in_turn(turns, pool.b().start_task(&["volume", "rebalance", "done", "start"])).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
    pool.a().gluster_xml(&["volume", "rebalance", "done", "stop"]).await?;
    // The next task is seen after the stop was: by then the old job had its chance to change.
    let next = start_in_turn(turns, pool.a().start_task(&["volume", "rebalance", "done", "start"])).await?;
    pool.coordinator.wait_for_status(&next, JobStatus::Finished, MIGRATION).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, NOTICE).await?;
    Ok(())
}

async fn a_remove_brick_that_is_stopped_is_aborted(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_full("kept", 6000).await?;
    let brick = |what| ["volume", "remove-brick", "kept", "node-c:/bricks/kept", what];
    let turn = turns.lock().await;
    let task = pool.b().start_task(&brick("start")).await?;
    running(pool, &task).await?;
    pool.a().gluster_xml(&brick("stop")).await?;
    drop(turn);
    pool.coordinator.wait_for_status(&task, JobStatus::Aborted, NOTICE).await?;
    Ok(())
}

async fn a_remove_brick_by_force_is_failed(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_full("forced", 9000).await?;
    let brick = |what| ["volume", "remove-brick", "forced", "node-c:/bricks/forced", what];
    let turn = turns.lock().await;
    let task = pool.b().start_task(&brick("start")).await?;
    running(pool, &task).await?;
    pool.b().gluster_xml(&brick("force")).await?;
    drop(turn);
    let job = pool.coordinator.wait_for_status(&task, JobStatus::Failed, NOTICE).await?;
    ensure!(job.message.contains("force"), "it does not say why: {job:#?}");
    Ok(())
}

async fn a_commit_of_a_part_of_the_bricks_is_failed(pool: &Pool, turns: &Turns) -> Result<()> {
    let bricks = ["node-b:/bricks/part", "node-c:/bricks/part"];
    pool.create_volume("part", &[], &["node-a:/bricks/part", bricks[0], bricks[1]]).await?;
    let start = ["volume", "remove-brick", "part", bricks[0], bricks[1], "start"];
    let task = start_in_turn(turns, pool.a().start_task(&start)).await?;
    awaits_commit(pool, &task).await?;
    pool.b().gluster_xml(&["volume", "remove-brick", "part", bricks[1], "commit"]).await?;
    let job = pool.coordinator.wait_for_status(&task, JobStatus::Failed, NOTICE).await?;
    ensure!(job.message.contains("part"), "it does not say why: {job:#?}");
    Ok(())
}

async fn a_brick_named_by_its_address_is_found(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_volume("byaddress", &[], &["node-a:/bricks/ip", "node-b:/bricks/ip"]).await?;
    let brick = format!("{}:/bricks/ip", pool.b().address().await?);
    let remove = |what| ["volume", "remove-brick", "byaddress", brick.as_str(), what];
    let task = start_in_turn(turns, pool.a().start_task(&remove("start"))).await?;
    let job = awaits_commit(pool, &task).await?;
    let found = &look::task(&job)?.bricks;
    ensure!(
        found.len() == 1 && found[0].host_id == pool.b().uuid().await?,
        "the brick was not found by its address: {found:#?}"
    );
    pool.a().gluster_xml(&remove("commit")).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, NOTICE).await?;
    Ok(())
}

async fn a_volume_deleted_while_it_awaits_its_commit_aborts(pool: &Pool, turns: &Turns) -> Result<()> {
    pool.create_volume("gone", &[], &["node-a:/bricks/gone", "node-b:/bricks/gone"]).await?;
    let start = ["volume", "remove-brick", "gone", "node-b:/bricks/gone", "start"];
    let task = start_in_turn(turns, pool.a().start_task(&start)).await?;
    awaits_commit(pool, &task).await?;
    pool.a().gluster_xml(&["volume", "stop", "gone"]).await?;
    pool.a().gluster_xml(&["volume", "delete", "gone"]).await?;
    let job = pool.coordinator.wait_for_status(&task, JobStatus::Aborted, NOTICE).await?;
    ensure!(job.message.contains("deleted"), "it does not say why: {job:#?}");
    Ok(())
}

type Turns = Mutex<()>;

async fn start_in_turn(turns: &Turns, start: impl Future<Output = Result<String>>) -> Result<String> {
    let _turn = turns.lock().await;
    start.await
}

async fn running(pool: &Pool, task: &str) -> Result<()> {
    pool.coordinator.wait_for_status(task, JobStatus::Started, NOTICE).await.map(drop)
}

async fn awaits_commit(pool: &Pool, task: &str) -> Result<Job> {
    pool.coordinator
        .wait_for_job_of(task, "awaits its commit", MIGRATION, |job| look::tells(job, "awaiting-commit"))
        .await
}
