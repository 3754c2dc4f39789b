//! What breaks in a pool ends no job that Gluster has not ended, and what comes back goes on.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::PartStatus;
use hod_tests::pool::{Pool, Version, look, wait_until, with_pool};

/// Time enough for a migration on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

/// Time enough to notice what happened.
const NOTICE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn a_volume_that_is_locked_or_stopped_says_nothing_of_its_task() {
    with_pool(Version::V10, async |pool| {
        stopped(pool).await?;
        locked(pool).await
    })
    .await;
}

async fn locked(pool: &Pool) -> Result<()> {
    pool.create_unbalanced("locked", 2000).await?;
    let task = start_rebalance(pool, "locked").await?;
    pool.b().hold("locked").await?;
    let refused = pool.a().try_gluster(&["volume", "status", "locked", "tasks"]).await?;
    let said =
        String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    ensure!(said.contains("Another transaction"), "the volume is not locked: {said}");
    pool.coordinator.stands_still_for_three_syncs("with the volume locked").await?;
    pool.b().release().await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
    Ok(())
}

async fn stopped(pool: &Pool) -> Result<()> {
    pool.create_volume("stopped", &[], &["node-a:/bricks/s", "node-b:/bricks/s"]).await?;
    let brick = |what| ["volume", "remove-brick", "stopped", "node-b:/bricks/s", what];
    let task = pool.a().start_task(&brick("start")).await?;
    let awaits = |job: &_| look::tells(job, "awaiting-commit");
    pool.coordinator.wait_for_job_of(&task, "awaits its commit", MIGRATION, awaits).await?;
    pool.a().gluster_xml(&["volume", "stop", "stopped"]).await?;
    pool.coordinator.stands_still_for_three_syncs("with the volume stopped").await?;
    pool.a().gluster_xml(&["volume", "start", "stopped"]).await?;
    pool.a().gluster_xml(&brick("commit")).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, NOTICE).await?;
    Ok(())
}

#[tokio::test]
async fn a_frozen_host_is_waited_for_and_the_pool_is_free_soon_after_its_thaw() {
    with_pool(Version::V10, async |pool| {
        pool.create_unbalanced("v", 2000).await?;
        let task = only_node_c_works(pool, "v").await?;
        pool.c().pause().await?;
        waits_for_node_c(pool, &task).await?;
        pool.coordinator.stands_still_for_three_syncs("with node-c frozen").await?;
        pool.c().unpause().await?;
        wait_until("an operator's own command goes through", Duration::from_secs(200), || async {
            let out = pool.a().try_gluster(&["volume", "set", "v", "user.mark", "on"]).await?;
            Ok(out.status.success())
        })
        .await?;
        pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_host_that_dies_is_waited_for_and_its_part_goes_on_when_it_is_back() {
    with_pool(Version::V10, async |pool| {
        pool.create_unbalanced("v", 2000).await?;
        let task = only_node_c_works(pool, "v").await?;
        pool.c().kill().await?;
        waits_for_node_c(pool, &task).await?;
        pool.coordinator.stands_still_for_three_syncs("with node-c dead").await?;
        pool.c().start_again().await?;
        let job = pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
        let moved = look::task(&job)?.counters.unwrap_or_default().files;
        ensure!(moved > 0, "a job that ended well moved nothing: {job:#?}");
        one_job(pool, "v").await
    })
    .await;
}

#[tokio::test]
async fn another_agent_takes_over_where_glusterd_stops() {
    with_pool(Version::V10, async |pool| {
        pool.create_unbalanced("v", 2000).await?;
        let task = start_rebalance(pool, "v").await?;
        let asked = asked_host(pool).await?;
        let host = pool.hosts.iter().find(|host| asked.contains(&host.node.to_owned()));
        let host = host.ok_or_else(|| anyhow::anyhow!("no host {asked:?}"))?;
        host.stop_glusterd().await?;
        wait_until("another agent makes the calls that take locks", NOTICE, || async {
            let now = asked_host(pool).await?;
            Ok(!now.is_empty() && now != asked)
        })
        .await?;
        pool.coordinator.stands_still_for_three_syncs("with glusterd stopped").await?;
        host.start_glusterd().await?;
        pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
        one_job(pool, "v").await
    })
    .await;
}

/// The names of the host whose agent makes the calls that take locks.
async fn asked_host(pool: &Pool) -> Result<Vec<String>> {
    let hosts = pool.coordinator.hosts().await?;
    let asked = hosts.into_iter().find(|host| host.makes_locked_calls);
    Ok(asked.map(|host| host.names).unwrap_or_default())
}

#[tokio::test]
async fn hosts_that_disagree_make_no_false_end_and_no_second_job() {
    with_pool(Version::V10, async |pool| {
        pool.create_replicated("started", 300).await?;
        pool.create_replicated("stopped", 5000).await?;
        let stopped = start_rebalance(pool, "stopped").await?;
        pool.c().kill().await?;
        pool.wait_for_peers(pool.a(), 1).await?;
        let start = ["volume", "rebalance", "started", "start", "force"];
        let started = pool.a().start_task(&start).await?;
        pool.a().gluster_xml(&["volume", "rebalance", "stopped", "stop"]).await?;
        pool.c().start_again().await?;

        tokio::try_join!(away_at_the_start(pool, &started), away_at_the_stop(pool, &stopped))?;
        one_job(pool, "started").await?;
        one_job(pool, "stopped").await
    })
    .await;
}

/// It never learns of the task, and the job can end without it.
async fn away_at_the_start(pool: &Pool, task: &str) -> Result<()> {
    let job = pool.coordinator.wait_for_status(task, JobStatus::Finished, MIGRATION).await?;
    let node_c = pool.c().uuid().await?;
    let without = look::task(&job)?.parts.iter().find(|part| part.host_id == node_c);
    ensure!(without.is_some_and(|part| part.took_no_part), "node-c took no part: {job:#?}");
    Ok(())
}

/// It runs on alone, which is told while the job is open, and only when it has ended the job does.
async fn away_at_the_stop(pool: &Pool, task: &str) -> Result<()> {
    let job = pool.coordinator.wait_for_status(task, JobStatus::Aborted, MIGRATION).await?;
    let events = pool.coordinator.events().await?;
    let number =
        |kind: &str| events.iter().find(|e| e.job_id == job.job_id && e.kind == kind).map(|e| e.number);
    let (told, ended) = (number("hosts-disagree"), number("task-aborted"));
    ensure!(told.is_some() && told < ended, "that hosts disagree was not told before the end: {events:#?}");
    Ok(())
}

async fn start_rebalance(pool: &Pool, volume: &str) -> Result<String> {
    let task = pool.a().start_task(&["volume", "rebalance", volume, "start"]).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Started, NOTICE).await?;
    Ok(task)
}

/// Starts a rebalance and waits until the other hosts have done their part: a host that dies
/// earlier takes its brick away from them, and their parts fail.
async fn only_node_c_works(pool: &Pool, volume: &str) -> Result<String> {
    let task = start_rebalance(pool, volume).await?;
    let node_c = pool.c().uuid().await?;
    let only_node_c = |job: &_| {
        look::task(job).is_ok_and(|task| {
            task.parts.len() == 3
                && task.parts.iter().all(|part| {
                    let works = part.host_id == node_c;
                    part.status() == if works { PartStatus::InProgress } else { PartStatus::Completed }
                })
        })
    };
    pool.coordinator.wait_for_job_of(&task, "only node-c works", NOTICE, only_node_c).await?;
    Ok(task)
}

/// The other hosts have done their part, and an operator is told for whom the job waits.
async fn waits_for_node_c(pool: &Pool, task: &str) -> Result<()> {
    let waits = |job: &_| {
        look::task(job).is_ok_and(|task| {
            let waiting = task.attention.iter().find(|told| told.code == "waiting-for-host");
            waiting.is_some_and(|told| told.text.contains("node-c"))
        })
    };
    let job = pool.coordinator.wait_for_job_of(task, "waits for node-c", NOTICE, waits).await?;
    ensure!(job.status() == JobStatus::Started, "it does not wait: {job:#?}");
    Ok(())
}

async fn one_job(pool: &Pool, volume: &str) -> Result<()> {
    let jobs = pool.coordinator.jobs(volume).await?;
    ensure!(jobs.len() == 1, "one task was started, and these are the jobs: {jobs:#?}");
    Ok(())
}
