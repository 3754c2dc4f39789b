//! What the coordinator tells, from `hod-core`; and what it is asked, to it.

use std::collections::BTreeMap;

use hod_core::command::problem::Problem;
use hod_core::command::space::BrickPlan;
use hod_core::event::Severity;
use hod_core::id::HostId;
use hod_core::job::{JobStatus, StepType};
use hod_core::record::{Attention, HostRecord, HostState, PartRecord, TaskRecord};
use jiff::Timestamp;

use super::Unreadable;
use super::common::{task_type, timestamp};
use crate::coordinator::v1 as pb;
use crate::types::v1 as types;

impl From<JobStatus> for pb::JobStatus {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Started => Self::Started,
            JobStatus::Finished => Self::Finished,
            JobStatus::Failed => Self::Failed,
            JobStatus::Aborted => Self::Aborted,
            JobStatus::Unknown => Self::Unknown,
        }
    }
}

/// A job's status as it was asked for.
///
/// # Errors
/// Names the field if it is none.
pub fn job_status(field: &'static str, number: i32) -> Result<JobStatus, Unreadable> {
    match pb::JobStatus::try_from(number) {
        Ok(pb::JobStatus::Started) => Ok(JobStatus::Started),
        Ok(pb::JobStatus::Finished) => Ok(JobStatus::Finished),
        Ok(pb::JobStatus::Failed) => Ok(JobStatus::Failed),
        Ok(pb::JobStatus::Aborted) => Ok(JobStatus::Aborted),
        Ok(pb::JobStatus::Unknown) => Ok(JobStatus::Unknown),
        Ok(pb::JobStatus::Unspecified) => Err(Unreadable::new(field, "is missing")),
        Err(_) => Err(Unreadable::new(field, format!("{number} is no job status"))),
    }
}

impl From<StepType> for pb::StepType {
    fn from(step: StepType) -> Self {
        match step {
            StepType::Validating => Self::Validating,
            StepType::Executing => Self::Executing,
            StepType::Finalizing => Self::Finalizing,
            StepType::RebalancingVolume => Self::RebalancingVolume,
            StepType::RemovingBricks => Self::RemovingBricks,
            StepType::ReplacingBrick => Self::ReplacingBrick,
            StepType::UnknownTask => Self::UnknownTask,
        }
    }
}

/// A step's type as it was asked for.
///
/// # Errors
/// Names the field if it is none.
pub fn step_type(field: &'static str, number: i32) -> Result<StepType, Unreadable> {
    match pb::StepType::try_from(number) {
        Ok(pb::StepType::Validating) => Ok(StepType::Validating),
        Ok(pb::StepType::Executing) => Ok(StepType::Executing),
        Ok(pb::StepType::Finalizing) => Ok(StepType::Finalizing),
        Ok(pb::StepType::RebalancingVolume) => Ok(StepType::RebalancingVolume),
        Ok(pb::StepType::RemovingBricks) => Ok(StepType::RemovingBricks),
        Ok(pb::StepType::ReplacingBrick) => Ok(StepType::ReplacingBrick),
        Ok(pb::StepType::UnknownTask) => Ok(StepType::UnknownTask),
        Ok(pb::StepType::Unspecified) => Err(Unreadable::new(field, "is missing")),
        Err(_) => Err(Unreadable::new(field, format!("{number} is no step type"))),
    }
}

impl From<Severity> for pb::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

impl From<HostState> for pb::HostState {
    fn from(state: HostState) -> Self {
        match state {
            HostState::Answering => Self::Answering,
            HostState::GlusterdDown => Self::GlusterdDown,
            HostState::Silent => Self::Silent,
            HostState::Left => Self::Left,
            HostState::Refused => Self::Refused,
        }
    }
}

/// A host as it travels.
#[must_use]
pub fn host(pool: &str, id: HostId, host: &HostRecord, makes_locked_calls: bool) -> pb::Host {
    pb::Host {
        host_id: id.to_string(),
        pool: pool.to_owned(),
        names: host.names.clone(),
        agent: host.agent.clone(),
        gluster_version: host.gluster_version.clone(),
        agent_version: host.agent_version.clone(),
        state: pb::HostState::from(host.state).into(),
        state_message: host.state_message.clone(),
        since: Some(timestamp(host.since)),
        makes_locked_calls,
    }
}

impl From<&Attention> for pb::Attention {
    fn from(attention: &Attention) -> Self {
        Self { code: attention.code.code().to_owned(), text: attention.text.clone() }
    }
}

/// What is known around a task: its pool, and its hosts.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// The pool's name.
    pub pool: &'a str,
    /// The hosts' names.
    pub host_names: BTreeMap<HostId, String>,
    /// The hosts that do not answer now, or whose volume can't be looked at: since when.
    pub old_since: BTreeMap<HostId, Timestamp>,
}

/// A task as it travels.
#[must_use]
pub fn task(task: &TaskRecord, around: &Around<'_>) -> pb::Task {
    let (kind, type_name, fix_layout) = task_type(task.task_type.as_ref());
    let ended = task.status.is_ended() || !task.job_status.is_open();
    pb::Task {
        task_id: task.task.to_string(),
        r#type: kind.into(),
        type_name,
        fix_layout,
        status: types::TaskStatus::from(task.status).into(),
        volume_id: task.volume.to_string(),
        volume_name: task.volume_name.clone(),
        bricks: task
            .bricks
            .iter()
            .map(|b| types::Brick {
                host_id: b.brick.as_ref().map(|b| b.host.to_string()).unwrap_or_default(),
                path: b.name.path().to_owned(),
                name: b.name.as_str().to_owned(),
                arbiter: false,
            })
            .collect(),
        counters: Some(task.counters().into()),
        parts: task.parts.iter().map(|(id, part)| host_part(*id, part, ended, around)).collect(),
        attention: task.attention.iter().map(Into::into).collect(),
        pool: around.pool.to_owned(),
        job_id: task.job.to_string(),
    }
}

/// What a task that has ended came to does not grow old.
fn host_part(id: HostId, part: &PartRecord, ended: bool, around: &Around<'_>) -> pb::HostPart {
    let old = around.old_since.get(&id).filter(|_| !ended);
    pb::HostPart {
        host_id: id.to_string(),
        host_name: around.host_names.get(&id).cloned().unwrap_or_else(|| id.to_string()),
        status: types::PartStatus::from(part.status).into(),
        counters: Some(part.counters.into()),
        changed_at: Some(timestamp(part.changed_at)),
        must_take_part: part.must_take_part,
        took_no_part: part.took_no_part(),
        old_since: old.map(|t| timestamp(*t)),
    }
}

/// Gluster's word for a throttle as it was asked for; `None`: as it is.
///
/// # Errors
/// Names the field if it is none.
pub fn throttle(field: &'static str, number: i32) -> Result<Option<&'static str>, Unreadable> {
    match pb::Throttle::try_from(number) {
        Ok(pb::Throttle::Unspecified) => Ok(None),
        Ok(pb::Throttle::Lazy) => Ok(Some("lazy")),
        Ok(pb::Throttle::Normal) => Ok(Some("normal")),
        Ok(pb::Throttle::Aggressive) => Ok(Some("aggressive")),
        Err(_) => Err(Unreadable::new(field, format!("{number} is no throttle"))),
    }
}

impl From<&Problem> for pb::Problem {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code.to_owned(),
            field: problem.field.to_owned(),
            message: problem.message.clone(),
            advice: problem.advice.clone(),
        }
    }
}

impl From<&BrickPlan> for pb::BrickPlan {
    fn from(plan: &BrickPlan) -> Self {
        Self {
            brick: Some((&plan.brick).into()),
            total_bytes: plan.space.map(|s| s.total),
            free_before: plan.space.map(|s| s.free),
            free_after: plan.free_after,
            goes: plan.goes,
        }
    }
}
