//! Looking into jobs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use hod_proto::coordinator::v1::{Job, Task};
use hod_proto::types::v1::TaskStatus;

use super::told::Part;

/// The job's Gluster task.
pub fn task(job: &Job) -> Result<&Task> {
    job.steps.iter().find_map(|step| step.task.as_ref()).with_context(|| format!("no task: {job:?}"))
}

/// Whether an operator is told this of the job's task.
pub fn tells(job: &Job, code: &str) -> bool {
    task(job).is_ok_and(|task| task.attention.iter().any(|attention| attention.code == code))
}

/// How many files the job's task has moved, in all its runs.
pub fn moved(job: &Job) -> Result<u64> {
    Ok(task(job)?.counters.unwrap_or_default().files)
}

/// Whether the job's task is paused.
pub fn is_paused(job: &Job) -> bool {
    task(job).is_ok_and(|task| task.status() == TaskStatus::Paused)
}

/// What is recorded of the hosts that Gluster printed something of, for comparing the two.
pub fn parts(job: &Job) -> Result<BTreeMap<String, Part>> {
    let parts = task(job)?.parts.iter().filter(|part| part.must_take_part);
    Ok(parts
        .map(|part| {
            let counters = part.counters.unwrap_or_default();
            let status = part.status().as_str_name().trim_start_matches("PART_STATUS_");
            let part_told = Part {
                files: counters.files,
                bytes: counters.bytes,
                scanned: counters.scanned,
                failed: counters.failed,
                skipped: counters.skipped,
                status: status.to_lowercase().replace('_', " "),
            };
            (part.host_id.clone(), part_told)
        })
        .collect())
}
