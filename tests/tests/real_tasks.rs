//! Every kind of task, started by Gluster's command line on a host of its choice, becomes one job
//! with the counters that Gluster prints.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskType;
use hod_tests::on_every_version;
use hod_tests::pool::{Pool, look, told};

/// Time enough for a migration of some thousand files on a busy machine.
const MIGRATION: Duration = Duration::from_secs(600);

on_every_version!(every_kind_of_task_becomes_one_job);

async fn every_kind_of_task_becomes_one_job(pool: &Pool) -> Result<()> {
    pool.create_volume("v", &[], &["node-a:/bricks/v", "node-b:/bricks/v"]).await?;
    pool.fill("v", 4000).await?;
    pool.gluster(&["volume", "add-brick", "v", "node-c:/bricks/v", "force"]).await?;

    rebalance(pool).await?;
    fix_layout(pool).await?;
    remove_brick(pool).await?;

    let jobs = pool.coordinator.jobs("v").await?;
    ensure!(jobs.len() == 3, "three tasks were started, and these are the jobs: {jobs:#?}");
    Ok(())
}

async fn rebalance(pool: &Pool) -> Result<()> {
    let task = pool.b().start_task(&["volume", "rebalance", "v", "start"]).await?;
    let job = pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
    let recorded = look::task(&job)?;
    ensure!(job.external && recorded.r#type() == TaskType::Rebalance && !recorded.fix_layout, "{job:#?}");

    let printed = pool.c().gluster_xml(&["volume", "rebalance", "v", "status"]).await?;
    let printed = told::parts(&printed)?;
    let moved: u64 = printed.values().map(|part| part.files).sum();
    ensure!(moved >= 1000, "only {moved} files were moved, too few to tell anything");
    ensure!(look::parts(&job)? == printed, "{:#?} is recorded, {printed:#?} printed", look::parts(&job)?);
    Ok(())
}

async fn fix_layout(pool: &Pool) -> Result<()> {
    let task = pool.c().start_task(&["volume", "rebalance", "v", "fix-layout", "start"]).await?;
    let job = pool.coordinator.wait_for_status(&task, JobStatus::Finished, MIGRATION).await?;
    let recorded = look::task(&job)?;
    ensure!(recorded.r#type() == TaskType::Rebalance && recorded.fix_layout, "{job:#?}");
    Ok(())
}

async fn remove_brick(pool: &Pool) -> Result<()> {
    let brick = |what| ["volume", "remove-brick", "v", "node-c:/bricks/v", what];
    let task = pool.b().start_task(&brick("start")).await?;
    let job = pool
        .coordinator
        .wait_for_job_of(&task, "awaits its commit", MIGRATION, |job| look::tells(job, "awaiting-commit"))
        .await?;
    ensure!(job.status() == JobStatus::Started, "it ended before it was committed: {job:#?}");
    let recorded = look::task(&job)?;
    ensure!(recorded.r#type() == TaskType::RemoveBrick, "{job:#?}");
    ensure!(
        recorded.bricks.iter().map(|brick| brick.path.as_str()).eq(["/bricks/v"])
            && recorded.bricks[0].host_id == pool.c().uuid().await?,
        "these are not the bricks: {:#?}",
        recorded.bricks
    );

    let printed = told::parts(&pool.a().gluster_xml(&brick("status")).await?)?;
    let moved: u64 = printed.values().map(|part| part.files).sum();
    ensure!(moved >= 1000, "only {moved} files were moved, too few to tell anything");
    ensure!(look::parts(&job)? == printed, "{:#?} is recorded, {printed:#?} printed", look::parts(&job)?);

    pool.a().gluster_xml(&brick("commit")).await?;
    pool.coordinator.wait_for_status(&task, JobStatus::Finished, Duration::from_secs(180)).await?;
    Ok(())
}
