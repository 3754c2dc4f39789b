//! Looks at what hod says, by whichever coordinator answers, for as long as there are faults, and fails at the first lie.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures::future::join_all;
use hod_proto::coordinator::v1::{Job, JobStatus};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::gluster;
use super::report::Report;
use crate::pool::{SharedPool, look};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// A look that takes longer is none.
const LOOK: Duration = Duration::from_secs(10);
/// A job that has ended while Gluster's task runs on is told so, or runs again, within this time.
const TOLD: Duration = Duration::from_secs(120);

/// What was seen in all.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every task that a glusterd had written down.
    pub(super) tasks: BTreeSet<String>,
    looks: usize,
    jobs: BTreeMap<String, Last>,
    /// Ended jobs whose tasks still ran when they were looked at, and since when.
    doubtful: BTreeMap<String, Instant>,
    ends: usize,
}

/// How a job was last.
#[derive(Clone, Debug)]
struct Last {
    status: JobStatus,
    tasks: BTreeSet<String>,
    moved: (u64, u64),
}

/// Watches until it is told to stop.
pub(super) async fn watch(shared: &SharedPool, report: &Report, stop: &CancellationToken) -> Result<Seen> {
    let mut seen = Seen::default();
    while !stop.is_cancelled() {
        for tasks in
            join_all(shared.pool.hosts.iter().map(|host| timeout(LOOK, gluster::tasks_on_disk(host)))).await
        {
            // Who does not answer tells nothing.
            seen.tasks.extend(tasks.ok().and_then(Result::ok).unwrap_or_default());
        }
        if let Ok(Ok(jobs)) = timeout(LOOK, all_jobs(shared)).await {
            seen.looks += 1;
            for job in jobs {
                seen.take(shared, job, report).await?;
            }
        }
        seen.settle(shared).await?;
        sleep(EVERY).await;
    }
    report.held(format!(
        "in {} looks at {} jobs no counter and no status went backwards untold",
        seen.looks,
        seen.jobs.len()
    ));
    report.held(format!("each of {} ends was one by Gluster's own word", seen.ends));
    Ok(seen)
}

/// All jobs with their trees.
async fn all_jobs(shared: &SharedPool) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for job in shared.ask(async |hod| hod.jobs("").await).await? {
        jobs.push(shared.ask(async |hod| hod.job(&job.job_id).await).await?);
    }
    Ok(jobs)
}

impl Seen {
    async fn take(&mut self, shared: &SharedPool, job: Job, report: &Report) -> Result<()> {
        let counters = look::task(&job).ok().and_then(|task| task.counters).unwrap_or_default();
        let mut tasks: BTreeSet<String> =
            job.steps.iter().filter_map(|step| step.task.as_ref()).map(|task| task.task_id.clone()).collect();
        tasks.remove("");
        let now = Last { status: job.status(), tasks, moved: (counters.files, counters.bytes) };
        for (id, other) in &self.jobs {
            let shared = other.tasks.intersection(&now.tasks).next();
            ensure!(
                *id == job.job_id || shared.is_none(),
                "task {shared:?} has two jobs: {id} and {}",
                job.job_id
            );
        }
        let before = self.jobs.insert(job.job_id.clone(), now.clone());
        if let Some(before) = before {
            let back = now.moved.0 < before.moved.0 || now.moved.1 < before.moved.1;
            if back && !told(shared, &job, "counters-reset").await {
                bail!(
                    "the counters of job {} went from {:?} back to {:?}",
                    job.job_id,
                    before.moved,
                    now.moved
                );
            }
            let again = is_ended(before.status) && !is_ended(now.status);
            if again && !told(shared, &job, "task-running-again").await {
                bail!("job {} was {:?} and is open again, and nothing tells why", job.job_id, before.status);
            }
            if is_ended(before.status) || !is_ended(now.status) {
                return Ok(());
            }
        }
        if is_ended(now.status) {
            self.ends += 1;
            report.note(format!("{}: {:?} {}", job.description, now.status, job.message));
            self.doubtful.insert(job.job_id.clone(), Instant::now());
        } else {
            self.doubtful.remove(&job.job_id);
        }
        Ok(())
    }

    /// An end is true once no host that answers runs the task; a job that runs again, or of which
    /// it is told that a host still runs, is no lie either.
    async fn settle(&mut self, shared: &SharedPool) -> Result<()> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let told = join_all(shared.pool.hosts.iter().map(|host| timeout(LOOK, gluster::parts(host)))).await;
        let running: BTreeSet<String> = told
            .into_iter()
            .flat_map(|parts| parts.ok().and_then(Result::ok).unwrap_or_default())
            .filter(|(_, status)| status == "started")
            .map(|(task, _)| task)
            .collect();
        for (job, since) in std::mem::take(&mut self.doubtful) {
            let last = &self.jobs[&job];
            if !is_ended(last.status) || last.tasks.is_disjoint(&running) {
                continue;
            }
            if let Ok(now) = shared.ask(async |hod| hod.job(&job).await).await
                && (look::tells(&now, "still-running") || now.status() == JobStatus::Started)
            {
                continue;
            }
            ensure!(since.elapsed() < TOLD, "job {job} is {:?}, and its task still runs", last.status);
            self.doubtful.insert(job, since);
        }
        Ok(())
    }
}

fn is_ended(status: JobStatus) -> bool {
    status != JobStatus::Started
}

/// Whether an event of this kind tells of the job. While hod does not answer, nothing is held against it.
async fn told(shared: &SharedPool, job: &Job, kind: &str) -> bool {
    match timeout(LOOK, shared.ask(async |hod| hod.events().await)).await {
        Ok(Ok(events)) => events.iter().any(|event| event.job_id == job.job_id && event.kind == kind),
        _ => true,
    }
}
