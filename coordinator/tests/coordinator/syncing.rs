//! What agents tell becomes what is recorded.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::host_says::Answer;
use hod_proto::coordinator::v1::{HostState, JobStatus};
use tonic::Code;

use crate::support::agent::Fault;
use crate::support::pool::{FakePool, new_task};
use crate::support::until;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_found_task_becomes_one_job_and_ends_as_it_ended() {
    let world = World::new().await;
    let pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);

    let job = world.job_with(JobStatus::Started).await;
    assert!(job.external);
    assert_eq!(job.subjects[0].volume_name, "dist");
    let step = job.steps.iter().find(|s| s.task.is_some()).unwrap();
    assert_eq!(step.r#type(), pb::StepType::RebalancingVolume);
    assert_eq!(step.task.as_ref().unwrap().task_id, task.to_string());

    pool.rebalance(task, PartStatus::Completed, 50);
    let job = world.job_with(JobStatus::Finished).await;
    let ended = job.steps.iter().find_map(|s| s.task.as_ref()).unwrap();
    assert_eq!(ended.counters.as_ref().unwrap().files, 150);
    assert_eq!(ended.parts.len(), 3);
    assert!(ended.parts.iter().all(|p| p.counters.as_ref().unwrap().files == 50));
    assert!(world.event_kinds().await.contains(&"task-found".to_owned()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_and_makes_nothing_twice() {
    let mut world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);
    let before = world.job_with(JobStatus::Started).await;
    world.stop().await;
    let events = world.store.events(&events_of(&world).await).await.unwrap().len();

    // It goes on meanwhile, and a new coordinator takes it from there.
    pool.rebalance(task, PartStatus::InProgress, 7);
    world.start().await;
    until("the new counters", async || {
        let jobs = world.all_jobs().await;
        let task = jobs[0].steps.iter().find_map(|s| s.task.clone()).unwrap();
        (task.counters.unwrap().files == 14).then_some(())
    })
    .await;
    let after = world.job_with(JobStatus::Started).await;
    assert_eq!(after.job_id, before.job_id);
    // A restart is no event: neither hosts nor tasks have changed by it.
    assert_eq!(world.store.events(&events_of(&world).await).await.unwrap().len(), events);

    pool.rebalance(task, PartStatus::Completed, 8);
    world.job_with(JobStatus::Finished).await;
    world.end().await;
}

async fn events_of(world: &World) -> hod_coordinator::store::EventFilter {
    hod_coordinator::store::EventFilter {
        pool: world.store.pool("shop").await.unwrap().id,
        from: hod_coordinator::store::EventsFrom::After(0),
        limit: 1000,
        volume: None,
        job: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_agent_harms_only_its_own_host() {
    let world = World::new().await;
    let pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    pool.agents[2].say(|script| script.fault = Fault::Garbage);
    let host = until("the host to be silent", async || {
        let host = world.host(&pool.agents[2]).await;
        (host.state() == HostState::Silent).then_some(host)
    })
    .await;
    assert!(host.state_message.contains("volume.id"), "{host:?}");
    // The others are followed as before.
    pool.rebalance(new_task(), PartStatus::InProgress, 1);
    world.job_with(JobStatus::Started).await;
    assert_eq!(world.host(&pool.agents[0]).await.state(), HostState::Answering);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_host_said_is_shown_with_its_age() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);
    world.job_with(JobStatus::Started).await;
    pool.agents[1].say(|script| script.fault = Fault::Frozen);

    let part = until("the host's part to be old", async || {
        let job = world.job_with(JobStatus::Started).await;
        let task = job.steps.into_iter().find_map(|s| s.task).unwrap();
        let part = task.parts.into_iter().find(|p| p.host_id == pool.id(1).to_string()).unwrap();
        part.old_since.is_some().then_some(part)
    })
    .await;
    assert_eq!(part.counters.unwrap().files, 5);

    let request = pb::GetTaskRequest { task_id: task.to_string() };
    let says = world.tasks().get_task(request).await.unwrap().into_inner().says;
    let of = |n: usize| says.iter().find(|s| s.host_id == pool.id(n).to_string()).unwrap();
    assert_eq!(of(0).answer(), Answer::Holds);
    assert_eq!(of(0).message, "");
    assert_eq!(of(1).answer(), Answer::Holds);
    assert!(of(1).age.as_ref().unwrap().seconds >= 1, "{:?}", of(1));
    assert_ne!(of(1).message, "");

    let listed = world.tasks().list_tasks(pb::ListTasksRequest { pool: "shop".into() }).await;
    let listed = listed.unwrap().into_inner();
    assert_eq!(listed.tasks.len(), 1);
    assert_eq!(listed.silent.len(), 1);
    assert_eq!(listed.silent[0].host_id, pool.id(1).to_string());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_agents_are_gone_stops_no_other() {
    let world = World::new().await;
    let (gone, pool) = (FakePool::start(2).await, FakePool::start(2).await);
    world.add("gone", &gone.address()).await.unwrap();
    world.add_shop(&pool).await;
    drop(gone);
    pool.rebalance(new_task(), PartStatus::InProgress, 1);
    world.job_with(JobStatus::Started).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_changes_writes_nothing() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    pool.rebalance(new_task(), PartStatus::Completed, 5);
    world.job_with(JobStatus::Finished).await;
    let count = async |name: &str| crate::web::metric(&world, name).await;
    let settled = async || {
        let (writes, syncs) = (count("writes_total").await, count("syncs_total").await);
        until("three more syncs", async || (count("syncs_total").await >= syncs + 3).then_some(())).await;
        (count("writes_total").await == writes).then_some(())
    };
    until("nothing to be written", settled).await;
    assert_eq!(count("sync_failures_total").await, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_by_name() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let unknown = "00000000-0000-4000-8000-000000000000";

    let request = pb::ListHostsRequest { pool: "nowhere".into() };
    let status = world.pools().list_hosts(request).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "there is no pool nowhere"));
    let request = pb::GetJobRequest { job_id: unknown.into() };
    let status = world.jobs().get_job(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains(unknown), "{status}");
    let request = pb::GetTaskRequest { task_id: unknown.into() };
    let status = world.tasks().get_task(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let request = pb::ListJobsRequest { volume: "nothing".into(), ..Default::default() };
    let status = world.jobs().list_jobs(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("nothing"), "{status}");

    let request = pb::GetJobRequest { job_id: "7".into() };
    let status = world.jobs().get_job(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for page_size in [-1, 1001] {
        let request = pb::ListJobsRequest { page_size, ..Default::default() };
        let status = world.jobs().list_jobs(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("page_size"), "{status}");
    }
    world.end().await;
}
