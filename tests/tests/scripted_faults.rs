//! What goes wrong between hod and Gluster moves no job: what is not known is
//! not known, and when it is known again, the job goes on.

use anyhow::{Result, ensure};
use hod_core::task::{Counters, PartStatus};
use hod_proto::coordinator::v1::JobStatus;
use hod_tests::scripted::compare::{attention, part, same_counters, task_of};
use hod_tests::scripted::{Cluster, Kind, ScriptedPool, What, on_cluster};
use nix::sys::signal::Signal;
use uuid::Uuid;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];

fn dist(pool: &ScriptedPool) -> Result<()> {
    let bricks = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    pool.add_volume("dist", Kind::Distribute, &bricks.each_ref().map(String::as_str))?;
    Ok(())
}

async fn running(c: &Cluster) -> Result<Uuid> {
    let task = c.pool.start("node-a", "volume rebalance dist start")?;
    c.pool.advance("dist", 100)?;
    c.wait_for_job(task, "100 files on each host", |job| {
        let files = |host| part(&c.pool, job, host).ok()?.counters.map(|c| c.files);
        HOSTS.into_iter().all(|host| files(host) == Some(100))
    })
    .await?;
    Ok(task)
}

/// Ends the task, and the job with it.
async fn ends_well(c: &Cluster, task: Uuid) -> Result<()> {
    c.pool.advance("dist", 100)?;
    c.pool.complete("dist")?;
    let job = c.wait_for_status(task, JobStatus::Finished).await?;
    same_counters(&c.pool, &job, "dist", &HOSTS)?;
    ensure!(c.jobs("").await?.len() == 1);
    Ok(())
}

/// A running task's job stands still while calls go wrong, and ends well after.
async fn survives(of: &str, what: What) -> Result<()> {
    let during = format!("{what:?} of {of:?}");
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.pool.fault(of, what)?;
        c.stands_still_until(&during, |pool| pool.befallen >= 3).await?;
        c.pool.mend()?;
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_locked_by_another_transaction() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.pool.lock_volume("dist")?;
        c.stands_still_until("the volume locked", |pool| pool.found_locked >= 2).await?;
        c.pool.unlock_volume("dist")?;
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_volume() -> Result<()> {
    on_cluster(dist, async |c| {
        let bricks = "volume remove-brick dist node-c:/bricks/d1";
        let task = c.pool.start("node-a", &format!("{bricks} start"))?;
        c.pool.complete("dist")?;
        c.wait_for_job(task, "it awaits the commit", |job| attention(job, "awaiting-commit")).await?;
        c.pool.done("node-b", "volume stop dist")?;
        c.stands_still("the volume stopped").await?;
        c.pool.done("node-b", "volume start dist")?;
        c.pool.done("node-b", &format!("{bricks} commit"))?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn status_calls_that_hang() -> Result<()> {
    survives("status", What::Hang).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_hangs() -> Result<()> {
    survives("", What::Hang).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_garbage() -> Result<()> {
    survives("", What::Garbage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_cut() -> Result<()> {
    survives("", What::Truncated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_plain_text() -> Result<()> {
    let text = "Error : Request timed out\n".to_owned();
    survives("", What::Text { text, code: 1 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_empty() -> Result<()> {
    survives("", What::Text { text: String::new(), code: 0 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_longer_than_is_kept() -> Result<()> {
    survives("status", What::Huge { mebibytes: 80 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn get_state_is_refused() -> Result<()> {
    let text = "Failed to get daemon state. Check glusterd log file for more details\n".to_owned();
    survives("get-state", What::Text { text, code: 1 }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn volume_info_is_refused() -> Result<()> {
    let text = "Locking failed".to_owned();
    survives("volume info", What::Refuse { errno: 30800, text }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn glusterd_is_down_where_it_is_asked() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.pool.stop_glusterd("node-a")?;
        c.stands_still("glusterd down on node-a").await?;
        // Another agent has taken over: counters of the others go on.
        c.pool.advance("dist", 50)?;
        c.wait_for_job(task, "150 files on node-b", |job| {
            part(&c.pool, job, "node-b").is_ok_and(|p| p.counters.is_some_and(|c| c.files == 150))
        })
        .await?;
        c.pool.start_glusterd("node-a")?;
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_glusterd_is_down() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        for host in HOSTS {
            c.pool.stop_glusterd(host)?;
        }
        c.stands_still("every glusterd down").await?;
        for host in HOSTS {
            c.pool.start_glusterd(host)?;
        }
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_host() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.pool.freeze("node-b", true)?;
        c.agent("node-b")?.signal(Signal::SIGSTOP)?;
        c.wait_for_job(task, "it waits for node-b", |job| attention(job, "waiting-for-host")).await?;
        c.stands_still("node-b frozen").await?;
        c.agent("node-b")?.signal(Signal::SIGCONT)?;
        c.pool.freeze("node-b", false)?;
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_while_its_part_runs() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.kill_host("node-c")?;
        // The others have ended, so Gluster's own summary says failed.
        for host in ["node-a", "node-b"] {
            c.pool.set_part("dist", host, PartStatus::Failed, Counters::default())?;
        }
        c.wait_for_job(task, "it waits for node-c", |job| {
            attention(job, "waiting-for-host") && job.status() == JobStatus::Started
        })
        .await?;
        c.stands_still("node-c dead").await?;
        c.return_host("node-c")?;
        c.stands_still("node-c back, its part running").await?;
        // Its process began anew; what is shown does not run backwards meanwhile.
        c.pool.advance("dist", 170)?;
        c.pool.complete("dist")?;
        let job = c.wait_for_status(task, JobStatus::Failed).await?;
        same_counters(&c.pool, &job, "dist", &["node-c"])?;
        ensure!(c.jobs("").await?.len() == 1);
        Ok(())
    })
    .await
}

/// Fixtures 81 to 88 of 10.3.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_away_when_it_started() -> Result<()> {
    on_cluster(dist, async |c| {
        c.kill_host("node-c")?;
        let task = c.pool.start("node-a", "volume rebalance dist start")?;
        c.pool.advance("dist", 10)?;
        // A status call answers: the start is over, whoever holds no task now has none.
        c.wait_for_job(task, "10 files on node-b", |job| {
            part(&c.pool, job, "node-b").is_ok_and(|p| p.counters.is_some_and(|c| c.files == 10))
        })
        .await?;
        c.pool.complete("dist")?;
        c.wait_for_job(task, "it waits for node-c", |job| {
            attention(job, "waiting-for-host") && job.status() == JobStatus::Started
        })
        .await?;
        c.stands_still("node-c away").await?;
        c.return_host("node-c")?;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        ensure!(part(&c.pool, &job, "node-c")?.took_no_part, "{job:#?}");
        same_counters(&c.pool, &job, "dist", &["node-a", "node-b"])?;
        ensure!(c.jobs("").await?.len() == 1);
        Ok(())
    })
    .await
}

/// Fixtures 90 to 99 of 10.3.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_away_when_it_was_stopped() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.kill_host("node-c")?;
        c.pool.done("node-a", "volume rebalance dist stop")?;
        c.stands_still("stopped, node-c away").await?;
        c.return_host("node-c")?;
        let job = c
            .wait_for_job(task, "it is shown to run on node-c still", |job| {
                attention(job, "still-running") || attention(job, "hosts-disagree")
            })
            .await?;
        ensure!(job.status() != JobStatus::Finished && job.status() != JobStatus::Unknown, "{job:#?}");
        // Its process began anew, and moves more than it had before.
        c.pool.advance("dist", 133)?;
        c.pool.complete("dist")?;
        let job = c
            .wait_for_job(task, "node-c has ended", |job| {
                part(&c.pool, job, "node-c").is_ok_and(|p| p.counters.is_some_and(|c| c.files == 133))
            })
            .await?;
        // It was stopped, whatever node-c did of it alone.
        ensure!(task_of(&job)?.parts.len() == 3);
        c.wait_for_status(task, JobStatus::Aborted).await?;
        c.stands_still("all ended").await?;
        ensure!(c.jobs("").await?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_and_runs_again() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        for host in HOSTS {
            c.pool.set_part("dist", host, PartStatus::Failed, Counters::default())?;
        }
        c.wait_for_status(task, JobStatus::Failed).await?;
        // Its host starts it again under its id.
        c.pool.set_part("dist", "node-c", PartStatus::InProgress, Counters::default())?;
        c.pool.change(|scene| scene.store_view("node-c", "dist"))?;
        c.wait_for_status(task, JobStatus::Started).await?;
        ensure!(c.jobs("").await?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_dies_in_the_middle() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.kill_coordinator().await?;
        c.stands_still("started again").await?;
        let job = c.wait_for_status(task, JobStatus::Started).await?;
        ensure!(task_of(&job)?.task_id == task.to_string());
        // It ends while nobody looks.
        c.coordinator().kill()?;
        c.pool.advance("dist", 100)?;
        c.pool.complete("dist")?;
        c.pool.done("node-b", "volume rebalance dist stop")?;
        c.coordinator().start_again()?;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        same_counters(&c.pool, &job, "dist", &HOSTS)?;
        let found = c.events().await?.iter().filter(|e| e.kind == "task-found").count();
        ensure!(c.jobs("").await?.len() == 1 && found == 1, "found {found} times");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_dies_in_the_middle() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        c.kill_postgresql()?;
        // What happens meanwhile is not lost.
        ends_well(c, task).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_dies_in_the_middle() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = running(c).await?;
        for host in HOSTS {
            c.agent(host)?.kill()?;
        }
        c.stands_still("no agent").await?;
        for host in HOSTS {
            c.agent(host)?.start_again()?;
        }
        ends_well(c, task).await
    })
    .await
}
