//! Several coordinators on one database: they share the pools, replace one that dies,
//! and whichever is asked, the answer is the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hod_coordinator::commands::fault::FaultPoint;
use hod_core::task::PartStatus;
use hod_proto::agent::v1::Lease;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::coordinator::v1::host_says::Answer;
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::tasks_client::TasksClient;
use hod_proto::coordinator::v1::watch_jobs_response::Event;
use hod_proto::coordinator::v1::{HostState, JobStatus};
use nix::sys::signal::Signal;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::support::gluster::Reply;
use crate::support::pool::{FakePool, counters, new_task};
use crate::support::process::Process;
use crate::support::world::World;
use crate::support::{DEADLINE, until};

/// What is promised: within this time another has taken a dead coordinator's pools.
const TAKEN_OVER: Duration = Duration::from_secs(10);

async fn pools(channel: Channel) -> Vec<pb::Pool> {
    PoolsClient::new(channel).list_pools(pb::ListPoolsRequest {}).await.unwrap().into_inner().pools
}

/// How many pools each of these coordinators holds.
async fn shares<const N: usize>(world: &World, holders: [String; N]) -> [usize; N] {
    let pools = pools(world.channel()).await;
    holders.map(|holder| pools.iter().filter(|pool| pool.holder.contains(&holder)).count())
}

/// A client past the coordinators to the tables.
async fn tables(world: &World) -> Client {
    let (client, connection) = tokio_postgres::connect(&world.database(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn epochs(tables: &Client) -> Vec<i64> {
    let rows = tables.query("SELECT epoch FROM pools ORDER BY name", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until every coordinator has made a few rounds.
async fn rounds(tables: &Client) {
    let seen = async || -> Vec<(uuid::Uuid, String)> {
        let query = "SELECT id, seen_at::text FROM coordinators ORDER BY id";
        tables.query(query, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    for _ in 0..3 {
        let before = seen().await;
        until("a round of every coordinator", async || {
            let now = seen().await;
            now.iter().zip(&before).all(|(now, before)| now.1 != before.1).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_are_shared_out_followed_and_given_back_in_good_order() {
    let world = World::new().await;
    let mut hosts = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let pool = FakePool::start(1).await;
        world.add(name, &pool.address()).await.unwrap();
        hosts.push(pool);
    }
    let first = world.grpc().to_string();
    until("all pools to be held", async || (shares(&world, [first.clone()]).await == [4]).then_some(()))
        .await;

    let second = world.another().await;
    let both = [first.clone(), second.address.to_string()];
    until("halves", async || (shares(&world, both.clone()).await == [2, 2]).then_some(())).await;
    assert_eq!(pools(second.channel()).await, pools(world.channel()).await);
    let third = world.another().await;
    let all = [first.clone(), second.address.to_string(), third.address.to_string()];
    until("shares that differ by one", async || {
        let mut shares = shares(&world, all.clone()).await;
        shares.sort_unstable();
        (shares == [1, 1, 2]).then_some(())
    })
    .await;
    let tables = tables(&world).await;
    let before = epochs(&tables).await;
    rounds(&tables).await;
    assert_eq!(epochs(&tables).await, before, "pools move though they are shared out");

    // One that is added at one is followed by whoever is to have it.
    for name in ["e", "f"] {
        let pool = FakePool::start(1).await;
        let request = pb::AddPoolRequest { name: name.into(), agent: pool.address(), follow: 0 };
        PoolsClient::new(third.channel()).add_pool(request).await.unwrap();
        hosts.push(pool);
    }
    until("thirds", async || (shares(&world, all.clone()).await == [2, 2, 2]).then_some(())).await;
    let volumes = async || pools(world.channel()).await.iter().all(|pool| pool.volumes == 1).then_some(());
    until("every pool to be synced", volumes).await;
    // And one that is removed at one is forgotten by all.
    let request = pb::RemovePoolRequest { pool: "e".into() };
    PoolsClient::new(second.channel()).remove_pool(request).await.unwrap();
    until("its agent to be let go", async || hosts[4].grants.now().is_empty().then_some(())).await;

    let begun = Instant::now();
    third.stop().await;
    until("halves again", async || {
        let mut shares = shares(&world, both.clone()).await;
        shares.sort_unstable();
        (shares == [2, 3]).then_some(())
    })
    .await;
    let took = begun.elapsed();
    eprintln!("stopped, given back and taken in {took:?}");
    assert!(
        took < Duration::from_secs(4),
        "given back is taken at once, not after the lease's time: {took:?}"
    );
    second.stop().await;
    until("all by one", async || (shares(&world, [first.clone()]).await == [5]).then_some(())).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_is_asked_the_holder_answers() {
    let mut world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let second = world.another().await;
    let other = FakePool::start(1).await;
    let request = pb::AddPoolRequest { name: "other".into(), agent: other.address(), follow: 0 };
    PoolsClient::new(second.channel()).add_pool(request).await.unwrap();
    let both = [world.grpc().to_string(), second.address.to_string()];
    until("one each", async || (shares(&world, both.clone()).await == [1, 1]).then_some(())).await;

    // The shop is held by the first; the second is asked, and a watch of its tells.
    let watch = pb::WatchJobsRequest { pool: "shop".into(), ..Default::default() };
    let mut watch = JobsClient::new(second.channel()).watch_jobs(watch).await.unwrap().into_inner();
    let start =
        pb::StartRebalanceRequest { pool: "shop".into(), volume: "dist".into(), ..Default::default() };
    let mut request = Request::new(start.clone());
    request.metadata_mut().insert(hod_proto::IDENTITY_KEY, "alice".parse().unwrap());
    let answer = CommandsClient::new(second.channel()).start_rebalance(request).await.unwrap();
    let job = answer.into_inner().receipt.unwrap().job_id;
    assert_eq!(world.job(&job).await.actor, "alice (unverified)");
    assert_eq!(pool.gluster.calls().iter().filter(|c| c.ends_with("start")).count(), 1);
    let told = timeout(DEADLINE, async {
        loop {
            let event = watch.message().await.unwrap().expect("it goes on").event;
            if let Some(Event::Job(told)) = event
                && told.job_id == job
                && told.steps.iter().any(|s| s.task.is_some())
            {
                return told;
            }
        }
    });
    let told = told.await.expect("what the first writes, by the second's watch");
    let task = told.steps.iter().find_map(|s| s.task.clone()).unwrap();

    // A refusal comes back as it is, with its details.
    let status = CommandsClient::new(second.channel()).start_rebalance(start.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    let here = world.commands().start_rebalance(start).await.unwrap_err();
    assert_eq!(status.details(), here.details());
    assert!(
        status.metadata().iter().all(|entry| !format!("{entry:?}").contains("hod-held-by")),
        "{status:?}"
    );

    // What only the holder hears is told by both.
    for channel in [world.channel(), second.channel()] {
        let request = pb::GetTaskRequest { task_id: task.task_id.clone() };
        let says = TasksClient::new(channel.clone()).get_task(request).await.unwrap().into_inner().says;
        assert!(says.len() == 2 && says.iter().all(|s| s.answer() == Answer::Holds), "{says:?}");
        let all = TasksClient::new(channel.clone()).list_tasks(pb::ListTasksRequest::default()).await;
        let all = all.unwrap().into_inner();
        assert_eq!((all.tasks.len(), all.silent.as_slice()), (1, &[][..]));
        let hosts = PoolsClient::new(channel).list_hosts(pb::ListHostsRequest::default()).await.unwrap();
        let hosts = hosts.into_inner().hosts;
        assert_eq!(hosts.len(), 3);
        assert_eq!(hosts.iter().filter(|host| host.makes_locked_calls).count(), 2, "{hosts:?}");
    }
    second.stop().await;
    world.stop().await;
    world.end().await;
}

/// A world whose pool is held by a process, while the world's own coordinator stands by.
async fn held_by_a_process(
    application: &str,
    configure: impl FnOnce(&mut Command),
) -> (World, FakePool, Process) {
    let mut world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    world.stop().await;
    let database = format!("{} application_name={application}", world.database());
    let process = Process::on(&database, configure).await;
    world.start_beside().await;
    until("the process to hear its hosts", async || {
        let shop = world.shop().await;
        (shop.holder.contains(&process.address) && shop.hosts_answering == 2).then_some(())
    })
    .await;
    until("the grant", async || (pool.grants.now() == [pool.id(0)]).then_some(())).await;
    (world, pool, process)
}

async fn taken_over(world: &World) {
    let begun = Instant::now();
    let address = world.grpc().to_string();
    until("the pool to be taken over", async || world.shop().await.holder.contains(&address).then_some(()))
        .await;
    let took = begun.elapsed();
    eprintln!("taken over in {took:?}");
    assert!(took < TAKEN_OVER, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_killed_is_replaced_within_ten_seconds() {
    let (world, pool, process) = held_by_a_process("killed", |_| {}).await;
    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);
    let job = world.job_with(JobStatus::Started).await;
    process.signal(Signal::SIGKILL);
    // Who asks before another has taken the pool is told why nothing was done.
    let stop = pb::StopRebalanceRequest { pool: "shop".into(), volume: "dist".into() };
    let status = world.commands().stop_rebalance(stop).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert!(status.message().contains(&process.address), "{status}");
    taken_over(&world).await;
    pool.rebalance(task, PartStatus::Completed, 9);
    world.job_is(&job.job_id, JobStatus::Finished).await;
    world.end().await;
}

/// Who writes what, by the name that a connection has given itself.
const AUDIT: &str = "
    CREATE TABLE audit (at timestamptz DEFAULT clock_timestamp(), by text, what text);
    CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audit (by, what) VALUES (current_setting('application_name'), TG_TABLE_NAME || ' ' || TG_OP);
        RETURN NULL;
    END $$;
    DO $$
    DECLARE t text;
    BEGIN
        FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'public' AND c.relkind = 'r'
                   AND c.relname NOT IN ('audit', 'coordinators', 'refinery_schema_history')
        LOOP
            EXECUTE format('CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %I
                            FOR EACH STATEMENT EXECUTE FUNCTION audit()', t);
        END LOOP;
    END $$";

async fn written(tables: &Client, by: &str) -> Vec<String> {
    let query = "SELECT what FROM audit WHERE by = $1 ORDER BY at";
    tables.query(query, &[&by]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The coordinator is frozen in the middle of a command, another takes the pool, and
/// the frozen one wakes: it writes nothing more for the pool.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_coordinator_that_wakes_writes_nothing() {
    let (world, pool, process) = held_by_a_process("frozen", |_| {}).await;
    let tables = tables(&world).await;
    tables.batch_execute(AUDIT).await.unwrap();
    let written = async |by: &str| written(&tables, by).await;

    // Gluster is asked, and does not answer until the coordinator is frozen.
    let answer = Arc::new(Notify::new());
    pool.gluster.reply("rebalance start", Reply::Wait(answer.clone()));
    let start =
        pb::StartRebalanceRequest { pool: "shop".into(), volume: "dist".into(), ..Default::default() };
    let receipt = CommandsClient::new(process.channel()).start_rebalance(start).await.unwrap();
    let job = receipt.into_inner().receipt.unwrap().job_id;
    until("Gluster to be asked", async || (!pool.gluster.calls().is_empty()).then_some(())).await;
    assert!(written("frozen").await.iter().any(|what| what == "intentions INSERT"), "the audit sees it");
    process.signal(Signal::SIGSTOP);
    taken_over(&world).await;
    answer.notify_waiters();
    until("the pool to be heard", async || (world.shop().await.hosts_answering == 2).then_some(())).await;
    // What was begun comes to one end by Gluster's own state: the task is there.
    world.task_is(&job, hod_proto::types::v1::TaskStatus::Running).await;
    let before = written("frozen").await;

    process.signal(Signal::SIGCONT);
    // It is there again, has had its answer, and has looked at the pool again and again.
    rounds(&tables).await;
    pool.gluster.parts(PartStatus::Completed, counters(7));
    world.job_is(&job, JobStatus::Finished).await;
    rounds(&tables).await;
    assert_eq!(written("frozen").await, before, "it wrote after another had taken the pool");
    assert!(world.shop().await.holder.contains(&world.grpc().to_string()));
    assert_eq!(pool.gluster.calls().iter().filter(|c| c.ends_with("start")).count(), 1);
    let request = pb::GetJobRequest { job_id: job };
    let told = JobsClient::new(process.channel()).get_job(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!(told.status(), JobStatus::Finished);
    drop(process);
    world.end().await;
}

/// The coordinator is frozen in the one moment in which nothing of its own holds it back:
/// after its last look at its lease, before it asks. When it wakes the agent does.
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_was_frozen_as_it_was_about_to_ask_is_refused() {
    let freezes = |c: &mut Command| {
        c.env("HOD_COORDINATOR_FREEZE_POINT", FaultPoint::Prepared.name());
    };
    let (world, pool, process) = held_by_a_process("fenced", freezes).await;
    let tables = tables(&world).await;
    tables.batch_execute(AUDIT).await.unwrap();
    let start =
        pb::StartRebalanceRequest { pool: "shop".into(), volume: "dist".into(), ..Default::default() };
    // It may be frozen before it has answered.
    let asking = CommandsClient::new(process.channel());
    let asking = tokio::spawn(async move { { asking }.start_rebalance(start).await });
    until("it to be frozen", async || process.is_frozen().then_some(())).await;
    let epoch = epochs(&tables).await[0];
    taken_over(&world).await;
    let told = || pool.agents.iter().all(|agent| agent.fence.highest() > epoch);
    until("every agent to hear of it", async || told().then_some(())).await;
    let before = written(&tables, "fenced").await;
    assert!(before.iter().any(|what| what == "intentions INSERT"), "{before:?}");

    process.signal(Signal::SIGCONT);
    let refused = || pool.agents.iter().map(|agent| agent.fence.refused()).sum::<usize>();
    until("it to be refused", async || (refused() > 0).then_some(())).await;
    // The new holder settles what it had opened, by what Gluster tells: nothing was run.
    let jobs = world.all_jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let job = jobs[0].job_id.clone();
    let ended = world.job_is(&job, JobStatus::Failed).await;
    assert!(ended.message.contains("never started"), "{ended:?}");
    rounds(&tables).await;
    assert_eq!(pool.gluster.calls(), Vec::<String>::new());
    assert_eq!(written(&tables, "fenced").await, before, "it wrote after another had taken the pool");
    let start =
        pb::StartRebalanceRequest { pool: "shop".into(), volume: "dist".into(), ..Default::default() };
    world.commands().start_rebalance(start).await.unwrap();
    asking.abort();
    drop(process);
    world.end().await;
}

/// A database that was restored has an older epoch than agents were told. An operator sees
/// it at each host, and what is written in docs/OPERATIONS.md mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_record_is_told_and_mended() {
    let world = World::new().await;
    let mut pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let tables = tables(&world).await;
    let row = tables.query_one("SELECT id::text FROM pools", &[]).await.unwrap();
    for agent in &mut pool.agents {
        agent.fence.pass(Some(&Lease { pool_id: row.get(0), epoch: 1000 })).unwrap();
        agent.kill();
        agent.revive().await;
    }
    for agent in &pool.agents {
        until("the host to be refused", async || {
            let host = world.host(agent).await;
            let told = ["fenced", "epoch 1000", "Fencing"].iter().all(|w| host.state_message.contains(w));
            (host.state() == HostState::Refused && told).then_some(())
        })
        .await;
    }
    tables.execute("UPDATE pools SET epoch = 1000 WHERE name = 'shop'", &[]).await.unwrap();
    until("all to answer", async || (world.shop().await.hosts_answering == 2).then_some(())).await;
    let start =
        pb::StartRebalanceRequest { pool: "shop".into(), volume: "dist".into(), ..Default::default() };
    world.commands().start_rebalance(start).await.unwrap();
    until("Gluster to be asked", async || (pool.gluster.calls().len() == 1).then_some(())).await;
    world.end().await;
}
