//! Agents that tell more than any pool has: each harms only its own pool, and an operator
//! sees why it is not listened to.

use std::path::Path;

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::{HostState, JobStatus};
use tonic::transport::Channel;

use crate::support::agent::Fault;
use crate::support::hostile::{ALL, Hostility};
use crate::support::pool::{FakePool, new_task};
use crate::support::process::Process;
use crate::support::until;

/// So much memory a coordinator takes at most with ten hostile agents at once: well above what
/// was seen (120 MB). A million empty volumes alone, once read, would take 200 MB.
const MEMORY: usize = 200 << 20;

/// A coordinator as a process of its own, so that what it takes can be told.
struct Hearer {
    process: Process,
    channel: Channel,
}

impl Hearer {
    async fn start(state: &Path) -> Self {
        let process = Process::start(|command| {
            command.args(["--silent-after", "10s"]).arg("--state-dir").arg(state);
        })
        .await;
        Self { channel: process.channel(), process }
    }

    /// The most memory that it ever took, in bytes.
    fn most_memory(&self) -> usize {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    async fn add(&self, name: &str, pool: &FakePool) {
        let request = pb::AddPoolRequest { name: name.into(), agent: pool.address(), follow: 0 };
        PoolsClient::new(self.channel.clone()).add_pool(request).await.unwrap();
    }

    async fn hosts(&self, pool: &str) -> Vec<pb::Host> {
        let request = pb::ListHostsRequest { pool: pool.into() };
        PoolsClient::new(self.channel.clone()).list_hosts(request).await.unwrap().into_inner().hosts
    }

    /// Waits until the pool's only job stands so.
    async fn job_is(&self, pool: &str, status: JobStatus) {
        until(&format!("the job of pool {pool} to be {status:?}"), async || {
            let request = pb::ListJobsRequest { pool: pool.into(), ..Default::default() };
            let jobs =
                JobsClient::new(self.channel.clone()).list_jobs(request).await.unwrap().into_inner().jobs;
            jobs.iter().any(|job| job.status() == status).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_agents_are_refused_and_harm_only_their_own_pools() {
    let state = tempfile::Builder::new().prefix("hod-test-").tempdir().unwrap();
    let coordinator = Hearer::start(state.path()).await;
    let shop = FakePool::start(2).await;
    coordinator.add("shop", &shop).await;
    let mut hostile = Vec::new();
    for (hostility, _) in ALL {
        let pool = FakePool::start(1).await;
        pool.agents[0].say(|script| script.fault = Fault::Hostile(hostility));
        coordinator.add(&format!("{hostility:?}"), &pool).await;
        hostile.push(pool);
    }

    // While all of them tell, the pool beside them is followed.
    let task = new_task();
    shop.rebalance(task, PartStatus::InProgress, 5);
    coordinator.job_is("shop", JobStatus::Started).await;
    for (hostility, reason) in ALL {
        let pool = format!("{hostility:?}");
        until(&format!("{pool} to be told"), async || {
            let host = coordinator.hosts(&pool).await.pop().unwrap();
            // Who sends nonsense is silent; who sends too much is refused.
            let state = match hostility {
                Hostility::Future | Hostility::Ancient | Hostility::Counter => HostState::Silent,
                _ => HostState::Refused,
            };
            (host.state() == state && host.state_message.contains(reason)).then_some(())
        })
        .await;
    }
    shop.rebalance(task, PartStatus::Completed, 9);
    coordinator.job_is("shop", JobStatus::Finished).await;
    let hosts = coordinator.hosts("shop").await;
    assert!(hosts.iter().all(|host| host.state() == HostState::Answering), "{hosts:?}");
    let most = coordinator.most_memory();
    println!("the coordinator took {} MB at most", most >> 20);
    assert!(most < MEMORY, "{} MB", most >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_comes_to_its_senses_is_listened_to_again() {
    let world = crate::support::world::World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    pool.agents[1].say(|script| script.fault = Fault::Hostile(Hostility::Name));
    // Its stream so far was an honest one: only a new one is hostile.
    pool.agents[1].kill();
    let mut pool = pool;
    pool.agents[1].revive().await;
    let state = async |state: HostState| {
        until("the host's state", async || {
            (world.host(&pool.agents[1]).await.state() == state).then_some(())
        })
        .await;
    };
    state(HostState::Refused).await;
    pool.agents[1].say(|script| script.fault = Fault::None);
    state(HostState::Answering).await;
    world.end().await;
}
