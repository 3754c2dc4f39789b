//! Tasks as arrays, one for each column, so that one statement records them all.

use hod_core::change::PutTask;
use hod_core::job::StepType;
use hod_core::task::TaskType;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::convert::{Time, integer, nanoseconds};
use crate::store::describe::{describe_job, describe_step};
use crate::store::error::{Result, StoreError};

/// The arrays as a relation; the first parameter is the pool's id.
macro_rules! planned {
    () => {
        "unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
                $6::text[]::job_status[], $7::text[]::status_transition[],
                $8::text[]::job_status[], $9::text[]::status_transition[],
                $10::text[], $11::text[], $12::text[], $13::text[]::step_type[],
                $14::text[]::task_type[], $15::text[], $16::bool[], $17::bool[], $18::text[]::task_status[],
                $19::uuid[], $20::text[], $21::text[]::jsonb[], $22::timestamptz[], $23::timestamptz[],
                $24::timestamptz[], $25::bool[], $26::int4[], $27::int8[], $28::timestamptz[], $29::timestamptz[],
                $30::timestamptz[])
            AS p (task, job, executing, step,
                  job_status, job_transition,
                  step_status, step_transition,
                  message, job_description, step_description, step_type,
                  type, type_name, fix_layout, reset, status,
                  volume_id, volume_name, attention, found_at, running_at,
                  ended_at, followed, absence_looks, absence_span_ns, absence_since, absence_last, pause_at)"
    };
}
pub(super) use planned;

/// The columns of `planned!`, in its order.
#[derive(Default)]
pub(super) struct Columns<'a> {
    task: Vec<Uuid>,
    job: Vec<Uuid>,
    executing: Vec<Uuid>,
    step: Vec<Uuid>,
    job_status: Vec<&'static str>,
    job_transition: Vec<Option<&'static str>>,
    step_status: Vec<&'static str>,
    step_transition: Vec<Option<&'static str>>,
    message: Vec<&'a str>,
    job_description: Vec<String>,
    step_description: Vec<String>,
    step_type: Vec<&'static str>,
    task_type: Vec<Option<&'static str>>,
    type_name: Vec<Option<&'a str>>,
    fix_layout: Vec<bool>,
    reset: Vec<bool>,
    status: Vec<&'static str>,
    volume: Vec<Uuid>,
    volume_name: Vec<&'a str>,
    attention: Vec<String>,
    found_at: Vec<Time>,
    running_at: Vec<Option<Time>>,
    ended_at: Vec<Option<Time>>,
    followed: Vec<bool>,
    absence_looks: Vec<i32>,
    absence_span: Vec<i64>,
    absence_since: Vec<Option<Time>>,
    absence_last: Vec<Option<Time>>,
    pause_at: Vec<Option<Time>>,
}

impl<'a> Columns<'a> {
    /// # Errors
    /// If a value does not fit its column.
    pub(super) fn of(puts: &[&'a PutTask]) -> Result<Self> {
        let mut columns = Self::default();
        for put in puts {
            columns.add(put)?;
        }
        Ok(columns)
    }

    fn add(&mut self, put: &'a PutTask) -> Result<()> {
        let task = &put.task;
        let task_type = task.task_type.as_ref();
        let attention = serde_json::to_string(&task.attention)
            .map_err(|e| StoreError::Refused(format!("what task {} wants attention for: {e}", task.task)))?;
        self.task.push(task.task.into_untyped_uuid());
        self.job.push(task.job.into_untyped_uuid());
        self.executing.push(task.executing.into_untyped_uuid());
        self.step.push(task.step.into_untyped_uuid());
        self.job_status.push(task.job_status.code());
        self.job_transition.push(put.job.map(|t| t.code()));
        self.step_status.push(task.step_status.code());
        self.step_transition.push(put.step.map(|t| t.code()));
        self.message.push(&task.message);
        self.job_description.push(describe_job(task));
        self.step_description.push(describe_step(task));
        self.step_type.push(StepType::following(task_type).code());
        self.task_type.push(task_type.map(TaskType::code));
        self.type_name.push(match task_type {
            Some(TaskType::Other(name)) => Some(name),
            _ => None,
        });
        self.fix_layout.push(task_type == Some(&TaskType::Rebalance { fix_layout: true }));
        self.reset.push(task_type == Some(&TaskType::ReplaceBrick { reset: true }));
        self.status.push(task.status.code());
        self.volume.push(task.volume.into_untyped_uuid());
        self.volume_name.push(&task.volume_name);
        self.attention.push(attention);
        self.found_at.push(task.found_at.into());
        self.running_at.push(task.running_at.map(Into::into));
        self.ended_at.push(task.ended_at.map(Into::into));
        self.followed.push(task.followed);
        self.absence_looks.push(integer("how often a task was absent", task.absence.looks)?);
        self.absence_span.push(nanoseconds("how long a task was absent", task.absence.span)?);
        self.absence_since.push(task.absence.since.map(Into::into));
        self.absence_last.push(task.absence.last.map(Into::into));
        self.pause_at.push(task.pause.as_ref().map(|p| p.at.into()));
        Ok(())
    }

    /// The parameters of a statement with `planned!`.
    pub(super) fn params<'p>(&'p self, pool: &'p Uuid) -> [&'p (dyn ToSql + Sync); 30] {
        [
            pool,
            &self.task,
            &self.job,
            &self.executing,
            &self.step,
            &self.job_status,
            &self.job_transition,
            &self.step_status,
            &self.step_transition,
            &self.message,
            &self.job_description,
            &self.step_description,
            &self.step_type,
            &self.task_type,
            &self.type_name,
            &self.fix_layout,
            &self.reset,
            &self.status,
            &self.volume,
            &self.volume_name,
            &self.attention,
            &self.found_at,
            &self.running_at,
            &self.ended_at,
            &self.followed,
            &self.absence_looks,
            &self.absence_span,
            &self.absence_since,
            &self.absence_last,
            &self.pause_at,
        ]
    }
}
