//! `hod jobs`: a row a job, with what it waits for or how it ended.

use std::collections::BTreeMap;

use hod_proto::coordinator::v1::{Job, JobStatus};

use crate::text::Look;
use crate::text::age::{ago, time};
use crate::text::paint::tame;
use crate::text::table::{Fit, Table, cell};
use crate::text::words::job_status;

use super::silence::{self, Silent};
use super::{NOT_TOLD, several, short, short_length};

/// The table of jobs, with how long the hosts that a job waits for have been silent:
/// by job's id, as far as known.
#[must_use]
pub fn table(jobs: &[Job], silent: &BTreeMap<String, Vec<Silent>>, look: &Look) -> String {
    let pools = several(jobs.iter().map(|job| job.pool.as_str()));
    let length = short_length(jobs.iter().map(|job| job.job_id.as_str()));
    let mut table = Table::new()
        .column("JOB", Fit::Whole)
        .column("POOL", Fit::Cut)
        .column("STATUS", Fit::Whole)
        .column("VOLUME", Fit::Cut)
        .column("BEGAN", Fit::Whole)
        .column("ENDED", Fit::Whole)
        .column("WHAT", Fit::Wrap);
    for job in jobs {
        table.row([
            cell(short(&job.job_id, length)),
            cell(if pools { job.pool.as_str() } else { "" }),
            job_status(job.status()).into(),
            cell(volumes(job)),
            cell(began(job, look)),
            cell(ended(job, look)),
            cell(what(job, silent.get(&job.job_id).map_or(&[], Vec::as_slice))),
        ]);
    }
    if table.is_empty() {
        return String::new();
    }
    table.render(look)
}

/// The names of the volumes that a job is about.
#[must_use]
pub fn volumes(job: &Job) -> String {
    let names = job.subjects.iter().map(|subject| {
        if subject.volume_name.is_empty() { subject.volume_id.as_str() } else { subject.volume_name.as_str() }
    });
    names.collect::<Vec<_>>().join(", ")
}

/// When it began; where Gluster does not tell, when it was found.
#[must_use]
pub fn began(job: &Job, look: &Look) -> String {
    let found = || time(job.found_at.as_ref()).map(|found| format!("found {}", ago(found, look.now)));
    time(job.started_at.as_ref())
        .map(|started| ago(started, look.now))
        .or_else(found)
        .unwrap_or_else(|| NOT_TOLD.to_owned())
}

/// When it was seen to end; empty while it is open, a dash where it was found ended.
#[must_use]
pub fn ended(job: &Job, look: &Look) -> String {
    match time(job.ended_at.as_ref()) {
        Some(ended) => ago(ended, look.now),
        None if matches!(job.status(), JobStatus::Started | JobStatus::Unspecified) => String::new(),
        None => NOT_TOLD.to_owned(),
    }
}

/// The description, and on a line of its own what it waits for or how it ended.
fn what(job: &Job, silent: &[Silent]) -> String {
    let mut text = description(job);
    if !job.message.is_empty() {
        text.push('\n');
        text.push_str(&tame(&silence::told(&job.message, silent)));
    }
    text
}

/// What the job is, with the program that reported it.
#[must_use]
pub fn description(job: &Job) -> String {
    let text = tame(&job.description);
    if job.origin.is_empty() { text } else { format!("{text} ({})", tame(&job.origin)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{at, job, look};

    fn jobs() -> Vec<Job> {
        let mut waiting = job("1a2b3c4d-0000-5000-8000-000000000001", JobStatus::Started);
        waiting.message = "waiting for node-c: bring it back".to_owned();
        let mut ended = job("1a2b3c4d-1000-5000-8000-000000000002", JobStatus::Finished);
        ended.started_at = None;
        ended.ended_at = at(-30);
        ended.message = "with 15 failed".to_owned();
        let mut found = job("9f8e7d6c-0000-5000-8000-000000000003", JobStatus::Unknown);
        found.started_at = None;
        found.subjects[0].volume_name = "a-volume-with-a-name-that-goes-on-and-on-日本語".to_owned();
        found.message = "no host lists the task any more, and nothing tells how it ended".to_owned();
        let mut backup = job("22222222-0000-5000-8000-000000000004", JobStatus::Started);
        backup.description = "Nightly backup".to_owned();
        backup.origin = "ansible".to_owned();
        backup.subjects.clear();
        vec![waiting, ended, found, backup]
    }

    fn silent() -> BTreeMap<String, Vec<Silent>> {
        let silent = vec![("node-c".to_owned(), "silent 2 min".to_owned())];
        BTreeMap::from([(jobs()[0].job_id.clone(), silent)])
    }

    #[test]
    fn jobs_tell_what_they_wait_for() {
        insta::assert_snapshot!(table(&jobs(), &silent(), &look()));
    }

    #[test]
    fn where_there_is_no_terminal_nothing_is_cut() {
        let mut wide = look();
        wide.width = None;
        let mut jobs = jobs();
        jobs[3].pool = "lab".to_owned();
        insta::assert_snapshot!(table(&jobs, &silent(), &wide));
    }
}
