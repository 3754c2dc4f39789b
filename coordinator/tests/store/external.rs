//! Jobs of other programs, and jobs that are given up.

use hod_coordinator::store::{
    EventFilter, EventsFrom, Job, NewExternalJob, NewExternalStep, Step, Store as _, StoreError,
};
use hod_core::id::{JobId, StepId};
use hod_core::job::{JobStatus, StepType};
use hod_core::task::TaskStatus;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found};

async fn add(world: &World, shop: &Shop) -> Job {
    world.store.add_external_job(new_job(shop)).await.unwrap()
}

fn new_job(shop: &Shop) -> NewExternalJob {
    NewExternalJob {
        pool: shop.pool.id,
        description: "nightly backup".into(),
        origin: "ansible".into(),
        volume: Some("dist".into()),
        actor: "ops".into(),
    }
}

async fn add_step(world: &World, job: &Job, parent: Option<StepId>, description: &str) -> Step {
    world.store.add_external_step(new_step(job.id, parent, description)).await.unwrap()
}

fn new_step(job: JobId, parent: Option<StepId>, description: &str) -> NewExternalStep {
    NewExternalStep {
        job,
        parent,
        step_type: StepType::Executing,
        description: description.into(),
        actor: "ops".into(),
    }
}

fn statuses(job: &Job) -> Vec<(&str, JobStatus)> {
    job.steps.iter().map(|s| (s.description.as_str(), s.status)).collect()
}

#[tokio::test]
async fn a_program_reports_its_job_from_beginning_to_end() {
    use JobStatus::{Failed, Finished, Started};
    let world = World::new().await;
    let shop = world.shop().await;
    let job = add(&world, &shop).await;
    assert_eq!(
        (job.description.as_str(), job.origin.as_str(), job.actor.as_str()),
        ("nightly backup", "ansible", "ops")
    );
    assert_eq!((job.external, job.status, job.started_at), (true, Started, Some(job.found_at)));
    assert_eq!(job.subjects[0].volume, shop.volume);
    let copy = add_step(&world, &job, None, "copy").await;
    let part = add_step(&world, &job, Some(copy.id), "part").await;
    let check = add_step(&world, &job, None, "check").await;
    assert_eq!([copy.number, part.number, check.number], [1, 2, 3]);
    assert_eq!(part.parent, Some(copy.id));
    // A step takes the open ones under it along, and no others.
    let ended = world.store.end_external_step(copy.id, Finished, "ops").await.unwrap();
    assert!(ended.ended_at.is_some());
    let now = world.store.job(job.id).await.unwrap();
    assert_eq!(statuses(&now), [("copy", Finished), ("part", Finished), ("check", Started)]);
    // A job takes its open steps along; what had ended stays as it ended.
    let now = world.store.end_external_job(job.id, Failed, "ops").await.unwrap();
    assert_eq!(statuses(&now), [("copy", Finished), ("part", Finished), ("check", Failed)]);
    assert_eq!(now.status, Failed);
    assert!(now.ended_at.is_some());
    world.store.clear_external_job(job.id, "ops").await.unwrap();
    assert!(matches!(world.store.job(job.id).await, Err(StoreError::NotFound { what: "job", .. })));
    let filter = EventFilter {
        pool: shop.pool.id,
        from: EventsFrom::After(0),
        limit: 0,
        volume: None,
        job: Some(job.id),
    };
    let events = world.store.events(&filter).await.unwrap();
    let told: Vec<_> = events.iter().map(|e| (e.kind.as_str(), e.actor.as_str())).collect();
    let expected = [
        "external-job-added",
        "external-step-added",
        "external-step-added",
        "external-step-added",
        "external-step-ended",
        "external-job-ended",
        "external-job-cleared",
    ];
    assert_eq!(told, expected.map(|kind| (kind, "ops")));
    assert!(events.iter().all(|e| e.volume == Some(shop.volume) || e.kind == "external-job-cleared"));
}

#[tokio::test]
async fn what_a_program_can_not_say_is_refused_by_the_field() {
    let world = World::new().await;
    let shop = world.shop().await;
    let job = add(&world, &shop).await;
    let invalid = |error: StoreError, wrong| {
        assert!(matches!(error, StoreError::Invalid { field, .. } if field == wrong), "{error}");
    };
    let blank = NewExternalJob { description: " \n".into(), ..new_job(&shop) };
    invalid(world.store.add_external_job(blank).await.unwrap_err(), "description");
    invalid(world.store.add_external_step(new_step(job.id, None, "")).await.unwrap_err(), "description");
    let rebalance = NewExternalStep { step_type: StepType::RebalancingVolume, ..new_step(job.id, None, "x") };
    invalid(world.store.add_external_step(rebalance).await.unwrap_err(), "type");
    let step = add_step(&world, &job, None, "copy").await;
    for error in [
        world.store.end_external_step(step.id, JobStatus::Started, "").await.unwrap_err(),
        world.store.end_external_job(job.id, JobStatus::Started, "").await.unwrap_err(),
    ] {
        invalid(error, "status");
    }
    invalid(world.store.abandon_job(job.id, "", " ").await.unwrap_err(), "reason");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (job, step) = (JobId::from_untyped_uuid(Uuid::new_v4()), StepId::from_untyped_uuid(Uuid::new_v4()));
    let there = add(&world, &shop).await;
    let store = &world.store;
    let missing = |error: StoreError, missing| {
        assert!(matches!(&error, StoreError::NotFound { what, .. } if *what == missing), "{error}");
    };
    let nowhere = NewExternalJob { volume: Some("nowhere".into()), ..new_job(&shop) };
    missing(store.add_external_job(nowhere).await.unwrap_err(), "volume");
    missing(store.add_external_step(new_step(job, None, "x")).await.unwrap_err(), "job");
    missing(store.add_external_step(new_step(there.id, Some(step), "x")).await.unwrap_err(), "step");
    missing(store.end_external_step(step, JobStatus::Failed, "").await.unwrap_err(), "step");
    missing(store.end_external_job(job, JobStatus::Failed, "").await.unwrap_err(), "job");
    missing(store.clear_external_job(job, "").await.unwrap_err(), "job");
    missing(store.abandon_job(job, "", "x").await.unwrap_err(), "job");
}

/// What follows a Gluster task ends when the task does, never from outside.
#[tokio::test]
async fn a_gluster_task_is_not_ended_from_outside() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let store = &world.store;
    for error in [
        store.end_external_step(task.step, JobStatus::Finished, "").await.unwrap_err(),
        store.end_external_step(task.executing, JobStatus::Finished, "").await.unwrap_err(),
        store.end_external_job(task.job, JobStatus::Finished, "").await.unwrap_err(),
        store.add_external_step(new_step(task.job, None, "x")).await.unwrap_err(),
        store.clear_external_job(task.job, "").await.unwrap_err(),
    ] {
        assert!(matches!(&error, StoreError::Refused(why) if why.contains(&task.job.to_string())), "{error}");
    }
    assert_eq!(shop.recorded(&world, &task).await, task);
}

#[tokio::test]
async fn what_has_ended_or_is_hods_own_is_left_alone() {
    let world = World::new().await;
    let shop = world.shop().await;
    let store = &world.store;
    let job = add(&world, &shop).await;
    let step = add_step(&world, &job, None, "copy").await;
    store.end_external_step(step.id, JobStatus::Aborted, "").await.unwrap();
    let again = store.end_external_step(step.id, JobStatus::Finished, "").await.unwrap_err();
    let under = store.add_external_step(new_step(job.id, Some(step.id), "x")).await.unwrap_err();
    let open = store.clear_external_job(job.id, "").await.unwrap_err();
    store.end_external_job(job.id, JobStatus::Unknown, "").await.unwrap();
    let late = store.add_external_step(new_step(job.id, None, "x")).await.unwrap_err();
    let twice = store.end_external_job(job.id, JobStatus::Finished, "").await.unwrap_err();
    let given_up = store.abandon_job(job.id, "", "x").await.unwrap_err();
    world.sql.batch_execute("UPDATE jobs SET external = false").await.unwrap();
    let own = store.clear_external_job(job.id, "").await.unwrap_err();
    for error in [again, under, open, late, twice, given_up, own] {
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    assert_eq!(store.job(job.id).await.unwrap().status, JobStatus::Unknown);
}

#[tokio::test]
async fn a_job_that_can_not_end_is_given_up_by_name_and_reason() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let job = world.store.abandon_job(task.job, "ops", "node-c is scrapped").await.unwrap();
    assert_eq!(
        (job.status, job.message.as_str()),
        (JobStatus::Unknown, "abandoned by ops: node-c is scrapped")
    );
    assert!(job.ended_at.is_some());
    assert!(job.steps.iter().all(|s| s.status == JobStatus::Unknown && s.ended_at.is_some()));
    let carried = job.steps[1].task.as_ref().unwrap();
    assert_eq!((carried.record.status, carried.record.abandoned), (TaskStatus::Unknown, true));
    assert!(shop.load(&world, &[]).await.locks.is_empty());
    let event = world.events(shop.pool.id).await.pop().unwrap();
    assert_eq!((event.kind.as_str(), event.actor.as_str()), ("job-abandoned", "ops"));
    assert!(event.message.contains("node-c is scrapped"));
}
