//! Commands of an operator's, through a real coordinator and real agents, on
//! scripted hosts.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::coordinator::v1::{
    CommitRemoveBrickRequest, GetJobRequest, Job, JobStatus, PauseRebalanceRequest, ReplaceBrickRequest,
    ResetBrickRequest, ResumeRebalanceRequest, StartRebalanceRequest, StartRemoveBrickRequest,
    StopRebalanceRequest, Throttle, jobs_client::JobsClient,
};
use hod_proto::types::v1::TaskStatus;
use hod_tests::pool::wait_until;
use hod_tests::scripted::cluster::SOON;
use hod_tests::scripted::{Cluster, Kind, ScriptedPool, on_cluster};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Folders to be bricks, on a filesystem of which little is used, so that what lies on
/// one fits on the others.
fn folders() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("hod-bricks-").tempdir_in("/dev/shm")?)
}

/// A distributed volume, and one that keeps every file three times.
fn volumes(pool: &ScriptedPool, folders: &Path) -> Result<()> {
    let bricks = |name: &str| {
        let named = ["node-a", "node-b", "node-c"].map(|host| brick(folders, host, name));
        named.into_iter().collect::<Result<Vec<String>>>()
    };
    let (dist, repl) = (bricks("d1")?, bricks("r1")?);
    pool.add_volume("dist", Kind::Distribute, &dist.iter().map(String::as_str).collect::<Vec<_>>())?;
    pool.add_volume(
        "repl",
        Kind::Replicate { replica: 3, arbiters: 0 },
        &repl.iter().map(String::as_str).collect::<Vec<_>>(),
    )?;
    Ok(())
}

/// A folder that is a brick's: what its name is.
fn brick(folders: &Path, host: &str, name: &str) -> Result<String> {
    let path = folders.join(host).join(name);
    fs::create_dir_all(path.join(".glusterfs/indices/xattrop"))?;
    Ok(format!("{host}:{}", path.display()))
}

async fn commands(c: &Cluster) -> Result<CommandsClient<Channel>> {
    Ok(CommandsClient::new(c.channel().await?))
}

async fn job(c: &Cluster, id: &str) -> Result<Job> {
    let request = GetJobRequest { job_id: id.into() };
    let answer = JobsClient::new(c.channel().await?).get_job(request).await?;
    answer.into_inner().job.context("a job")
}

async fn ends(c: &Cluster, id: &str, status: JobStatus) -> Result<()> {
    wait_until(&format!("job {id} is {status:?}"), SOON, || async {
        let job = job(c, id).await?;
        ensure!(job.status() == status, "{job:#?}");
        Ok(true)
    })
    .await
}

async fn stands(c: &Cluster, id: &str, status: TaskStatus) -> Result<()> {
    wait_until(&format!("the task of job {id} is {status:?}"), SOON, || async {
        let job = job(c, id).await?;
        ensure!(job.steps.iter().any(|s| s.task.as_ref().is_some_and(|t| t.status() == status)), "{job:#?}");
        Ok(true)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_is_paused_goes_on_and_is_stopped() -> Result<()> {
    let folders = folders()?;
    on_cluster(
        |pool| volumes(pool, folders.path()),
        async |c| {
            let volume = || "dist".to_owned();
            let request = StartRebalanceRequest {
                volume: volume(),
                throttle: Throttle::Lazy.into(),
                ..Default::default()
            };
            let receipt = commands(c).await?.start_rebalance(request).await?.into_inner().receipt;
            let id = receipt.context("a receipt")?.job_id;
            stands(c, &id, TaskStatus::Running).await?;
            let request = PauseRebalanceRequest { volume: volume(), ..Default::default() };
            commands(c).await?.pause_rebalance(request).await?;
            stands(c, &id, TaskStatus::Paused).await?;
            let request = ResumeRebalanceRequest { volume: volume(), ..Default::default() };
            commands(c).await?.resume_rebalance(request).await?;
            stands(c, &id, TaskStatus::Running).await?;
            let request = StopRebalanceRequest { volume: volume(), ..Default::default() };
            commands(c).await?.stop_rebalance(request).await?;
            ends(c, &id, JobStatus::Aborted).await?;
            ensure!(c.jobs("dist").await?.len() == 1);
            wait_until("the throttle is put back", SOON, || async {
                let events = c.events().await?;
                ensure!(events.iter().any(|e| e.kind == "throttle-put-back"), "{events:#?}");
                Ok(true)
            })
            .await
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brick_is_emptied_and_committed() -> Result<()> {
    let folders = folders()?;
    on_cluster(
        |pool| volumes(pool, folders.path()),
        async |c| {
            let request = StartRemoveBrickRequest {
                volume: "dist".into(),
                bricks: vec![brick(folders.path(), "node-c", "d1")?],
                ..Default::default()
            };
            let receipt = commands(c).await?.start_remove_brick(request).await?.into_inner().receipt;
            let id = receipt.context("a receipt")?.job_id;
            stands(c, &id, TaskStatus::Running).await?;
            let commit = || CommitRemoveBrickRequest { volume: "dist".into(), ..Default::default() };
            let shut = commands(c).await?.commit_remove_brick(commit()).await;
            ensure!(shut.is_err_and(|status| status.message().contains("IN_PROGRESS")));
            c.pool.complete("dist")?;
            stands(c, &id, TaskStatus::Completed).await?;
            commands(c).await?.commit_remove_brick(commit()).await?;
            ends(c, &id, JobStatus::Finished).await
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brick_is_replaced_and_another_reset() -> Result<()> {
    let folders = folders()?;
    on_cluster(
        |pool| volumes(pool, folders.path()),
        async |c| {
            let request = ReplaceBrickRequest {
                volume: "repl".into(),
                old_brick: brick(folders.path(), "node-c", "r1")?,
                new_brick: brick(folders.path(), "node-c", "r2")?,
                ..Default::default()
            };
            let receipt = commands(c).await?.replace_brick(request).await?.into_inner().receipt;
            ends(c, &receipt.context("a receipt")?.job_id, JobStatus::Finished).await?;
            let request = ResetBrickRequest {
                volume: "repl".into(),
                brick: brick(folders.path(), "node-b", "r1")?,
                ..Default::default()
            };
            let receipt = commands(c).await?.reset_brick(request).await?.into_inner().receipt;
            ends(c, &receipt.context("a receipt")?.job_id, JobStatus::Finished).await?;
            Ok(())
        },
    )
    .await
}
