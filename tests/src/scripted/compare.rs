//! A job held against what the scripted hosts know they did.

use anyhow::{Context as _, Result, ensure};
use hod_proto::coordinator::v1::{HostPart, Job, Task};
use hod_proto::types::v1::Counters as Told;

use super::pool::ScriptedPool;
use super::state::Counters;

/// The task that a job follows.
///
/// # Errors
/// If no step of it follows one.
pub fn task_of(job: &Job) -> Result<&Task> {
    job.steps.iter().find_map(|step| step.task.as_ref()).context("a job without a task")
}

/// A host's part of a job's task.
///
/// # Errors
/// If there is none.
pub fn part<'j>(pool: &ScriptedPool, job: &'j Job, host: &str) -> Result<&'j HostPart> {
    let id = pool.host_id(host)?.to_string();
    let mut parts = task_of(job)?.parts.iter();
    parts.find(|part| part.host_id == id).with_context(|| format!("{host} has no part"))
}

/// Whether something about a job wants attention.
#[must_use]
pub fn attention(job: &Job, code: &str) -> bool {
    task_of(job).is_ok_and(|task| task.attention.iter().any(|a| a.code == code))
}

/// For these hosts the job's counters are what the host's process did last.
///
/// # Errors
/// If they are not.
pub fn same_counters(pool: &ScriptedPool, job: &Job, volume: &str, hosts: &[&str]) -> Result<()> {
    for host in hosts {
        let did = pool.view(volume, host)?.live;
        let part = part(pool, job, host)?;
        let told = part.counters.as_ref().with_context(|| format!("{host} has no counters"))?;
        ensure!(same(&did, told), "{host} did {did:?}, the job tells {told:?}");
    }
    Ok(())
}

fn same(did: &Counters, told: &Told) -> bool {
    (did.files, did.size, did.lookups, did.failures, did.skipped)
        == (told.files, told.bytes, told.scanned, told.failed, told.skipped)
}
