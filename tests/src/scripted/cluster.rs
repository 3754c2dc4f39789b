//! A scripted pool with real agents, a real coordinator and its real PostgreSQL:
//! everything but Gluster and the network.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hod_proto::coordinator::v1::{
    AddPoolRequest, Event, GetJobRequest, GetTaskRequest, Job, JobStatus, ListEventsRequest,
    ListHostsRequest, ListJobsRequest, Task, events_client::EventsClient, jobs_client::JobsClient,
    pools_client::PoolsClient, tasks_client::TasksClient,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use super::daemon::{Daemon, own_network};
use super::pool::ScriptedPool;
use super::state::Pool as State;
use crate::pool::metrics::metric;
use crate::pool::{wait_for, wait_until};

/// The pool's name.
pub const POOL: &str = "scripted";
/// How long anything may take that is to come at once.
pub const SOON: Duration = Duration::from_secs(60);

/// Paces at which a test need not wait long.
const AGENT_PACES: [&str; 7] = [
    "--look-every=1s",
    "--look-unwatched-every=500ms",
    "--follow-every=300ms",
    "--follow-long-every=1s",
    "--rest-after-timeout=2s",
    "--call-deadline=2s",
    "--alive-every=300ms",
];

/// Three scripted hosts, an agent each, a coordinator.
pub struct Cluster {
    /// Gluster.
    pub pool: ScriptedPool,
    agents: BTreeMap<String, Daemon>,
    coordinator: Daemon,
    network: [u8; 3],
    folder: TempDir,
    _network: UdpSocket,
}

/// Runs a test on a cluster of its own; when it fails, or `SCRIPTED_LOGS` is set,
/// the daemons' last words and the pool's events are told.
///
/// # Errors
/// Those of the test, or if the cluster cannot be started.
pub async fn on_cluster(
    prepare: impl FnOnce(&ScriptedPool) -> Result<()>,
    test: impl AsyncFnOnce(&mut Cluster) -> Result<()>,
) -> Result<()> {
    let mut cluster = Cluster::start(prepare).await?;
    let result = test(&mut cluster).await;
    if result.is_err() || std::env::var_os("SCRIPTED_LOGS").is_some() {
        eprintln!("{}", cluster.last_words().await);
    }
    result
}

impl Cluster {
    /// Starts three hosts, node-a to node-c, with what `prepare` puts on them, and
    /// adds their pool.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start(prepare: impl FnOnce(&ScriptedPool) -> Result<()>) -> Result<Self> {
        Self::start_on(None, prepare).await
    }

    /// The same on a database that is there; `None`: on a private one.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start_on(
        database: Option<String>,
        prepare: impl FnOnce(&ScriptedPool) -> Result<()>,
    ) -> Result<Self> {
        let (network, held) = own_network()?;
        let pool = ScriptedPool::new(&["node-a", "node-b", "node-c"])?;
        pool.change(|scene| {
            for (host, n) in scene.pool.hosts.iter_mut().zip(1..) {
                host.address = address(network, n);
                host.other_names = vec![host.name.clone()];
                // Agents are looked for under the names that peers are known by.
                host.known_as = host.address.clone();
            }
            Ok(())
        })?;
        prepare(&pool)?;
        let folder = tempfile::Builder::new().prefix("hod-cluster-").tempdir()?;
        // PostgreSQL's own user passes through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut agents = BTreeMap::new();
        for host in pool.state()?.hosts {
            let args = agent_args(&pool, &host.name, &host.address, folder.path());
            let agent = Daemon::start("hod-agent", &host.name, folder.path(), args)?;
            agents.insert(host.name, agent);
        }
        let mut args = coordinator_args(&address(network, COORDINATOR), folder.path());
        args.extend(database.map(|address| format!("--database={address}")));
        let coordinator = Daemon::start("hod-coordinator", "coordinator", folder.path(), args)?;
        let cluster = Self { pool, agents, coordinator, network, folder, _network: held };
        match cluster.add_pool().await {
            Ok(()) => Ok(cluster),
            Err(e) => {
                eprintln!("{}", cluster.last_words().await);
                Err(e)
            }
        }
    }

    async fn add_pool(&self) -> Result<()> {
        self.serves().await?;
        let first = address(self.network, 1);
        wait_until("the pool is added", SOON, || async {
            let request = AddPoolRequest { name: POOL.into(), agent: first.clone(), ..Default::default() };
            let added = PoolsClient::new(self.channel().await?).add_pool(request).await;
            match added {
                Ok(_) => Ok(true),
                Err(status) if status.code() == tonic::Code::AlreadyExists => Ok(true),
                Err(status) => bail!("{status}"),
            }
        })
        .await?;
        wait_until("every host answers", SOON, || async {
            let request = ListHostsRequest { pool: POOL.into() };
            let hosts = PoolsClient::new(self.channel().await?).list_hosts(request).await?;
            let hosts = hosts.into_inner().hosts;
            let answering = hosts.iter().filter(|h| h.state == 1).count();
            ensure!(answering == 3, "{hosts:?}");
            Ok(true)
        })
        .await
    }

    async fn serves(&self) -> Result<()> {
        wait_until("the coordinator serves", Duration::from_secs(90), || async {
            self.jobs("").await.map(|_| true)
        })
        .await
    }

    /// A connection to the coordinator.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn channel(&self) -> Result<Channel> {
        let address = address(self.network, COORDINATOR);
        Endpoint::from_shared(format!("http://{address}:7470"))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(20))
            .connect()
            .await
            .context("connecting to the coordinator")
    }

    /// The newest jobs, of one volume or of all.
    ///
    /// # Errors
    /// If the coordinator does not answer.
    pub async fn jobs(&self, volume: &str) -> Result<Vec<Job>> {
        let request = ListJobsRequest { volume: volume.into(), ..Default::default() };
        let answer = JobsClient::new(self.channel().await?).list_jobs(request).await?;
        Ok(answer.into_inner().jobs)
    }

    /// A task by Gluster's id.
    ///
    /// # Errors
    /// If there is none, or the coordinator does not answer.
    pub async fn task(&self, id: Uuid) -> Result<Task> {
        let request = GetTaskRequest { task_id: id.to_string() };
        let answer = TasksClient::new(self.channel().await?).get_task(request).await?;
        answer.into_inner().task.context("an answer without a task")
    }

    /// The job of a task.
    ///
    /// # Errors
    /// If there is none, or the coordinator does not answer.
    pub async fn job_of(&self, task: Uuid) -> Result<Job> {
        let request = GetJobRequest { job_id: self.task(task).await?.job_id };
        let answer = JobsClient::new(self.channel().await?).get_job(request).await?;
        answer.into_inner().job.context("an answer without a job")
    }

    /// The pool's events, oldest first.
    ///
    /// # Errors
    /// If the coordinator does not answer.
    pub async fn events(&self) -> Result<Vec<Event>> {
        let request = ListEventsRequest { pool: POOL.into(), page_size: 1000, ..Default::default() };
        let answer = EventsClient::new(self.channel().await?).list_events(request).await?;
        Ok(answer.into_inner().events)
    }

    /// A metric of the coordinator's, summed over the labels not asked for.
    ///
    /// # Errors
    /// If it is not told.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let address = address(self.network, COORDINATOR);
        let value = metric(&format!("{address}:7471"), name, &[]).await?;
        Ok(value.unwrap_or_default())
    }

    /// A metric of an agent's, summed over the labels not asked for.
    ///
    /// # Errors
    /// If it is not told.
    pub async fn agent_metric(&self, host: &str, name: &str, labels: &[&str]) -> Result<f64> {
        let hosts = self.pool.state()?.hosts;
        let host = hosts.iter().find(|h| h.name == host).context("no such host")?;
        let value = metric(&format!("{}:7461", host.address), name, labels).await?;
        Ok(value.unwrap_or_default())
    }

    /// Waits until a task's job is as it should be.
    ///
    /// # Errors
    /// If it does not come to that within [`SOON`].
    pub async fn wait_for_job(&self, task: Uuid, what: &str, is_so: impl Fn(&Job) -> bool) -> Result<Job> {
        let is_so = &is_so;
        wait_for(&format!("the job of {task}: {what}"), SOON, || async move {
            let job = self.job_of(task).await?;
            if is_so(&job) { Ok(Some(job)) } else { bail!("it is {job:#?}") }
        })
        .await
    }

    /// Waits until a task's job has this status.
    ///
    /// # Errors
    /// If it does not come to that within [`SOON`].
    pub async fn wait_for_status(&self, task: Uuid, status: JobStatus) -> Result<Job> {
        self.wait_for_job(task, status.as_str_name(), |job| job.status() == status).await
    }

    /// Looks at all jobs until three further syncs are over: none may change its
    /// status, none may appear.
    ///
    /// # Errors
    /// If one does.
    pub async fn stands_still(&self, during: &str) -> Result<()> {
        self.stands_still_until(during, |_| true).await
    }

    /// The same, and no end before the fault has been felt enough.
    ///
    /// # Errors
    /// If a job changes, or the fault is not felt within [`SOON`].
    pub async fn stands_still_until(&self, during: &str, enough: impl Fn(&State) -> bool) -> Result<()> {
        const SYNCS: &str = "hod_coordinator_syncs_total";
        let third = self.metric(SYNCS).await? + 3.0;
        let before = self.statuses().await?;
        wait_until(&format!("three syncs, {during}"), SOON, || async {
            Ok(self.metric(SYNCS).await? >= third && enough(&self.pool.state()?))
        })
        .await?;
        let now = self.statuses().await?;
        ensure!(now == before, "{during}, {before:?} became {now:?}");
        Ok(())
    }

    async fn statuses(&self) -> Result<BTreeMap<String, JobStatus>> {
        let jobs = self.jobs("").await?;
        Ok(jobs.into_iter().map(|job| (job.job_id.clone(), job.status())).collect())
    }

    /// A host's agent.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn agent(&mut self, host: &str) -> Result<&mut Daemon> {
        self.agents.get_mut(host).with_context(|| format!("no host {host}"))
    }

    /// The coordinator.
    pub fn coordinator(&mut self) -> &mut Daemon {
        &mut self.coordinator
    }

    /// A machine loses its power.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn kill_host(&mut self, host: &str) -> Result<()> {
        self.agent(host)?.kill()?;
        self.pool.kill_host(host)
    }

    /// It comes back.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn return_host(&mut self, host: &str) -> Result<()> {
        self.pool.return_host(host)?;
        self.agent(host)?.start_again()
    }

    /// The coordinator dies (SIGKILL) and starts again; its PostgreSQL lives on.
    ///
    /// # Errors
    /// If it does not serve again.
    pub async fn kill_coordinator(&mut self) -> Result<()> {
        self.coordinator.kill()?;
        self.coordinator.start_again()?;
        self.serves().await
    }

    /// PostgreSQL is struck down where it stands (SIGQUIT), the coordinator lives on.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill_postgresql(&self) -> Result<()> {
        let pid = self.postgresql().context("no PostgreSQL runs")?;
        Ok(kill(pid, Signal::SIGQUIT)?)
    }

    /// The first process of the private PostgreSQL.
    fn postgresql(&self) -> Option<Pid> {
        let pid = self.folder.path().join("state/postgres/data/postmaster.pid");
        let text = fs::read_to_string(pid).ok()?;
        Some(Pid::from_raw(text.lines().next()?.trim().parse().ok()?))
    }

    /// What is left to look at after a failure.
    pub async fn last_words(&self) -> String {
        let mut words = String::new();
        for daemon in self.agents.values().chain([&self.coordinator]) {
            words += &daemon.last_words();
        }
        for event in self.events().await.unwrap_or_default() {
            let at = event.at.unwrap_or_default();
            let at = jiff::Timestamp::new(at.seconds, at.nanos).unwrap_or_default();
            words += &format!("{} {at:.3} {}: {}\n", event.number, event.kind, event.message);
        }
        words
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // So that its PostgreSQL ends with it; one that it left behind is ended here.
        let _ = self.coordinator.end(Duration::from_secs(10));
        if let Some(pid) = self.postgresql() {
            let _ = kill(pid, Signal::SIGQUIT);
        }
    }
}

/// The last part of the coordinator's address.
const COORDINATOR: u8 = 100;

fn address([a, b, c]: [u8; 3], last: u8) -> String {
    format!("{a}.{b}.{c}.{last}")
}

fn agent_args(pool: &ScriptedPool, host: &str, address: &str, folder: &Path) -> Vec<String> {
    let mut args = vec![
        format!("--listen={address}:7460"),
        format!("--metrics-listen={address}:7461"),
        format!("--events-listen={address}:55555"),
        format!("--webhook-listen={address}:7462"),
        format!("--gluster={}", pool.program(host).display()),
        format!("--glusterd-dir={}", pool.glusterd_dir(host).display()),
        format!("--gluster-log-dir={}", pool.log_dir(host).display()),
        format!("--state-dir={}", folder.join(host).display()),
    ];
    args.extend(AGENT_PACES.map(str::to_owned));
    args
}

fn coordinator_args(address: &str, folder: &Path) -> Vec<String> {
    vec![
        format!("--listen={address}:7470"),
        format!("--web-listen={address}:7471"),
        format!("--state-dir={}", folder.join("state").display()),
        "--silent-after=3s".to_owned(),
        "--sync-every=500ms".to_owned(),
    ]
}
