//! The coordinator and its database die in the middle of things: nothing is lost, nothing is
//! there twice.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::JobStatus;
use hod_tests::pool::{Pool, Version, look, with_pool};

/// Time enough for a migration on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

/// Time enough to notice what happened.
const NOTICE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn what_happens_while_the_coordinator_is_dead_is_found_out() {
    with_pool(Version::V10, async |pool| {
        pool.create_unbalanced("goes-on", 2000).await?;
        pool.create_unbalanced("stopped", 2000).await?;
        pool.create_volume("committed", &[], &["node-a:/bricks/m", "node-b:/bricks/m"]).await?;
        let brick = |what| ["volume", "remove-brick", "committed", "node-b:/bricks/m", what];

        let committed = pool.a().start_task(&brick("start")).await?;
        let goes_on = pool.b().start_task(&["volume", "rebalance", "goes-on", "start"]).await?;
        let stopped = pool.c().start_task(&["volume", "rebalance", "stopped", "start"]).await?;
        for task in [&goes_on, &stopped] {
            pool.coordinator.wait_for_status(task, JobStatus::Started, NOTICE).await?;
        }
        let awaits = |job: &_| look::tells(job, "awaiting-commit");
        pool.coordinator.wait_for_job_of(&committed, "awaits its commit", NOTICE, awaits).await?;

        pool.coordinator.kill().await?;
        pool.a().gluster_xml(&["volume", "rebalance", "stopped", "stop"]).await?;
        pool.b().gluster_xml(&brick("commit")).await?;
        pool.create_volume("meanwhile", &[], &["node-a:/bricks/n", "node-b:/bricks/n"]).await?;
        let meanwhile = pool.a().start_task(&["volume", "rebalance", "meanwhile", "start"]).await?;
        pool.coordinator.start_again().await?;

        pool.coordinator.wait_for_status(&stopped, JobStatus::Aborted, NOTICE).await?;
        pool.coordinator.wait_for_status(&committed, JobStatus::Finished, NOTICE).await?;
        pool.coordinator.wait_for_status(&meanwhile, JobStatus::Finished, NOTICE).await?;
        pool.coordinator.wait_for_status(&goes_on, JobStatus::Finished, MIGRATION).await?;
        each_found_once(pool, 4).await
    })
    .await;
}

#[tokio::test]
async fn a_database_that_dies_takes_no_job_with_it() {
    with_pool(Version::V10, async |pool| {
        pool.create_unbalanced("v", 2000).await?;
        let task = pool.a().start_task(&["volume", "rebalance", "v", "start"]).await?;
        pool.coordinator.wait_for_status(&task, JobStatus::Started, NOTICE).await?;
        pool.coordinator.kill_postgresql().await?;
        pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
        each_found_once(pool, 1).await
    })
    .await;
}

async fn each_found_once(pool: &Pool, tasks: usize) -> Result<()> {
    let jobs = pool.coordinator.jobs("").await?;
    ensure!(jobs.len() == tasks, "{tasks} tasks were started, and these are the jobs: {jobs:#?}");
    let events = pool.coordinator.events().await?;
    let found = events.iter().filter(|event| event.kind == "task-found").count();
    ensure!(found == tasks, "{tasks} tasks were started, and {found} found: {events:#?}");
    let numbers: Vec<u64> = events.iter().map(|event| event.number).collect();
    let expected: Vec<u64> = (1..=events.len() as u64).collect();
    ensure!(numbers == expected, "events have gaps: {numbers:?}");
    Ok(())
}
