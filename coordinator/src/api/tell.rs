//! What the store holds, as it travels.

use hod_proto::convert::common::timestamp;
use hod_proto::convert::coordinator::{Around, task as told_task};
use hod_proto::coordinator::v1 as pb;

use super::ages::Ages;
use crate::store::{Event, Follow, Job, Pool, PoolVolume, Step, Task, VolumeWindow};

pub(super) fn pool(pool: Pool) -> pb::Pool {
    let follow = match pool.follow {
        Follow::Normal => pb::Follow::Normal,
        Follow::Quiet => pb::Follow::Quiet,
    };
    pb::Pool {
        pool_id: pool.id.to_string(),
        name: pool.name,
        follow: follow.into(),
        added_at: Some(timestamp(pool.added_at)),
        hosts: pool.hosts,
        hosts_answering: pool.hosts_answering,
        volumes: pool.volumes,
        open_jobs: pool.open_jobs,
        holder: pool.holder,
    }
}

pub(super) fn volume(volume: PoolVolume, windows: Vec<VolumeWindow>) -> pb::PoolVolume {
    let (trouble, since) = volume.record.trouble.unzip();
    pb::PoolVolume {
        pool: volume.pool_name,
        volume: Some((&volume.record.volume).into()),
        locked_by_job: volume.locked_by.map(|id| id.to_string()).unwrap_or_default(),
        trouble: trouble.unwrap_or_default(),
        trouble_since: since.map(timestamp),
        windows: windows.into_iter().map(window).collect(),
    }
}

fn window(window: VolumeWindow) -> pb::Window {
    pb::Window { weekdays: window.weekdays, begin: window.begin, end: window.end, time_zone: window.zone }
}

pub(super) fn job(job: Job, ages: &Ages) -> pb::Job {
    pb::Job {
        job_id: job.id.to_string(),
        pool: job.pool_name,
        description: job.description,
        status: pb::JobStatus::from(job.status).into(),
        external: job.external,
        started_at: job.started_at.map(timestamp),
        found_at: Some(timestamp(job.found_at)),
        ended_at: job.ended_at.map(timestamp),
        actor: job.actor,
        message: job.message,
        subjects: job
            .subjects
            .into_iter()
            .map(|s| pb::JobSubject { volume_id: s.volume.to_string(), volume_name: s.name })
            .collect(),
        steps: job.steps.into_iter().map(|s| step(s, ages)).collect(),
        origin: job.origin,
    }
}

pub(super) fn step(step: Step, ages: &Ages) -> pb::Step {
    pb::Step {
        step_id: step.id.to_string(),
        parent_step_id: step.parent.map(|id| id.to_string()).unwrap_or_default(),
        r#type: pb::StepType::from(step.step_type).into(),
        description: step.description,
        status: pb::JobStatus::from(step.status).into(),
        external: step.external,
        started_at: step.started_at.map(timestamp),
        ended_at: step.ended_at.map(timestamp),
        task: step.task.map(|t| task(&t, ages)),
        number: step.number,
    }
}

pub(super) fn task(task: &Task, ages: &Ages) -> pb::Task {
    let around =
        Around { pool: &task.pool_name, host_names: task.host_names.clone(), old_since: ages.of(task) };
    told_task(&task.record, &around)
}

pub(super) fn event(event: Event) -> pb::Event {
    pb::Event {
        pool: event.pool_name,
        number: event.number,
        at: Some(timestamp(event.at)),
        severity: pb::Severity::from(event.severity).into(),
        kind: event.kind,
        message: event.message,
        volume: event.volume_name,
        job_id: event.job.map(|id| id.to_string()).unwrap_or_default(),
        actor: event.actor,
    }
}
