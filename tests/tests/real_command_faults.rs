//! What breaks in the middle of a command of hod's: it comes to one truth, and no file is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use hod_proto::coordinator::v1::{Job, JobStatus};
use hod_tests::pool::{Host, Pool, Version, look, wait_until, with_pool};

/// Time enough for a migration or a heal on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

/// Time enough to notice what happened; a lost answer is given up only after 200 s.
const NOTICE: Duration = Duration::from_secs(300);

/// The exit code of what is refused as things stand.
const REFUSED: i32 = 8;

/// A brick's data: enough that its heal takes a while.
const MEGABYTES: usize = 300;

#[tokio::test]
async fn a_paused_rebalance_outlives_a_restart_of_everything_and_every_file_is_as_it_was() {
    with_pool(Version::V10, async |pool| {
        let hod = &pool.coordinator;
        pool.create_unbalanced("v", 3000).await?;
        // All files are on this brick. A client does not list them all right after an add-brick (seen).
        let before = checksums_on_brick(pool.c(), "/bricks/v").await?;
        let id = hod.hod_job(&["rebalance", "start", "v"]).await?;
        pool.c().loses_files("/bricks/v").await?;
        hod.hod(&["rebalance", "pause", "v"]).await?;
        hod.wait_for_job(&id, "is paused", NOTICE, look::is_paused).await?;
        let first_run = look::moved(&hod.job(&id).await?)?;
        same("while it was paused", &before, &checksums(pool).await?)?;

        hod.kill().await?;
        try_join_all(pool.hosts.iter().map(|host| host.stop_agent())).await?;
        hod.start_again().await?;
        try_join_all(pool.hosts.iter().map(|host| host.start_agent())).await?;
        hod.stands_still_for_three_syncs("with the rebalance paused").await?;

        hod.hod(&["rebalance", "resume", "v"]).await?;
        let job = hod.wait_for_end(&id, JobStatus::Finished, MIGRATION).await?;
        let all_runs = look::moved(&job)?;
        ensure!(all_runs > first_run, "{first_run} files moved before the pause, {all_runs} in all");
        ensure!(hod.jobs("v").await?.len() == 1, "two runs made two jobs");
        same("after it", &before, &checksums(pool).await?)?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_brick_is_replaced_though_a_host_dies_in_the_middle_of_the_heal() {
    with_pool(Version::V10, async |pool| {
        let hod = &pool.coordinator;
        let bricks = ["node-a:/bricks/v", "node-b:/bricks/v", "node-c:/bricks/v"];
        pool.create_volume("v", &["replica", "3"], &bricks).await?;
        pool.heal_often("v").await?;
        let folder = pool.a().mount("v").await?;
        let write = format!(
            "for i in $(seq {}); do head -c 4M /dev/urandom >{folder}/f$i || exit 1; done",
            MEGABYTES / 4
        );
        pool.a().run(&["sh", "-c", &write]).await?;
        let before = checksums(pool).await?;

        let id = hod.hod_job(&["replace-brick", "v", bricks[2], "node-c:/bricks/new", "--yes"]).await?;
        wait_until("the heal has begun", NOTICE, || async {
            let used = pool.c().run(&["du", "-sm", "/bricks/new"]).await?;
            let used: usize = used.split_whitespace().next().unwrap_or_default().parse()?;
            Ok(used > MEGABYTES / 20)
        })
        .await?;
        pool.b().kill().await?;
        hod.stands_still_for_three_syncs("with node-b dead").await?;
        ensure!(hod.job(&id).await?.status() == JobStatus::Started, "it ended while a copy is away");
        pool.b().start_again().await?;
        hod.wait_for_end(&id, JobStatus::Finished, MIGRATION).await?;
        same("after it", &before, &checksums(pool).await?)?;
        same("on the new brick", &before, &checksums_on_brick(pool.c(), "/bricks/new").await?)?;
        Ok(())
    })
    .await;
}

/// From then on get-state refuses on every host, so that whether bricks serve is not known.
#[tokio::test]
async fn a_brick_of_a_volume_that_was_rebalanced_is_replaced() {
    with_pool(Version::V10, async |pool| {
        let hod = &pool.coordinator;
        pool.create_replicated("v", 300).await?;
        pool.heal_often("v").await?;
        pool.create_unbalanced("other", 300).await?;
        let before = checksums(pool).await?;
        hod.hod(&["rebalance", "start", "v", "--wait"]).await?;
        hod.hod(&["replace-brick", "v", "node-c:/bricks/v1", "node-c:/bricks/new", "--yes", "--wait"])
            .await?;
        same("after it", &before, &checksums(pool).await?)?;
        let state = pool.a().try_gluster(&["get-state"]).await?;
        ensure!(!state.status.success(), "get-state answers, so that this tries nothing");

        let refused = hod.hod_ends(&["rebalance", "start", "other"], REFUSED).await?;
        let advice = "gluster volume rebalance VOLUME fix-layout start";
        ensure!(refused.contains("serving-unknown") && refused.contains(advice), "{refused}");
        let task = pool.b().start_task(&["volume", "rebalance", "v", "fix-layout", "start"]).await?;
        let ended = |job: &Job| job.status() == JobStatus::Finished;
        hod.wait_for_job_of(&task, "has ended", MIGRATION, ended).await?;
        hod.hod(&["rebalance", "start", "other", "--wait"]).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn what_dies_while_a_task_is_being_started_starts_nothing_twice() {
    with_pool(Version::V10, async |pool| {
        coordinator_and_database_die(pool).await?;
        the_database_dies(pool).await?;
        the_agents_die(pool).await
    })
    .await;
}

async fn coordinator_and_database_die(pool: &Pool) -> Result<()> {
    begun(pool, "one", async || pool.coordinator.kill().await).await?;
    pool.coordinator.start_again().await?;
    is_one_truth(pool, "one").await
}

async fn the_database_dies(pool: &Pool) -> Result<()> {
    begun(pool, "two", async || pool.coordinator.kill_postgresql().await).await?;
    is_one_truth(pool, "two").await
}

async fn the_agents_die(pool: &Pool) -> Result<()> {
    let kill = async || {
        let kill = ["pkill", "-KILL", "-x", "hod-agent"];
        try_join_all(pool.hosts.iter().map(|host| host.run(&kill))).await.map(drop)
    };
    begun(pool, "three", kill).await?;
    is_one_truth(pool, "three").await
}

/// Lets hod start a rebalance and something die while Gluster is at it, which takes it some
/// seconds. However `hod` itself ends is right.
async fn begun(pool: &Pool, volume: &str, die: impl AsyncFn() -> Result<()>) -> Result<()> {
    pool.create_unbalanced(volume, 300).await?;
    let command = ["hod", "rebalance", "start", volume];
    let start = pool.coordinator.exec(&command);
    let dies = async {
        wait_until("the intention is recorded", NOTICE, || async {
            Ok(!pool.coordinator.jobs(volume).await?.is_empty())
        })
        .await?;
        die().await
    };
    tokio::try_join!(start, dies).map(drop)
}

/// One job, which ends as the one task that Gluster was asked for: or it failed, and Gluster was
/// not asked.
async fn is_one_truth(pool: &Pool, volume: &str) -> Result<()> {
    let ended = wait_until("the job has ended", NOTICE, || async {
        let jobs = pool.coordinator.jobs(volume).await?;
        ensure!(jobs.len() == 1, "these are the jobs of {volume}: {jobs:#?}");
        Ok(jobs[0].ended_at.is_some())
    });
    ended.await?;
    let job = pool.coordinator.jobs(volume).await?.remove(0);
    let mut starts = 0;
    for host in &pool.hosts {
        let said = host.run(&["cat", "/var/log/glusterfs/cmd_history.log"]).await?;
        let start = format!("volume rebalance {volume} start");
        starts += said.lines().filter(|line| line.contains(&start)).count();
    }
    match job.status() {
        JobStatus::Finished => ensure!(starts == 1, "{starts} starts, and it is finished: {job:#?}"),
        JobStatus::Failed => ensure!(starts == 0, "{starts} starts, and it failed: {job:#?}"),
        _ => anyhow::bail!("it ended as nothing that happened: {job:#?}"),
    }
    let told = pool.gluster(&["volume", "status", volume, "tasks"]).await?;
    ensure!(starts == 0 || told.contains("completed"), "Gluster itself says: {told}");
    Ok(())
}

/// Every file that a client sees, with its checksum.
async fn checksums(pool: &Pool) -> Result<String> {
    let folder = pool.a().mount("v").await?;
    pool.a().run(&["sh", "-c", &sums(&format!("cd {folder} && find . -type f -print0"))]).await
}

/// The same of a brick.
async fn checksums_on_brick(host: &Host, brick: &str) -> Result<String> {
    let find = format!("cd {brick} && find . -path ./.glusterfs -prune -o -type f -print0");
    host.run(&["sh", "-c", &sums(&find)]).await
}

fn sums(find: &str) -> String {
    format!("{find} | sort -z | xargs -0 sha256sum")
}

/// Every file is as it was; those that are not are named.
fn same(when: &str, before: &str, now: &str) -> Result<()> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (before, now) = (lines(before), lines(now));
    let first = |of: &BTreeSet<String>, but: &BTreeSet<String>| {
        of.difference(but).take(5).cloned().collect::<Vec<_>>().join("\n")
    };
    ensure!(
        before == now,
        "{when}, of {} files there are {}; before and not now:\n{}\nnow and not before:\n{}",
        before.len(),
        now.len(),
        first(&before, &now),
        first(&now, &before)
    );
    Ok(())
}
