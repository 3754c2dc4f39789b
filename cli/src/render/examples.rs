//! Tasks and jobs as a coordinator tells them, for the tests of what is shown.

use hod_proto::coordinator::v1::{
    Attention, Host, HostPart, HostState, Job, JobStatus, JobSubject, Step, StepType, Task,
};
use hod_proto::types::v1::{Brick, Counters, PartStatus, TaskStatus, TaskType};

use crate::text::Look;

const NOW: i64 = 1_769_860_800;

/// At noon, 80 columns, without colours.
pub(crate) fn look() -> Look {
    Look { now: jiff::Timestamp::from_second(NOW).unwrap(), width: Some(80), color: false }
}

/// So many seconds from noon.
pub(crate) fn at(seconds: i64) -> Option<pbjson_types::Timestamp> {
    Some(pbjson_types::Timestamp { seconds: NOW + seconds, nanos: 0 })
}

pub(crate) fn host(name: &str, state: HostState) -> Host {
    Host {
        pool: "prod".to_owned(),
        names: vec![name.to_owned()],
        agent: format!("{name}:7460"),
        gluster_version: "10.3".to_owned(),
        agent_version: "0.1.0".to_owned(),
        state: state.into(),
        state_message: match state {
            HostState::Answering | HostState::Left => String::new(),
            _ => "connect: connection refused; is hod-agent running there?".to_owned(),
        },
        since: at(-130),
        ..Host::default()
    }
}

pub(crate) fn brick(host: &str, path: &str) -> Brick {
    Brick { path: path.to_owned(), name: format!("{host}:{path}"), ..Brick::default() }
}

pub(crate) fn counters(files: u64, bytes: u64, failed: u64) -> Counters {
    Counters {
        files,
        bytes,
        scanned: files * 3,
        failed,
        skipped: 0,
        run_time: Some(pbjson_types::Duration { seconds: 62, nanos: 0 }),
    }
}

pub(crate) fn part(name: &str, status: PartStatus, counters: Option<Counters>) -> HostPart {
    HostPart {
        host_id: format!("id-of-{name}"),
        host_name: name.to_owned(),
        status: status.into(),
        counters,
        changed_at: at(-3),
        must_take_part: true,
        ..HostPart::default()
    }
}

fn attention(code: &str, text: &str) -> Attention {
    Attention { code: code.to_owned(), text: text.to_owned() }
}

fn task(kind: TaskType, status: TaskStatus, parts: Vec<HostPart>) -> Task {
    let sum = parts.iter().filter_map(|part| part.counters.as_ref()).fold(Counters::default(), |sum, one| {
        Counters {
            files: sum.files + one.files,
            bytes: sum.bytes + one.bytes,
            scanned: sum.scanned + one.scanned,
            failed: sum.failed + one.failed,
            skipped: sum.skipped + one.skipped,
            run_time: one.run_time.or(sum.run_time),
        }
    });
    Task {
        task_id: "7c1a96f0-5f3e-4d5a-9a58-0d2f6f0c1e11".to_owned(),
        r#type: kind.into(),
        status: status.into(),
        volume_name: "gv0".to_owned(),
        counters: Some(sum),
        parts,
        pool: "prod".to_owned(),
        job_id: "1a2b3c4d-0000-5000-8000-000000000001".to_owned(),
        ..Task::default()
    }
}

/// One host has ended, one is at work, one is silent.
pub(crate) fn rebalance() -> Task {
    let mut silent = part("node-c", PartStatus::InProgress, Some(counters(17, 5000, 0)));
    silent.old_since = at(-130);
    let mut task = task(
        TaskType::Rebalance,
        TaskStatus::Running,
        vec![
            part("node-b", PartStatus::InProgress, Some(counters(812, 420_000_000, 0))),
            part("node-a", PartStatus::Completed, Some(counters(1412, 1_700_000_000, 2))),
            silent,
        ],
    );
    task.attention = vec![attention(
        "waiting-for-host",
        "waiting for node-c: bring it back, or abandon the job if it can't come back",
    )];
    task
}

pub(crate) fn remove_brick() -> Task {
    let mut task = task(
        TaskType::RemoveBrick,
        TaskStatus::Completed,
        vec![part("node-b", PartStatus::Completed, Some(counters(3012, 2_000_000, 0)))],
    );
    task.task_id = "aa1a96f0-5f3e-4d5a-9a58-0d2f6f0c1e22".to_owned();
    task.bricks = vec![brick("node-b", "/bricks/b2")];
    task.attention = vec![attention(
        "awaiting-commit",
        "the migration has ended, and Gluster refuses every other task of gv0 until it is \
         committed or stopped: `gluster volume remove-brick gv0 node-b:/bricks/b2 commit`",
    )];
    task
}

/// One host runs it, one does not know it, one was never heard of.
pub(crate) fn disagreeing() -> Task {
    let mut away = part("node-b", PartStatus::Unknown, Some(Counters::default()));
    away.took_no_part = true;
    let mut task = task(
        TaskType::Rebalance,
        TaskStatus::Unknown,
        vec![
            part("node-a", PartStatus::InProgress, Some(counters(812, 420_000_000, 0))),
            away,
            part("node-c", PartStatus::Unknown, None),
        ],
    );
    task.fix_layout = true;
    task.task_id = "bb1a96f0-5f3e-4d5a-9a58-0d2f6f0c1e33".to_owned();
    task.attention = vec![attention(
        "hosts-disagree",
        "node-a runs the task, node-b says that there is none. Stop it on node-a.",
    )];
    task
}

/// A replace-brick has wiped what one host counted, and get-state tells no run time.
pub(crate) fn reset_counters() -> Task {
    let mut wiped = part("node-a", PartStatus::Reset, Some(counters(0, 0, 0)));
    wiped.counters.as_mut().unwrap().run_time = None;
    task(
        TaskType::Rebalance,
        TaskStatus::Completed,
        vec![wiped, part("node-b", PartStatus::Completed, Some(counters(1_234_567, 9_876_543_210_123, 15)))],
    )
}

pub(crate) fn hundred_hosts() -> Task {
    let parts = (0..100)
        .map(|n| {
            let status = if n < 80 { PartStatus::Completed } else { PartStatus::InProgress };
            let name = format!("storage-{n:03}.rack-7.データ.example.com");
            part(&name, status, Some(counters(n * 1000, n * 1_000_000_000, 0)))
        })
        .collect();
    task(TaskType::Rebalance, TaskStatus::Running, parts)
}

pub(crate) fn job(id: &str, status: JobStatus) -> Job {
    Job {
        job_id: id.to_owned(),
        pool: "prod".to_owned(),
        description: "Rebalance of gv0".to_owned(),
        status: status.into(),
        external: true,
        started_at: at(-130),
        found_at: at(-128),
        subjects: vec![JobSubject { volume_id: "id-of-gv0".to_owned(), volume_name: "gv0".to_owned() }],
        ..Job::default()
    }
}

/// An open job that carries the task.
pub(crate) fn job_of(task: Task) -> Job {
    let mut job = job("1a2b3c4d-0000-5000-8000-000000000001", JobStatus::Started);
    let executing = Step {
        step_id: "executing".to_owned(),
        r#type: StepType::Executing.into(),
        status: JobStatus::Started.into(),
        started_at: at(-130),
        number: 1,
        ..Step::default()
    };
    let carries = Step {
        step_id: "carries".to_owned(),
        parent_step_id: "executing".to_owned(),
        r#type: match task.r#type() {
            TaskType::RemoveBrick => StepType::RemovingBricks,
            _ => StepType::RebalancingVolume,
        }
        .into(),
        description: "Rebalance of gv0".to_owned(),
        status: JobStatus::Started.into(),
        started_at: at(-130),
        task: Some(task),
        number: 1,
        ..Step::default()
    };
    job.steps = vec![executing, carries];
    job
}

/// A job that an Ansible play reports, with steps under steps.
pub(crate) fn external_job() -> Job {
    let step = |id: &str, parent: &str, kind: StepType, number, what: &str| Step {
        step_id: id.to_owned(),
        parent_step_id: parent.to_owned(),
        r#type: kind.into(),
        description: what.to_owned(),
        status: JobStatus::Finished.into(),
        external: true,
        started_at: at(-100),
        ended_at: at(-38),
        number,
        ..Step::default()
    };
    let mut job = job("33333333-0000-5000-8000-000000000005", JobStatus::Started);
    job.description = "Nightly backup".to_owned();
    job.origin = "ansible".to_owned();
    job.actor = "backup@node-a".to_owned();
    job.steps = vec![
        step("b", "", StepType::Executing, 2, "Copy what has changed since the last full backup"),
        step("a", "", StepType::Validating, 1, "Is there room?"),
        step("b2", "b", StepType::Executing, 2, "bricks of node-b"),
        step("b1", "b", StepType::Executing, 1, "bricks of node-a"),
        step("b11", "b1", StepType::Validating, 1, ""),
    ];
    job
}
