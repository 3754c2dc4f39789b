//! Watches: all that is there, then all that comes.

use std::collections::BTreeMap;

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::coordinator::v1::watch_jobs_response::Event;
use tokio::time::timeout;
use tonic::{Code, Streaming};

use crate::support::pool::{FakePool, new_task};
use crate::support::world::World;
use crate::support::{DEADLINE, until};

async fn next<T>(stream: &mut Streaming<T>) -> T {
    timeout(DEADLINE, stream.message()).await.expect("a message in time").unwrap().expect("no end")
}

async fn next_event(stream: &mut Streaming<pb::WatchJobsResponse>) -> Event {
    next(stream).await.event.unwrap()
}

async fn external(world: &World, description: &str) -> pb::Job {
    let request = pb::AddExternalJobRequest {
        pool: "shop".into(),
        description: description.into(),
        origin: "ansible".into(),
        volume: String::new(),
    };
    world.jobs().add_external_job(request).await.unwrap().into_inner().job.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_there_and_jobs_that_come() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let first = external(&world, "first").await;
    let watch = pb::WatchJobsRequest { pool: "shop".into(), ..Default::default() };
    let mut stream = world.jobs().watch_jobs(watch).await.unwrap().into_inner();
    let Event::Job(job) = next_event(&mut stream).await else { panic!("no job") };
    assert_eq!(job.job_id, first.job_id);
    assert!(matches!(next_event(&mut stream).await, Event::Complete(_)));

    let task = new_task();
    pool.rebalance(task, PartStatus::InProgress, 5);
    let Event::Job(found) = next_event(&mut stream).await else { panic!("no job") };
    assert!(found.external && found.steps.iter().any(|s| s.task.is_some()), "{found:?}");

    pool.rebalance(task, PartStatus::Completed, 9);
    timeout(DEADLINE, async {
        loop {
            match next_event(&mut stream).await {
                Event::Job(job) if job.status() == JobStatus::Finished => break,
                Event::Job(job) => assert_eq!(job.job_id, found.job_id),
                other => panic!("{other:?}"),
            }
        }
    })
    .await
    .expect("the end in time");

    let end = pb::EndExternalJobRequest { job_id: first.job_id.clone(), status: JobStatus::Finished.into() };
    world.jobs().end_external_job(end).await.unwrap();
    let Event::Job(ended) = next_event(&mut stream).await else { panic!("no job") };
    assert_eq!((ended.job_id.as_str(), ended.status()), (first.job_id.as_str(), JobStatus::Finished));
    let clear = pb::ClearExternalJobRequest { job_id: first.job_id.clone() };
    world.jobs().clear_external_job(clear).await.unwrap();
    let Event::RemovedJobId(id) = next_event(&mut stream).await else { panic!("not removed") };
    assert_eq!(id, first.job_id);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_falls_between_the_first_look_and_what_comes() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let watch = pb::WatchJobsRequest { pool: "shop".into(), ..Default::default() };
    // Watches are begun while jobs come, so that some meet each at any moment.
    let (mut made, mut streams) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let description = format!("job {n}");
        let (job, stream) = tokio::join!(external(&world, &description), async {
            world.jobs().watch_jobs(watch.clone()).await.unwrap().into_inner()
        });
        made.push(job.job_id);
        streams.push(stream);
    }
    for stream in &mut streams {
        let mut seen = BTreeMap::new();
        while seen.len() < made.len() {
            if let Event::Job(job) = next_event(stream).await {
                let times = seen.entry(job.job_id).or_insert(0);
                *times += 1;
                assert_eq!(*times, 1, "told twice without a change");
            }
        }
        assert!(made.iter().all(|id| seen.contains_key(id)));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_one_job_tells_of_no_other() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let (one, other) = (external(&world, "one").await, external(&world, "other").await);
    let watch = pb::WatchJobsRequest { job_id: one.job_id.clone(), ..Default::default() };
    let mut stream = world.jobs().watch_jobs(watch).await.unwrap().into_inner();
    let Event::Job(job) = next_event(&mut stream).await else { panic!("no job") };
    assert_eq!(job.job_id, one.job_id);
    assert!(matches!(next_event(&mut stream).await, Event::Complete(_)));
    for job in [&other, &one] {
        let end = pb::EndExternalJobRequest { job_id: job.job_id.clone(), status: JobStatus::Aborted.into() };
        world.jobs().end_external_job(end).await.unwrap();
    }
    let Event::Job(job) = next_event(&mut stream).await else { panic!("no job") };
    assert_eq!((&job.job_id, job.status()), (&one.job_id, JobStatus::Aborted));

    let unknown = "00000000-0000-4000-8000-000000000000";
    let watch = pb::WatchJobsRequest { job_id: unknown.into(), ..Default::default() };
    let status = world.jobs().watch_jobs(watch).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_from_a_number() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    for n in 0..5 {
        external(&world, &format!("job {n}")).await;
    }
    let watch = async |after| {
        let request = pb::WatchEventsRequest { pool: "shop".into(), after };
        world.events().watch_events(request).await.unwrap().into_inner()
    };
    let mut first = watch(0).await;
    for number in 1..=3 {
        assert_eq!(next(&mut first).await.event.unwrap().number, number);
    }
    drop(first);
    let mut resumed = watch(3).await;
    external(&world, "while it is watched").await;
    let mut number = 3;
    loop {
        let event = next(&mut resumed).await.event.unwrap();
        number += 1;
        assert_eq!(event.number, number, "no gap, none twice");
        if event.message.contains("while it is watched") {
            break;
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_stops_ends_its_watches() {
    let mut world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let watch = pb::WatchJobsRequest::default();
    let mut stream = world.jobs().watch_jobs(watch).await.unwrap().into_inner();
    assert!(matches!(next_event(&mut stream).await, Event::Complete(_)));
    let (end, ()) = tokio::join!(timeout(DEADLINE, stream.message()), world.stop());
    let status = end.expect("an end in time").unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    until("the port to be free", async || {
        world.start().await;
        Some(())
    })
    .await;
    world.end().await;
}
