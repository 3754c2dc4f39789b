//! A coordinator of a pool, with its private PostgreSQL or on one that others share.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hod_proto::coordinator::v1::{
    AddPoolRequest, Event, GetJobRequest, GetTaskRequest, Host as PoolHost, Job, JobStatus,
    ListEventsRequest, ListHostsRequest, ListJobsRequest, Task, events_client::EventsClient,
    jobs_client::JobsClient, pools_client::PoolsClient, tasks_client::TasksClient,
};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::{Container, Pool, metrics::metric, mounted, wait_for, wait_until};
use crate::docker::{Lines, docker, exec};

/// A container with hod-coordinator in the pool's network.
#[derive(Debug)]
pub struct Coordinator {
    container: Container,
    network: String,
}

impl Coordinator {
    /// Starts one with a private PostgreSQL.
    pub(super) async fn start(network: &str) -> Result<Self> {
        Self::run(network, "coordinator", &[]).await
    }

    /// Starts one under this name on a PostgreSQL.
    pub(super) async fn start_on(network: &str, name: &str, database: &str) -> Result<Self> {
        Self::run(network, name, &[&format!("-e=HOD_COORDINATOR_DATABASE={database}")]).await
    }

    async fn run(network: &str, name: &str, more: &[&str]) -> Result<Self> {
        let (hod, program) = (mounted("hod")?, mounted("hod-coordinator")?);
        let args = [
            "--network",
            network,
            "--network-alias",
            name,
            "--hostname",
            name,
            "-e=HOD_COORDINATOR_LISTEN=0.0.0.0:7470",
            "-e=HOD_COORDINATOR_WEB_LISTEN=0.0.0.0:7471",
            "-e=HOD_COORDINATOR_PLAINTEXT=true",
            &program,
            &hod,
        ];
        let args = [&args[..], more, &["hod-postgresql"]].concat();
        let container = Container::run(format!("{network}-{name}"), &args).await?;
        let coordinator = Self { container, network: network.to_owned() };
        coordinator.wait_until_serving().await?;
        Ok(coordinator)
    }

    /// Tells it of a pool by one agent's address, once that agent knows which host it is on.
    pub async fn add_pool(&self, name: &str, agent: &str) -> Result<()> {
        wait_until(&format!("pool {name} is taken up"), Duration::from_secs(60), || async {
            let request = AddPoolRequest { name: name.into(), agent: agent.into(), ..Default::default() };
            let added = PoolsClient::new(self.channel().await?).add_pool(request).await;
            // Tried again where an answer was lost.
            Ok(added
                .map(|_| true)
                .or_else(|e| if e.code() == Code::AlreadyExists { Ok(true) } else { Err(e) })?)
        })
        .await
    }

    /// Its address in the pool's network, reachable from the machine itself too.
    pub async fn address(&self) -> Result<String> {
        self.container.address(&self.network).await
    }

    /// A new connection: after the coordinator came back it may have another address.
    pub async fn channel(&self) -> Result<Channel> {
        let address = self.address().await?;
        Endpoint::from_shared(format!("http://{address}:7470"))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(20))
            .connect()
            .await
            .context("connecting to the coordinator")
    }

    /// The newest jobs, of one volume or of all.
    pub async fn jobs(&self, volume: &str) -> Result<Vec<Job>> {
        let request = ListJobsRequest { volume: volume.into(), ..Default::default() };
        Ok(JobsClient::new(self.channel().await?).list_jobs(request).await?.into_inner().jobs)
    }

    /// A job with its tree.
    pub async fn job(&self, id: &str) -> Result<Job> {
        let request = GetJobRequest { job_id: id.into() };
        let answer = JobsClient::new(self.channel().await?).get_job(request).await?.into_inner();
        answer.job.context("an answer without a job")
    }

    /// A task by Gluster's id.
    pub async fn task(&self, id: &str) -> Result<Task> {
        let request = GetTaskRequest { task_id: id.into() };
        let answer = TasksClient::new(self.channel().await?).get_task(request).await?.into_inner();
        answer.task.context("an answer without a task")
    }

    /// Waits until Gluster's task has become a job of which this is so, and returns the job.
    pub async fn wait_for_job_of<F>(
        &self,
        task: &str,
        what: &str,
        deadline: Duration,
        is_so: F,
    ) -> Result<Job>
    where
        F: Fn(&Job) -> bool,
    {
        let is_so = &is_so;
        wait_for(&format!("the job of {task}: {what}"), deadline, || async move {
            let job = self.job(&self.task(task).await?.job_id).await?;
            if is_so(&job) { Ok(Some(job)) } else { anyhow::bail!("it is {job:?}") }
        })
        .await
    }

    /// Waits until the job of Gluster's task has this status.
    pub async fn wait_for_status(&self, task: &str, status: JobStatus, deadline: Duration) -> Result<Job> {
        self.wait_for_job_of(task, status.as_str_name(), deadline, |job| job.status() == status).await
    }

    /// Looks at all jobs until three further syncs have come to their end, and fails if one of
    /// them changes its status meanwhile, or one appears: nothing of the kind happened in Gluster.
    pub async fn stands_still_for_three_syncs(&self, during: &str) -> Result<()> {
        let syncs = async || -> Result<f64> {
            Ok(self.metric("hod_coordinator_syncs_total", &[]).await?.unwrap_or_default())
        };
        let enough = syncs().await? + 3.0;
        let before = self.statuses().await?;
        while syncs().await? < enough {
            let now = self.statuses().await?;
            ensure!(now == before, "{during}, {before:?} became {now:?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(())
    }

    async fn statuses(&self) -> Result<BTreeMap<String, JobStatus>> {
        let jobs = self.jobs("").await?;
        Ok(jobs.into_iter().map(|job| (job.job_id.clone(), job.status())).collect())
    }

    /// The pool's hosts, as the coordinator has them.
    pub async fn hosts(&self) -> Result<Vec<PoolHost>> {
        let request = ListHostsRequest { pool: Pool::NAME.into() };
        Ok(PoolsClient::new(self.channel().await?).list_hosts(request).await?.into_inner().hosts)
    }

    /// The pool's events, oldest first.
    pub async fn events(&self) -> Result<Vec<Event>> {
        let request = ListEventsRequest { pool: Pool::NAME.into(), page_size: 1000, ..Default::default() };
        Ok(EventsClient::new(self.channel().await?).list_events(request).await?.into_inner().events)
    }

    /// Runs a command beside the coordinator, however it ends.
    pub async fn exec(&self, command: &[&str]) -> Result<Output> {
        exec(&self.container.0, command).await
    }

    /// What a command prints beside the coordinator, line by line.
    pub fn lines(&self, command: &[&str]) -> Result<Lines> {
        Lines::of(&self.container.0, command)
    }

    /// What `hod` prints with these arguments, run beside the coordinator; it must succeed.
    pub async fn hod(&self, args: &[&str]) -> Result<String> {
        self.hod_ends(args, 0).await
    }

    /// What `hod` prints, and says on standard error, where it must end with this exit code.
    pub async fn hod_ends(&self, args: &[&str], code: i32) -> Result<String> {
        let out = exec(&self.container.0, &[&["hod"], args].concat()).await?;
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        ensure!(
            out.status.code() == Some(code),
            "hod {} ended with {} and not {code}: {said}",
            args.join(" "),
            out.status
        );
        Ok(said)
    }

    /// Runs a command of `hod`'s that makes a job or goes on with one, and returns the job's id.
    pub async fn hod_job(&self, args: &[&str]) -> Result<String> {
        let receipt: serde_json::Value =
            serde_json::from_str(&self.hod(&[args, &["--json"]].concat()).await?)?;
        let id = receipt["job_id"].as_str().filter(|id| !id.is_empty());
        id.map(str::to_owned).with_context(|| format!("a receipt without a job: {receipt}"))
    }

    /// Waits until this is so of a job.
    pub async fn wait_for_job<F>(&self, id: &str, what: &str, deadline: Duration, is_so: F) -> Result<Job>
    where
        F: Fn(&Job) -> bool,
    {
        let is_so = &is_so;
        wait_for(&format!("job {id}: {what}"), deadline, || async move {
            let job = self.job(id).await?;
            if is_so(&job) { Ok(Some(job)) } else { anyhow::bail!("it is {job:?}") }
        })
        .await
    }

    /// Waits until a job has this status.
    pub async fn wait_for_end(&self, id: &str, status: JobStatus, deadline: Duration) -> Result<Job> {
        self.wait_for_job(id, status.as_str_name(), deadline, |job| job.status() == status).await
    }

    /// The value of one of its metrics, summed over its labels; those that hold all of `labels`,
    /// each such as `verb="status"`, count. None where it is not there.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<Option<f64>> {
        let address = self.address().await?;
        metric(&format!("{address}:7471"), name, labels).await
    }

    /// The coordinator and its PostgreSQL, if it is private, die at once; the disk stays.
    pub async fn kill(&self) -> Result<()> {
        docker(["kill", &self.container.0]).await.map(drop)
    }

    /// What died comes back.
    pub async fn start_again(&self) -> Result<()> {
        docker(["start", &self.container.0]).await?;
        self.wait_until_serving().await
    }

    /// Every process of it stands still, the network stays.
    pub async fn pause(&self) -> Result<()> {
        docker(["pause", &self.container.0]).await.map(drop)
    }

    /// What stood still goes on.
    pub async fn unpause(&self) -> Result<()> {
        docker(["unpause", &self.container.0]).await.map(drop)
    }

    /// Stops PostgreSQL alone, in the middle of whatever it does; the coordinator has to cope.
    pub async fn kill_postgresql(&self) -> Result<()> {
        exec(&self.container.0, &["sh", "-c", "kill -QUIT $(pgrep -xo postgres)"]).await.map(drop)
    }

    async fn wait_until_serving(&self) -> Result<()> {
        wait_until("the coordinator serves", Duration::from_secs(180), || async {
            self.jobs("").await.map(|_| true)
        })
        .await
    }

    /// Shows what the coordinator recorded of the pool.
    pub(super) async fn print_events(&self) {
        match self.events().await {
            Ok(events) => {
                for event in events {
                    let at = event.at.map(|at| at.seconds).unwrap_or_default();
                    eprintln!(
                        "{at} {:?} {} {}: {}",
                        event.severity(),
                        event.kind,
                        event.volume,
                        event.message
                    );
                }
            }
            Err(error) => eprintln!("no events: {error:#}"),
        }
    }

    pub(super) fn print_log(&self) {
        self.container.print_log("80");
    }
}
