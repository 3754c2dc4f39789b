//! Jobs that other programs report, and who reports them.

use hod_proto::IDENTITY_KEY;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::{JobStatus, StepType};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::support::pool::FakePool;
use crate::support::world::World;

fn new_job(description: &str) -> pb::AddExternalJobRequest {
    pb::AddExternalJobRequest {
        pool: "shop".into(),
        description: description.into(),
        origin: "ansible".into(),
        volume: "dist".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_its_steps_from_beginning_to_end() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let mut request = Request::new(new_job("Updating the hosts"));
    request.metadata_mut().insert(IDENTITY_KEY, "alice".parse().unwrap());
    let job = world.jobs().add_external_job(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!(job.actor, "alice (unverified)");
    assert_eq!(job.subjects[0].volume_name, "dist");

    let step = pb::AddExternalStepRequest {
        job_id: job.job_id.clone(),
        parent_step_id: String::new(),
        r#type: StepType::Executing.into(),
        description: "Host by host".into(),
    };
    let step = world.jobs().add_external_step(step).await.unwrap().into_inner().step.unwrap();
    let end = pb::EndExternalStepRequest { step_id: step.step_id, status: JobStatus::Finished.into() };
    world.jobs().end_external_step(end).await.unwrap();
    let end = pb::EndExternalJobRequest { job_id: job.job_id.clone(), status: JobStatus::Finished.into() };
    let ended = world.jobs().end_external_job(end).await.unwrap().into_inner().job.unwrap();
    assert_eq!(ended.status(), JobStatus::Finished);
    assert!(ended.steps.iter().all(|s| s.status() == JobStatus::Finished), "{ended:?}");

    let request = pb::ListEventsRequest { pool: "shop".into(), job_id: job.job_id, ..Default::default() };
    let events = world.events().list_events(request).await.unwrap().into_inner().events;
    assert_eq!(events[0].actor, "alice (unverified)");
    assert_eq!(events.last().unwrap().actor, "anonymous");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_its_field() {
    let world = World::new().await;
    let pool = FakePool::start(1).await;
    world.add_shop(&pool).await;
    let status = world.jobs().add_external_job(new_job(" \t")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "description");

    let job = world.jobs().add_external_job(new_job("one")).await.unwrap().into_inner().job.unwrap();
    for status in [0, JobStatus::Started.into(), 99] {
        let end = pb::EndExternalJobRequest { job_id: job.job_id.clone(), status };
        let refused = world.jobs().end_external_job(end).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "status");
    }
    let step = pb::AddExternalStepRequest {
        job_id: job.job_id.clone(),
        parent_step_id: String::new(),
        r#type: StepType::RebalancingVolume.into(),
        description: "not another program's".into(),
    };
    let refused = world.jobs().add_external_step(step).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let clear = pb::ClearExternalJobRequest { job_id: job.job_id };
    let refused = world.jobs().clear_external_job(clear).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    world.end().await;
}
