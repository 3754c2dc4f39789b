//! A database that goes away and comes back, and a pool that another coordinator takes.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::coordinator::v1::watch_jobs_response::Event;
use tokio::time::timeout;

use crate::support::agent::Fault;
use crate::support::pool::{FakePool, new_task};
use crate::support::world::World;
use crate::support::{DEADLINE, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_database_is_away_is_recorded_and_told_later() {
    let mut world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);
    let job = world.job_with(JobStatus::Started).await;
    let watch = pb::WatchJobsRequest { pool: "shop".into(), ..Default::default() };
    let mut stream = world.jobs().watch_jobs(watch).await.unwrap().into_inner();

    world.stop_database().await;
    pool.rebalance(task, PartStatus::Completed, 9);
    world.start_database().await;
    timeout(DEADLINE, async {
        loop {
            let told = stream.message().await.unwrap().expect("the watch goes on").event;
            if let Some(Event::Job(told)) = told {
                assert_eq!(told.job_id, job.job_id);
                if told.status() == JobStatus::Finished {
                    break;
                }
            }
        }
    })
    .await
    .expect("the end in time");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_freezes_while_the_database_is_away_stops_locked_calls() {
    let mut world = World::new().await;
    let pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    until("the grant", async || (pool.grants.now() == [pool.id(0)]).then_some(())).await;
    world.stop_database().await;
    pool.agents[2].say(|script| script.fault = Fault::Frozen);
    until("the grant to be taken back", async || pool.grants.now().is_empty().then_some(())).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_another_coordinator_took_is_let_go() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    until("the grant", async || (pool.grants.now() == [pool.id(0)]).then_some(())).await;
    let id = world.store.pool("shop").await.unwrap().id;
    world.take(id, "another").await;
    // Whether it writes or makes its round first, it notices.
    until("the agents to be let go", async || pool.grants.now().is_empty().then_some(())).await;
    assert_eq!(world.shop().await.holder, "another");
    world.end().await;
}
