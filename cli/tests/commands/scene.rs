//! A pool with jobs, as a coordinator tells of it.

use hod_proto::coordinator::v1::host_says::Answer;
use hod_proto::coordinator::v1::*;
use hod_proto::types::v1::{Brick, Counters, PartStatus, TaskStatus, TaskType, Volume, VolumeStatus};

use crate::fake::State;

pub(crate) const REBALANCE: &str = "1a2b3c4d-0000-4000-8000-000000000001";
pub(crate) const REMOVE_BRICK: &str = "1a9f3c4d-0000-4000-8000-000000000002";
pub(crate) const BACKUP: &str = "77777777-0000-4000-8000-000000000003";
pub(crate) const OLD: &str = "88888888-0000-4000-8000-000000000004";
pub(crate) const TASK: &str = "7c1a96f0-5f3e-4d5a-9a58-0d2f6f0c1e11";

/// So many seconds from now.
pub(crate) fn at(seconds: i64) -> Option<pbjson_types::Timestamp> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Some(pbjson_types::Timestamp { seconds: i64::try_from(now.as_secs()).unwrap() + seconds, nanos: 0 })
}

pub(crate) fn seconds(seconds: i64) -> Option<pbjson_types::Duration> {
    Some(pbjson_types::Duration { seconds, nanos: 0 })
}

pub(crate) fn counters(files: u64, bytes: u64) -> Counters {
    Counters { files, bytes, scanned: files * 3, run_time: seconds(62), ..Counters::default() }
}

pub(crate) fn part(name: &str, status: PartStatus, counters: Counters) -> HostPart {
    HostPart {
        host_id: format!("id-of-{name}"),
        host_name: name.to_owned(),
        status: status.into(),
        counters: Some(counters),
        changed_at: at(-70),
        must_take_part: true,
        ..HostPart::default()
    }
}

/// node-a has ended, node-b is at work, node-c is silent.
pub(crate) fn rebalance() -> Task {
    let mut silent = part("node-c", PartStatus::InProgress, counters(100, 5000));
    silent.old_since = at(-130);
    Task {
        task_id: TASK.to_owned(),
        r#type: TaskType::Rebalance.into(),
        status: TaskStatus::Running.into(),
        volume_name: "gv0".to_owned(),
        counters: Some(counters(2324, 2_120_005_000)),
        parts: vec![
            part("node-a", PartStatus::Completed, counters(1412, 1_700_000_000)),
            part("node-b", PartStatus::InProgress, counters(812, 420_000_000)),
            silent,
        ],
        pool: "prod".to_owned(),
        job_id: REBALANCE.to_owned(),
        ..Task::default()
    }
}

fn job(id: &str, description: &str, status: JobStatus) -> Job {
    Job {
        job_id: id.to_owned(),
        pool: "prod".to_owned(),
        description: description.to_owned(),
        status: status.into(),
        external: true,
        started_at: at(-130),
        found_at: at(-128),
        subjects: vec![JobSubject {
            volume_id: "11111111-0000-4000-8000-000000000000".to_owned(),
            volume_name: "gv0".to_owned(),
        }],
        ..Job::default()
    }
}

pub(crate) fn rebalance_job() -> Job {
    let step = |id: &str, parent: &str, kind: StepType| Step {
        step_id: id.to_owned(),
        parent_step_id: parent.to_owned(),
        r#type: kind.into(),
        status: JobStatus::Started.into(),
        started_at: at(-130),
        ..Step::default()
    };
    let mut carries = step("step-2", "step-1", StepType::RebalancingVolume);
    carries.task = Some(rebalance());
    let mut job = job(REBALANCE, "Rebalance of gv0", JobStatus::Started);
    job.message = "waiting for node-c: bring it back".to_owned();
    job.steps = vec![step("step-1", "", StepType::Executing), carries];
    job
}

/// A job's task, to be changed.
pub(crate) fn task_of(job: &mut Job) -> &mut Task {
    job.steps[1].task.as_mut().unwrap()
}

/// Ends the rebalance, with so many files failed.
pub(crate) fn end(state: &mut State, status: JobStatus, failed: u64) {
    let mut jobs = state.jobs.iter_mut();
    let job = jobs.find(|job| job.job_id == REBALANCE).unwrap();
    job.set_status(status);
    job.ended_at = at(0);
    job.message.clear();
    let task = task_of(job);
    task.set_status(TaskStatus::Completed);
    task.counters.as_mut().unwrap().failed = failed;
    for part in &mut task.parts {
        part.set_status(PartStatus::Completed);
        part.old_since = None;
    }
}

fn host(name: &str, state: HostState) -> Host {
    Host {
        host_id: format!("id-of-{name}"),
        pool: "prod".to_owned(),
        names: vec![name.to_owned()],
        agent: format!("{name}:7460"),
        gluster_version: "10.3".to_owned(),
        agent_version: "0.1.0".to_owned(),
        state: state.into(),
        since: at(-130),
        ..Host::default()
    }
}

fn event(number: u64, kind: &str, message: &str) -> Event {
    Event {
        pool: "prod".to_owned(),
        number,
        at: at(i64::try_from(number).unwrap() - 100),
        severity: Severity::Info.into(),
        kind: kind.to_owned(),
        message: message.to_owned(),
        volume: "gv0".to_owned(),
        job_id: REBALANCE.to_owned(),
        actor: "hod".to_owned(),
    }
}

pub(crate) fn next_event(state: &State, message: &str) -> Event {
    event(state.events.len() as u64 + 1, "test", message)
}

/// Three hosts, one of them silent; a rebalance at work, and what other jobs there are.
pub(crate) fn prod() -> State {
    let mut silent = host("node-c", HostState::Silent);
    silent.state_message = "connection refused".to_owned();
    let mut asks = host("node-a", HostState::Answering);
    asks.makes_locked_calls = true;
    let mut remove_brick = job(REMOVE_BRICK, "Remove-brick of gv1", JobStatus::Aborted);
    remove_brick.ended_at = at(-60);
    remove_brick.subjects[0].volume_name = "gv1".to_owned();
    let mut backup = job(BACKUP, "Nightly backup", JobStatus::Started);
    backup.origin = "ansible".to_owned();
    backup.subjects.clear();
    let mut old = job(OLD, "Rebalance of gv9", JobStatus::Finished);
    old.ended_at = at(-200_000);
    State {
        pools: vec![Pool {
            pool_id: "00000000-0000-4000-8000-00000000aaaa".to_owned(),
            name: "prod".to_owned(),
            follow: Follow::Normal.into(),
            added_at: at(-7200),
            hosts: 3,
            hosts_answering: 2,
            volumes: 1,
            open_jobs: 2,
            ..Pool::default()
        }],
        hosts: vec![asks, host("node-b", HostState::Answering), silent],
        volumes: vec![PoolVolume {
            pool: "prod".to_owned(),
            volume: Some(Volume {
                name: "gv0".to_owned(),
                kind: "Distribute".to_owned(),
                status: VolumeStatus::Started.into(),
                bricks: vec![Brick::default(); 3],
                ..Volume::default()
            }),
            locked_by_job: REBALANCE.to_owned(),
            ..PoolVolume::default()
        }],
        tasks: vec![GetTaskResponse {
            task: Some(rebalance()),
            says: vec![
                HostSays {
                    host_name: "node-a".to_owned(),
                    answer: Answer::Holds.into(),
                    status: PartStatus::Completed.into(),
                    counters: Some(counters(1412, 1_700_000_000)),
                    age: seconds(3),
                    ..HostSays::default()
                },
                HostSays {
                    host_name: "node-b".to_owned(),
                    answer: Answer::HoldsNot.into(),
                    age: seconds(3),
                    ..HostSays::default()
                },
                HostSays {
                    host_name: "node-c".to_owned(),
                    answer: Answer::Unknown.into(),
                    age: seconds(130),
                    message: "connection refused".to_owned(),
                    ..HostSays::default()
                },
            ],
        }],
        silent: vec![SilentHost {
            host_name: "node-c".to_owned(),
            silent_for: seconds(130),
            message: "connection refused".to_owned(),
            ..SilentHost::default()
        }],
        jobs: vec![rebalance_job(), remove_brick, backup, old],
        events: vec![
            event(1, "pool-added", "pool prod was added"),
            event(2, "host-silent", "node-c does not answer: connection refused"),
            event(3, "task-found", "a rebalance of gv0 was found"),
        ],
        ..State::default()
    }
}
