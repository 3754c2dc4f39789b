//! What must hold once the faults have ended.

use std::time::Duration;

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskType;
use tokio::time::{sleep, timeout};

use super::report::Report;
use super::witness::Seen;
use super::{VOLUMES, gluster};
use crate::pool::{SharedPool, look, wait_until};

/// Waits until all hosts are connected and serve, and every job has come to its end: operators
/// end what would otherwise wait for them.
pub(super) async fn calm(shared: &SharedPool, report: &Report, deadline: Duration) -> Result<()> {
    let pool = &shared.pool;
    for host in &pool.hosts {
        pool.wait_for_peers(host, 2).await?;
    }
    for volume in VOLUMES {
        wait_until(&format!("every brick of {volume} serves"), deadline, || async {
            Ok(pool.a().try_gluster(&["volume", "start", volume, "force"]).await?.status.success())
        })
        .await?;
    }
    wait_until("every job has ended", deadline, || async {
        let jobs = pool.coordinator.jobs("").await?;
        let open: Vec<_> = jobs.into_iter().filter(|job| job.status() == JobStatus::Started).collect();
        for job in &open {
            let job = pool.coordinator.job(&job.job_id).await?;
            let Some(volume) = job.subjects.first().map(|subject| subject.volume_name.as_str()) else {
                continue;
            };
            let removes = look::task(&job).is_ok_and(|task| task.r#type() == TaskType::RemoveBrick);
            let end: &[&str] = match (removes, look::is_paused(&job)) {
                (true, _) => &["hod", "remove-brick", "stop", volume, "--yes"],
                (false, true) => &["hod", "rebalance", "stop", volume, "--yes"],
                (false, false) => continue,
            };
            let _ = timeout(Duration::from_secs(180), pool.coordinator.exec(end)).await;
        }
        sleep(Duration::from_secs(1)).await;
        ensure!(open.is_empty(), "these are open: {open:#?}");
        Ok(true)
    })
    .await?;
    report.held("every job came to its end once the faults had ceased");
    Ok(())
}

/// Holds what hod has recorded against Gluster's own word.
pub(super) async fn hold(shared: &SharedPool, report: &Report, seen: &Seen) -> Result<()> {
    let pool = &shared.pool;
    for task in &seen.tasks {
        let told = pool.coordinator.task(task).await;
        ensure!(told.is_ok(), "task {task}, which a glusterd had, has no job: {told:?}");
    }
    report.held(format!("each of {} tasks that any glusterd had has one job", seen.tasks.len()));

    let mut commands = Vec::new();
    for host in &pool.hosts {
        commands.extend(gluster::commands(host).await?);
    }
    let count = |ends: &str| commands.iter().filter(|command| command.ends_with(ends)).count();
    let starts = count(" start") + count(" start force");
    let asked = report.given("rebalance start")
        + report.given("rebalance resume")
        + report.given("remove-brick start");
    ensure!(starts <= asked, "{starts} starts were done, {asked} were asked for: {commands:#?}");
    report.held(format!("no start was done twice: of {asked} that were asked for Gluster did {starts}"));
    let (commits, asked) = (count(" commit"), report.given("remove-brick commit"));
    ensure!(commits <= asked, "{commits} commits, {asked} asked for");
    report.held(format!("no commit passed the gate: of {asked} that were asked for Gluster did {commits}"));

    // The schema keeps a lock from outliving its job; with no job open there is none.
    let locks = "SELECT count(*) FROM volume_locks";
    let left = shared.database.ask(locks).await?;
    ensure!(left == "0", "{left} locks are left, and no job is open");
    report.held("no lock was left without a job");

    let events = pool.coordinator.events().await?;
    for pair in events.windows(2) {
        let at = |n: usize| pair[n].at.as_ref().map(|at| (at.seconds, at.nanos));
        ensure!(pair[1].number == pair[0].number + 1, "event {} follows {}", pair[1].number, pair[0].number);
        ensure!(at(0) <= at(1), "event {} is older than the one before it", pair[1].number);
    }
    report.held(format!(
        "{} events are numbered without a gap, and none is older than the one before",
        events.len()
    ));
    Ok(())
}
