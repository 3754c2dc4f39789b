//! What `hod watch` writes where there is no terminal: a line for each change, and
//! one now and then for how far a job is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hod_proto::coordinator::v1::{HostPart, Job, Task};
use jiff::Timestamp;

use crate::render::jobs::{description, volumes};
use crate::render::parts::{known_counters, name, silence};
use crate::render::{short, tasks as words};
use crate::text::Look;
use crate::text::age::since;
use crate::text::number::{count, counted, size};
use crate::text::paint::tame;
use crate::text::words::{job_status, part_status, task_status, task_type};

use super::board::{Board, Change, tasks};

/// How often it is told how far a job is, while nothing else happens.
const EVERY: Duration = Duration::from_secs(10);

/// Writes changes as lines, and knows when each job was last told of.
#[derive(Debug, Default)]
pub struct Lines {
    told_at: BTreeMap<String, Timestamp>,
}

impl Lines {
    /// The lines for a change, each ended.
    pub fn of(&mut self, change: &Change, board: &Board, look: &Look) -> String {
        let mut text = String::new();
        let mut line = |job: &str, what: String| {
            let what = tame(&what).replace('\n', " ");
            text.push_str(&format!("{:.0} {} {what}\n", look.now, short(job, 8)));
        };
        match change {
            Change::Found(job) => {
                self.told_at.insert(job.job_id.clone(), look.now);
                line(&job.job_id, stands(job, board, look));
                for warning in warnings(job) {
                    line(&job.job_id, format!("! {warning}"));
                }
            }
            Change::Told { before, now } => {
                for what in differences(before, now, look) {
                    line(&now.job_id, what);
                }
                let turned = headline(before) != headline(now);
                if turned || self.is_due(now, look.now) {
                    self.told_at.insert(now.job_id.clone(), look.now);
                    line(&now.job_id, stands(now, board, look));
                }
            }
            Change::Ended(job, _) => {
                self.told_at.remove(&job.job_id);
                line(&job.job_id, ended(job));
            }
            Change::Removed(id, was) => {
                self.told_at.remove(id);
                let what = was.as_ref().map_or_else(String::new, |job| format!(" ({})", description(job)));
                line(id, format!("is no more{what}"));
            }
            Change::Complete(_) | Change::Nothing => {}
        }
        text
    }

    fn is_due(&self, job: &Job, now: Timestamp) -> bool {
        let told = self.told_at.get(&job.job_id);
        told.and_then(|&told| since(told, now)).is_none_or(|age| age >= EVERY)
    }
}

/// What of a job is worth a line of its own when it turns.
fn headline(job: &Job) -> (i32, String, Vec<i32>) {
    let statuses = tasks(job).map(|task| task.status).collect();
    (job.status, without_digits(&job.message), statuses)
}

/// A text that only counts on ("silent 2 min", "silent 3 min") says nothing new.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// How a job stands, in a line.
fn stands(job: &Job, board: &Board, look: &Look) -> String {
    let (status, _) = job_status(job.status());
    let what = description(job);
    let mut text = match volumes(job) {
        volumes if what.contains(&volumes) => format!("{what}: {status}"),
        volumes => format!("{what} [{volumes}]: {status}"),
    };
    if !job.message.is_empty() {
        text.push_str(&format!(", {}", job.message));
    }
    for task in tasks(job) {
        text.push_str(&format!("; {}", far(task)));
        let watched = board.job(&job.job_id);
        if let Some(rate) = watched.and_then(|watched| watched.whole_rate(task, look.now)) {
            text.push_str(&format!(", {}/s", size(rate)));
        }
    }
    text
}

/// How far a task is.
fn far(task: &Task) -> String {
    let (status, _) = task_status(task.status());
    let (ended, needed) = words::ended(&task.parts);
    let mut text = format!("{} {status}, ended on {ended} of {}", task_type(task), counted(needed, "host"));
    if let Some(counters) = &task.counters {
        text.push_str(&format!(", {}, {}", counted(counters.files, "file"), size(counters.bytes)));
        if counters.failed > 0 {
            text.push_str(&format!(", {} failed", count(counters.failed)));
        }
    }
    text
}

/// How a job ended, in a line.
#[must_use]
pub fn ended(job: &Job) -> String {
    let (status, _) = job_status(job.status());
    let mut text = format!("{status}: {}", description(job));
    if !job.message.is_empty() {
        text.push_str(&format!(", {}", job.message));
    }
    for task in tasks(job) {
        if let Some(counters) = &task.counters {
            text.push_str(&format!(
                "; {}, {}, {} failed",
                counted(counters.files, "file"),
                size(counters.bytes),
                count(counters.failed)
            ));
        }
    }
    text
}

/// What changed host by host, and what is new to know.
fn differences(before: &Job, now: &Job, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    let old: BTreeMap<_, _> = tasks(before).flat_map(parts).collect();
    for (key, part) in tasks(now).flat_map(parts) {
        let was = old.get(&key).copied();
        let turned = was.is_none_or(|was| {
            was.status != part.status || was.old_since.is_some() != part.old_since.is_some()
        });
        if turned {
            lines.push(host(was, part, look));
        }
    }
    let known: BTreeSet<_> = warnings(before).map(without_digits).collect();
    let new = warnings(now).filter(|warning| !known.contains(&without_digits(warning)));
    lines.extend(new.map(|warning| format!("! {warning}")));
    lines
}

fn parts(task: &Task) -> impl Iterator<Item = ((&str, &str), &HostPart)> {
    task.parts.iter().map(|part| ((task.task_id.as_str(), part.host_id.as_str()), part))
}

fn warnings(job: &Job) -> impl Iterator<Item = &str> {
    tasks(job).flat_map(|task| task.attention.iter().map(|attention| attention.text.as_str()))
}

/// How a host's part turned.
fn host(was: Option<&HostPart>, part: &HostPart, look: &Look) -> String {
    let (status, _) = part_status(part.status());
    let mut text = match was {
        Some(was) if was.status != part.status => {
            format!("{}: {} -> {status}", name(part), part_status(was.status()).0)
        }
        _ => format!("{}: {status}", name(part)),
    };
    if let Some(silence) = silence(part, look) {
        text.push_str(&format!(", {silence}"));
    }
    if let Some(counters) = known_counters(part) {
        text.push_str(&format!(
            ", {}, {}, {} failed",
            counted(counters.files, "file"),
            size(counters.bytes),
            count(counters.failed)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::render::examples::{at, external_job, job_of, look, rebalance};
    use hod_proto::coordinator::v1::JobStatus;
    use hod_proto::coordinator::v1::watch_jobs_response::Event;
    use hod_proto::types::v1::PartStatus;

    fn told(board: &mut Board, lines: &mut Lines, job: Job, look: &Look) -> String {
        let change = board.apply(Event::Job(job));
        lines.of(&change, board, look)
    }

    #[test]
    fn a_rebalance_from_its_finding_to_its_end() {
        let (mut board, mut lines, mut look) = (Board::default(), Lines::default(), look());
        let mut task = rebalance();
        task.attention.clear();
        task.parts[2].old_since = None;
        let mut text = told(&mut board, &mut lines, job_of(task.clone()), &look);

        // Counters alone are told of now and then only.
        task.parts[0].counters.as_mut().unwrap().bytes += 50_000_000;
        task.parts[0].changed_at = at(2);
        look.now += Duration::from_secs(5);
        let soon = told(&mut board, &mut lines, job_of(task.clone()), &look);
        assert_eq!(soon, "");
        look.now += Duration::from_secs(5);
        text += &told(&mut board, &mut lines, job_of(task.clone()), &look);

        look.now += Duration::from_secs(1);
        task.parts[0].status = PartStatus::Completed.into();
        task.parts[2].old_since = at(0);
        task.attention = rebalance().attention;
        let mut job = job_of(task.clone());
        job.message = "waiting for node-c (silent 11 s)".to_owned();
        text += &told(&mut board, &mut lines, job.clone(), &look);

        look.now += Duration::from_secs(1);
        job.set_status(JobStatus::Finished);
        job.message = "with 2 failed".to_owned();
        text += &told(&mut board, &mut lines, job, &look);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_job_of_another_program_and_one_that_is_removed() {
        let (mut board, mut lines) = (Board::default(), Lines::default());
        let mut text = told(&mut board, &mut lines, external_job(), &look());
        let change = board.apply(Event::RemovedJobId(external_job().job_id));
        text += &lines.of(&change, &board, &look());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_message_of_several_lines_is_one_line() {
        let mut job = external_job();
        job.message = "one\ntwo".to_owned();
        let text = Lines::default().of(&Change::Ended(job, Exit::Unknown), &Board::default(), &look());
        assert_eq!(text.lines().count(), 1);
    }
}
