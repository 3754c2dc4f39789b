//! Every command of hod's does on real Gluster what it says, and its refusals are right.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::{Job, JobStatus};
use hod_tests::on_every_version;
use hod_tests::pool::{Pool, Version, look, wait_until, with_pool};

/// Time enough for a migration or a heal on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

/// Time enough to notice what happened.
const NOTICE: Duration = Duration::from_secs(180);

/// The exit code of what can't be, however things stand.
const BAD: i32 = 2;

/// The exit code of what is refused as things stand.
const REFUSED: i32 = 8;

on_every_version!(a_pool_is_grown_shrunk_and_repaired);

/// One after another: a glusterd that is busy starting a task hears nothing for five seconds, and
/// calls a part of another volume's that completed meanwhile failed (seen).
async fn a_pool_is_grown_shrunk_and_repaired(pool: &Pool) -> Result<()> {
    a_rebalance_is_planned_started_and_waited_for(pool).await?;
    a_rebalance_is_throttled_and_stopped(pool).await?;
    a_remove_brick_goes_from_dry_run_to_commit(pool).await?;
    a_remove_brick_commits_by_itself(pool).await?;
    a_remove_brick_is_paused_goes_on_and_is_stopped(pool).await?;
    bricks_go_by_force_with_the_number_of_their_files(pool).await?;
    copies_are_lowered_and_a_brick_is_replaced_and_reset(pool).await?;
    a_backup_is_a_job_by_the_script_in_the_docs(pool).await?;
    let open = pool.coordinator.jobs("").await?.into_iter().find(|job| job.ended_at.is_none());
    ensure!(open.is_none(), "all has ended, and this is open: {open:#?}");
    Ok(())
}

async fn a_rebalance_is_planned_started_and_waited_for(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    pool.create_unbalanced("grown", 1000).await?;
    let start = ["rebalance", "start", "grown"];
    hod.hod(&[&start[..], &["--dry-run"]].concat()).await?;
    ensure!(hod.jobs("grown").await?.is_empty(), "a dry run has made a job");
    hod.hod(&[&start[..], &["--wait"]].concat()).await?;
    let moved = look::moved(&last(pool, "grown").await?)?;
    ensure!(moved > 0, "a rebalance that ended well moved nothing");
    // The layout alone moves none.
    let id = hod.hod_job(&["rebalance", "start", "grown", "--fix-layout"]).await?;
    let job = hod.wait_for_end(&id, JobStatus::Finished, MIGRATION).await?;
    ensure!(look::task(&job)?.fix_layout, "it is no fix-layout: {job:#?}");
    has_files(pool, "grown", 1000).await
}

async fn a_rebalance_is_throttled_and_stopped(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    pool.create_unbalanced("halted", 3000).await?;
    pool.gluster(&["volume", "reset", "halted", "cluster.rebal-throttle"]).await?;
    let id = hod.hod_job(&["rebalance", "start", "halted", "--throttle", "lazy"]).await?;
    pool.c().loses_files("/bricks/halted").await?;
    ensure!(throttle(pool, "halted").await?.contains("lazy"), "the throttle was not set");
    // What a volume is busy with is named to who asks for more.
    let refused = hod.hod_ends(&["rebalance", "start", "halted"], REFUSED).await?;
    ensure!(refused.contains(&id[..8]), "it does not name the job that has the volume: {refused}");
    // 6: waited for, and ABORTED.
    hod.hod_ends(&["rebalance", "stop", "halted", "--yes", "--wait"], 6).await?;
    hod.wait_for_end(&id, JobStatus::Aborted, NOTICE).await?;
    wait_until("the throttle is put back", NOTICE, || async {
        Ok(!throttle(pool, "halted").await?.contains("lazy"))
    })
    .await?;
    has_files(pool, "halted", 3000).await
}

async fn a_remove_brick_goes_from_dry_run_to_commit(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    pool.create_full("shrunk", 1000).await?;
    let brick = "node-c:/bricks/shrunk";
    let start = ["remove-brick", "start", "shrunk", brick];
    let plan = hod.hod(&[&start[..], &["--dry-run"]].concat()).await?;
    ensure!(plan.contains(brick), "the plan does not name the brick: {plan}");
    let id = hod.hod_job(&start).await?;
    // The gate is shut as long as files are on their way.
    hod.hod_ends(&["remove-brick", "commit", "shrunk", "--yes"], REFUSED).await?;
    hod.wait_for_job(&id, "awaits its commit", MIGRATION, |job| look::tells(job, "awaiting-commit")).await?;
    hod.hod(&["remove-brick", "commit", "shrunk", "--dry-run"]).await?;
    hod.hod(&["remove-brick", "commit", "shrunk", "--yes", "--wait"]).await?;
    let info = pool.gluster(&["volume", "info", "shrunk"]).await?;
    ensure!(!info.contains(brick), "the brick is still there: {info}");
    has_files(pool, "shrunk", 1000).await
}

async fn a_remove_brick_commits_by_itself(pool: &Pool) -> Result<()> {
    pool.create_full("alone", 500).await?;
    let brick = "node-c:/bricks/alone";
    pool.coordinator.hod(&["remove-brick", "start", "alone", brick, "--auto-commit", "--wait"]).await?;
    let info = pool.gluster(&["volume", "info", "alone"]).await?;
    ensure!(!info.contains(brick), "the brick is still there: {info}");
    has_files(pool, "alone", 500).await
}

async fn a_remove_brick_is_paused_goes_on_and_is_stopped(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    pool.create_full("kept", 3000).await?;
    let id = hod.hod_job(&["remove-brick", "start", "kept", "node-c:/bricks/kept"]).await?;
    pool.c().loses_files("/bricks/kept").await?;
    hod.hod(&["remove-brick", "pause", "kept", "--yes"]).await?;
    hod.wait_for_job(&id, "is paused", NOTICE, look::is_paused).await?;
    hod.hod(&["remove-brick", "resume", "kept"]).await?;
    pool.c().loses_files("/bricks/kept").await?;
    hod.hod(&["remove-brick", "stop", "kept", "--yes"]).await?;
    hod.wait_for_end(&id, JobStatus::Aborted, NOTICE).await?;
    has_files(pool, "kept", 3000).await
}

async fn bricks_go_by_force_with_the_number_of_their_files(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    pool.create_full("forced", 300).await?;
    let force = ["remove-brick", "force", "forced", "node-c:/bricks/forced", "--yes"];
    let refused = hod.hod_ends(&force, REFUSED).await?;
    let on_brick = pool.c().files("/bricks/forced").await?;
    let number = on_brick.to_string();
    ensure!(refused.contains(&number), "{number} files are on it, and it says: {refused}");
    let wrong = (on_brick - 1).to_string();
    hod.hod_ends(&[&force[..], &["--accept-data-loss", &wrong]].concat(), REFUSED).await?;
    hod.hod(&[&force[..], &["--accept-data-loss", &number]].concat()).await?;
    wait_until("the brick is out", NOTICE, || async {
        Ok(!pool.gluster(&["volume", "info", "forced"]).await?.contains("node-c"))
    })
    .await?;
    has_files(pool, "forced", 300 - on_brick).await
}

async fn copies_are_lowered_and_a_brick_is_replaced_and_reset(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    let bricks = ["node-a:/bricks/copies", "node-b:/bricks/copies", "node-c:/bricks/copies"];
    pool.create_volume("copies", &["replica", "3"], &bricks).await?;
    pool.heal_often("copies").await?;
    pool.fill("copies", 300).await?;
    // Nothing of it is distributed: there is nothing to spread, and no set to spare.
    hod.hod_ends(&["rebalance", "start", "copies"], REFUSED).await?;
    hod.hod_ends(&["remove-brick", "start", "copies", bricks[2]], BAD).await?;
    let new = "node-c:/bricks/new";
    hod.hod(&["replace-brick", "copies", bricks[2], new, "--dry-run"]).await?;
    hod.hod(&["replace-brick", "copies", bricks[2], new, "--yes", "--wait"]).await?;
    ensure!(pool.c().files("/bricks/new").await? == 300, "healed, and files are missing");
    // A disk that came back empty is healed in its place.
    hod.hod(&["replace-brick", "copies", new, "--yes", "--wait"]).await?;
    ensure!(pool.c().files("/bricks/new").await? == 300, "healed, and files are missing");
    hod.hod_ends(&["replica", "lower", "copies", "1", new, "--yes"], BAD).await?;
    hod.hod(&["replica", "lower", "copies", "2", new, "--yes"]).await?;
    wait_until("two copies are kept", NOTICE, || async {
        Ok(pool.gluster(&["volume", "info", "copies"]).await?.contains("1 x 2 = 2"))
    })
    .await?;
    has_files(pool, "copies", 300).await
}

async fn a_backup_is_a_job_by_the_script_in_the_docs(pool: &Pool) -> Result<()> {
    let hod = &pool.coordinator;
    let script = include_str!("../../docs/examples/report-a-backup.sh");
    for (backup, status, code) in [("true", JobStatus::Finished, 0), ("false", JobStatus::Failed, 1)] {
        let report = ["bash", "-c", script, "report-a-backup", Pool::NAME, "kept", backup];
        let out = hod.exec(&report).await?;
        ensure!(out.status.code() == Some(code), "{out:?}");
        let job = last(pool, "kept").await?;
        ensure!(job.description.contains("Backup") && job.status() == status, "{job:#?}");
        ensure!(job.steps.iter().all(|step| step.status() == status), "{job:#?}");
    }
    Ok(())
}

/// The bricks that remain are too small for what is on the one that goes.
#[tokio::test]
async fn a_brick_whose_files_fit_nowhere_is_not_started_and_its_gate_stays_shut() {
    with_pool(Version::V10, async |pool| {
        let hod = &pool.coordinator;
        for (host, size) in [(pool.a(), "40m"), (pool.b(), "40m"), (pool.c(), "400m")] {
            let mount =
                format!("mkdir -p /bricks/small && mount -t tmpfs -o size={size} tmpfs /bricks/small");
            host.run(&["sh", "-c", &mount]).await?;
        }
        let bricks = ["node-a:/bricks/small/b", "node-b:/bricks/small/b", "node-c:/bricks/small/b"];
        pool.create_volume("small", &[], &bricks[2..]).await?;
        let folder = pool.a().mount("small").await?;
        let write = format!("for i in $(seq 60); do head -c 4M /dev/urandom >{folder}/f$i || exit 1; done");
        pool.a().run(&["sh", "-c", &write]).await?;
        pool.gluster(&["volume", "add-brick", "small", bricks[0], bricks[1], "force"]).await?;

        let start = ["remove-brick", "start", "small", bricks[2]];
        let refused = hod.hod_ends(&[&start[..], &["--dry-run"]].concat(), REFUSED).await?;
        ensure!(refused.contains("no-space"), "it does not say that there is no room: {refused}");
        hod.hod_ends(&start, REFUSED).await?;
        ensure!(hod.jobs("small").await?.is_empty(), "what was refused has made a job");

        // Gluster itself starts it, and calls it completed.
        let task = pool.b().start_task(&["volume", "remove-brick", "small", bricks[2], "start"]).await?;
        let done = |job: &Job| look::tells(job, "awaiting-commit") || look::tells(job, "stop-or-retry");
        let job = hod.wait_for_job_of(&task, "has migrated what it could", MIGRATION, done).await?;
        let failed = look::task(&job)?.counters.unwrap_or_default().failed;
        ensure!(failed > 0, "nothing failed, so that this tries nothing: {job:#?}");
        let refused = hod.hod_ends(&["remove-brick", "commit", "small", "--yes"], REFUSED).await?;
        ensure!(refused.contains("files-not-moved"), "it does not say what keeps it shut: {refused}");
        ensure!(refused.contains("files-left"), "it does not say what is left: {refused}");
        hod.hod(&["remove-brick", "stop", "small", "--yes"]).await?;
        hod.wait_for_end(&job.job_id, JobStatus::Aborted, NOTICE).await?;
        has_files(pool, "small", 60).await
    })
    .await;
}

/// The job of a volume that was made last.
async fn last(pool: &Pool, volume: &str) -> Result<Job> {
    let jobs = pool.coordinator.jobs(volume).await?;
    let newest = jobs.first().ok_or_else(|| anyhow::anyhow!("{volume} has no job"))?;
    pool.coordinator.job(&newest.job_id).await
}

async fn throttle(pool: &Pool, volume: &str) -> Result<String> {
    pool.gluster(&["volume", "get", volume, "cluster.rebal-throttle"]).await
}

/// A client sees as many files.
async fn has_files(pool: &Pool, volume: &str, number: usize) -> Result<()> {
    let folder = pool.a().mount(volume).await?;
    let seen = pool.a().files(&folder).await?;
    ensure!(seen == number, "{volume} had {number} files, and a client sees {seen}");
    Ok(())
}
