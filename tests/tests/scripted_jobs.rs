//! Tasks started with Gluster's command line on scripted hosts become jobs and
//! end as what they were, through real agents and a real coordinator.

use anyhow::{Context as _, Result, ensure};
use hod_core::task::{Counters, PartStatus};
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::{PartStatus as Told, TaskStatus, TaskType};
use hod_tests::scripted::compare::{attention, part, same_counters, task_of};
use hod_tests::scripted::{Cluster, Kind, ScriptedPool, on_cluster};
use uuid::Uuid;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];
const REMOVE: &str = "volume remove-brick dist node-c:/bricks/d1";

/// A distributed volume on all three hosts, and one that is let alone.
fn dist(pool: &ScriptedPool) -> Result<()> {
    let bricks = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    pool.add_volume("dist", Kind::Distribute, &bricks.each_ref().map(String::as_str))?;
    let bricks = ["node-a:/bricks/o1", "node-b:/bricks/o1"];
    pool.add_volume("other", Kind::Distribute, &bricks)?;
    Ok(())
}

/// Starts a task, and waits until it has become a job that is under way.
async fn started(c: &Cluster, host: &str, words: &str) -> Result<Uuid> {
    let task = c.pool.start(host, words)?;
    c.wait_for_status(task, JobStatus::Started).await?;
    Ok(task)
}

/// One task, one job, and no alarm: every host was there all the while.
async fn one_job(c: &Cluster) -> Result<()> {
    let jobs = c.jobs("").await?;
    ensure!(jobs.len() == 1, "{jobs:#?}");
    no_alarm(c).await
}

async fn no_alarm(c: &Cluster) -> Result<()> {
    for event in c.events().await? {
        let alarms = ["hosts-disagree", "still-running", "took-no-part", "not-seen", "waiting-for-host"];
        ensure!(!alarms.contains(&event.kind.as_str()), "{}: {}", event.kind, event.message);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_is_followed_host_by_host() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-b", "volume rebalance dist start").await?;
        // While it runs, what it has done shows without anybody asking Gluster.
        c.pool.advance("dist", 1000)?;
        let job = c
            .wait_for_job(task, "1000 files on each host", |job| {
                let parts = task_of(job).map(|t| t.parts.clone()).unwrap_or_default();
                parts.len() == 3 && parts.iter().all(|p| p.counters.is_some_and(|c| c.files == 1000))
            })
            .await?;
        ensure!(task_of(&job)?.r#type() == TaskType::Rebalance && !task_of(&job)?.fix_layout);
        ensure!(job.subjects[0].volume_name == "dist", "{:?}", job.subjects);
        c.pool.advance("dist", 234)?;
        let did = Counters { files: 1017, bytes: 5_000_000_000, scanned: 2099, ..Counters::default() };
        c.pool.set_part("dist", "node-c", PartStatus::Completed, did)?;
        c.wait_for_job(task, "one host is done, the job is not", |job| {
            let done = part(&c.pool, job, "node-c").is_ok_and(|p| p.status() == Told::Completed);
            done && job.status() == JobStatus::Started
        })
        .await?;
        c.pool.complete("dist")?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        // get-state rounds the bytes: the exact ones may come with the next look.
        let job = c
            .wait_for_job(task, "the last counters", |job| {
                same_counters(&c.pool, job, "dist", &HOSTS).is_ok()
            })
            .await?;
        ensure!(task_of(&job)?.status() == TaskStatus::Completed);
        c.stands_still("after the end").await?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_layout_is_told_from_a_rebalance() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", "volume rebalance dist fix-layout start").await?;
        c.pool.complete("dist")?;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        ensure!(task_of(&job)?.fix_layout, "{job:#?}");
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_aborts_with_the_last_counters() -> Result<()> {
    on_cluster(dist, async |c| {
        c.pool.change(|scene| {
            // Hosts move on a little after the reply to the stop.
            scene.pool.timing.files_while_stopping = 2;
            Ok(())
        })?;
        let task = started(c, "node-a", "volume rebalance dist start").await?;
        c.pool.advance("dist", 40)?;
        let did = Counters { files: 5, scanned: 5, ..Counters::default() };
        c.pool.set_part("dist", "node-c", PartStatus::Completed, did)?;
        c.pool.done("node-b", "volume rebalance dist stop")?;
        c.wait_for_status(task, JobStatus::Aborted).await?;
        let job = c
            .wait_for_job(task, "the last counters", |job| {
                same_counters(&c.pool, job, "dist", &HOSTS).is_ok()
            })
            .await?;
        ensure!(part(&c.pool, &job, "node-a")?.status() == Told::Stopped);
        ensure!(part(&c.pool, &job, "node-c")?.status() == Told::Completed);
        c.stands_still("after the stop").await?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_after_the_end_changes_nothing() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", "volume rebalance dist start").await?;
        c.pool.advance("dist", 40)?;
        c.pool.complete("dist")?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        c.pool.done("node-a", "volume rebalance dist stop")?;
        c.stands_still("after a stop of what had ended").await?;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        same_counters(&c.pool, &job, "dist", &HOSTS)?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_and_stopped_between_two_looks_is_finished() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", "volume rebalance dist start").await?;
        c.pool.advance("dist", 40)?;
        c.pool.complete("dist")?;
        c.pool.done("node-a", "volume rebalance dist stop")?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_task_ends_the_one_before() -> Result<()> {
    on_cluster(dist, async |c| {
        let first = started(c, "node-a", "volume rebalance dist start").await?;
        c.pool.complete("dist")?;
        c.wait_for_status(first, JobStatus::Finished).await?;
        let second = started(c, "node-b", "volume rebalance dist start force").await?;
        c.pool.done("node-b", "volume rebalance dist stop")?;
        c.wait_for_status(second, JobStatus::Aborted).await?;
        c.wait_for_status(first, JobStatus::Finished).await?;
        ensure!(c.jobs("dist").await?.len() == 2);
        no_alarm(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_failed_are_told() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", "volume rebalance dist start").await?;
        let did = Counters { files: 39, scanned: 54, failed: 15, ..Counters::default() };
        c.pool.set_part("dist", "node-b", PartStatus::Completed, did)?;
        c.pool.complete("dist")?;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        ensure!(job.message.contains("15"), "{:?}", job.message);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_brick_waits_for_its_commit() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-b", &format!("{REMOVE} start")).await?;
        c.pool.advance("dist", 1200)?;
        c.pool.complete("dist")?;
        let job = c
            .wait_for_job(task, "it awaits the commit", |job| {
                attention(job, "awaiting-commit") && job.status() == JobStatus::Started
            })
            .await?;
        same_counters(&c.pool, &job, "dist", &["node-c"])?;
        ensure!(task_of(&job)?.r#type() == TaskType::RemoveBrick);
        ensure!(task_of(&job)?.bricks[0].path == "/bricks/d1");
        c.stands_still("awaiting the commit").await?;
        c.pool.done("node-b", &format!("{REMOVE} commit"))?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        c.stands_still("after the commit").await?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_on_another_host_than_the_start() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", &format!("{REMOVE} start")).await?;
        c.pool.complete("dist")?;
        c.pool.done("node-c", &format!("{REMOVE} commit"))?;
        c.wait_for_status(task, JobStatus::Finished).await?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_brick_that_is_stopped() -> Result<()> {
    on_cluster(dist, async |c| {
        let first = started(c, "node-b", &format!("{REMOVE} start")).await?;
        c.pool.advance("dist", 143)?;
        c.pool.done("node-a", &format!("{REMOVE} stop"))?;
        let job = c.wait_for_status(first, JobStatus::Aborted).await?;
        same_counters(&c.pool, &job, "dist", &["node-c"])?;
        // And one whose migration had completed.
        let second = started(c, "node-b", &format!("{REMOVE} start")).await?;
        c.pool.complete("dist")?;
        c.wait_for_job(second, "it awaits the commit", |job| attention(job, "awaiting-commit")).await?;
        c.pool.done("node-a", &format!("{REMOVE} stop"))?;
        c.wait_for_status(second, JobStatus::Aborted).await?;
        c.stands_still("after the stop").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_in_the_middle_has_failed() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-b", &format!("{REMOVE} start")).await?;
        c.pool.advance("dist", 30)?;
        c.pool.done("node-b", &format!("{REMOVE} force"))?;
        let job = c.wait_for_status(task, JobStatus::Failed).await?;
        ensure!(job.message.contains("force"), "{:?}", job.message);
        c.stands_still("after the force").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_one_of_two_bricks_has_failed() -> Result<()> {
    let prepare = |pool: &ScriptedPool| {
        dist(pool)?;
        pool.add_brick("dist", "node-b:/bricks/d2")
    };
    on_cluster(prepare, async |c| {
        // The other brick by its host's address.
        let hosts = c.pool.state()?.hosts;
        let address = &hosts.iter().find(|h| h.name == "node-c").context("no node-c")?.address;
        let both = format!("volume remove-brick dist {address}:/bricks/d1 node-b:/bricks/d2");
        let task = started(c, "node-a", &format!("{both} start")).await?;
        let job = c.job_of(task).await?;
        let bricks = &task_of(&job)?.bricks;
        ensure!(bricks.iter().all(|brick| !brick.host_id.is_empty()), "{bricks:?}");
        c.pool.complete("dist")?;
        c.wait_for_job(task, "it awaits the commit", |job| attention(job, "awaiting-commit")).await?;
        c.pool.done("node-a", "volume remove-brick dist node-b:/bricks/d2 commit")?;
        let job = c.wait_for_status(task, JobStatus::Failed).await?;
        ensure!(job.message.contains("partly"), "{:?}", job.message);
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_deleted_while_its_commit_is_awaited() -> Result<()> {
    on_cluster(dist, async |c| {
        let task = started(c, "node-a", &format!("{REMOVE} start")).await?;
        c.pool.complete("dist")?;
        c.wait_for_job(task, "it awaits the commit", |job| attention(job, "awaiting-commit")).await?;
        c.pool.done("node-a", "volume stop dist")?;
        c.stands_still("with the volume stopped").await?;
        c.pool.done("node-a", "volume delete dist")?;
        let job = c.wait_for_status(task, JobStatus::Aborted).await?;
        ensure!(job.message.contains("deleted"), "{:?}", job.message);
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_had_ended_before_anybody_looked() -> Result<()> {
    let prepare = |pool: &ScriptedPool| {
        dist(pool)?;
        pool.start("node-a", "volume rebalance dist start")?;
        pool.advance("dist", 40)?;
        pool.complete("dist")
    };
    on_cluster(prepare, async |c| {
        let task = c.pool.view("dist", "node-a")?.id;
        let job = c.wait_for_status(task, JobStatus::Finished).await?;
        same_counters(&c.pool, &job, "dist", &HOSTS)?;
        one_job(c).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_pool_costs_no_lock() -> Result<()> {
    on_cluster(dist, async |c| {
        c.stands_still("idle").await?;
        for host in HOSTS {
            let locked = c.agent_metric(host, "hod_agent_gluster_calls_total", &["lock=\"volume\""]).await?;
            let all = c.agent_metric(host, "hod_agent_gluster_calls_total", &[]).await?;
            ensure!(locked == 0.0 && all > 0.0, "{host}: {locked} of {all} calls took a lock");
            let history = c.pool.history(host)?;
            ensure!(!history.contains("volume status") && !history.contains("volume rebalance"), "{history}");
        }
        Ok(())
    })
    .await
}
