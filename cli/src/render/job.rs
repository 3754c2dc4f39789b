//! `hod job ID`: the job, the tree of its steps, and the hosts of its tasks.

use hod_proto::coordinator::v1::{Job, Step};

use crate::text::Look;
use crate::text::age::{ago, clock, since, stamp, time};
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::{Fit, Table, cell, wrapped};
use crate::text::words::{job_status, step_type};

use super::jobs::{description, ended, volumes};
use super::{NOT_TOLD, attention, parts, says, silence};

/// Everything there is to see of a job.
#[must_use]
pub fn page(job: &Job, look: &Look) -> String {
    let mut text = paint(look.color, Tone::Strong, &description(job));
    text.push('\n');
    text.push_str(&facts(job, look));
    if !job.steps.is_empty() {
        text.push('\n');
        text.push_str(&steps(&job.steps, look));
    }
    for task in job.steps.iter().filter_map(|step| step.task.as_ref()) {
        text.push('\n');
        text.push_str(&says::heading(task, look));
        text.push_str(&parts::table(task, look));
        text.push_str(&attention::lines(task, look));
    }
    text
}

fn facts(job: &Job, look: &Look) -> String {
    let (word, tone) = job_status(job.status());
    let mut status = paint(look.color, tone, word);
    if !job.message.is_empty() {
        let message = silence::told(&job.message, &silence::of_job(job, look));
        status.push_str(&format!(", {}", tame(&message)));
    }
    let by = match (job.actor.is_empty(), job.external) {
        (true, _) => "not known".to_owned(),
        (false, true) => format!("{} (outside of hod)", tame(&job.actor)),
        (false, false) => tame(&job.actor),
    };
    let facts = [
        ("status", status),
        ("job", tame(&job.job_id)),
        ("pool", tame(&job.pool)),
        ("volume", tame(&volumes(job))),
        ("began", began(job, look)),
        ("ended", ended_at(job, look)),
        ("by", by),
    ];
    let mut text = String::new();
    for (name, value) in facts {
        if !value.is_empty() {
            let line = wrapped(&value, look.width.map(|width| width.saturating_sub(8)), "        ");
            text.push_str(&format!("{name:<8}{line}\n"));
        }
    }
    text
}

fn began(job: &Job, look: &Look) -> String {
    let told = |time| format!("{} ({})", ago(time, look.now), stamp(time));
    match (time(job.started_at.as_ref()), time(job.found_at.as_ref())) {
        (Some(started), _) => told(started),
        (None, Some(found)) => format!("not told; found {}", told(found)),
        (None, None) => NOT_TOLD.to_owned(),
    }
}

fn ended_at(job: &Job, look: &Look) -> String {
    match time(job.ended_at.as_ref()) {
        Some(time) => format!("{} ({})", ago(time, look.now), stamp(time)),
        None if ended(job, look).is_empty() => String::new(),
        None => "not told".to_owned(),
    }
}

/// The tree of steps as a table: each under its parent, in the order of its number.
fn steps(steps: &[Step], look: &Look) -> String {
    let mut table = Table::new()
        .column("STEP", Fit::Whole)
        .column("STATUS", Fit::Whole)
        .column("BEGAN", Fit::Whole)
        .numbers("TOOK")
        .column("WHAT", Fit::Wrap);
    for (branch, step) in tree(steps) {
        table.row([
            cell(format!("{branch}{}", step_type(step.r#type()))),
            job_status(step.status()).into(),
            cell(
                time(step.started_at.as_ref())
                    .map_or_else(|| NOT_TOLD.to_owned(), |began| ago(began, look.now)),
            ),
            cell(took(step)),
            cell(&step.description),
        ]);
    }
    table.render(look)
}

/// From its begin to its end, where both are told.
fn took(step: &Step) -> String {
    let began = time(step.started_at.as_ref());
    let ended = time(step.ended_at.as_ref());
    began.zip(ended).and_then(|(began, ended)| since(began, ended)).map(clock).unwrap_or_default()
}

/// Each step with the branches before it. A step whose parent is not there stands
/// at the top: better there than left out.
fn tree(steps: &[Step]) -> Vec<(String, &Step)> {
    let at_the_top = |step: &&Step| !steps.iter().any(|other| other.step_id == step.parent_step_id);
    let mut rows = Vec::with_capacity(steps.len());
    for step in in_order(steps.iter().filter(at_the_top)) {
        rows.push((String::new(), step));
        below(steps, step, "", &mut rows);
    }
    rows
}

fn below<'a>(steps: &'a [Step], parent: &Step, trunk: &str, rows: &mut Vec<(String, &'a Step)>) {
    let children = in_order(
        steps.iter().filter(|step| step.parent_step_id == parent.step_id && step.step_id != parent.step_id),
    );
    let last = children.len().saturating_sub(1);
    for (index, step) in children.into_iter().enumerate() {
        // A tree is never deeper than it has steps; one that is goes in a circle.
        if rows.len() > steps.len() {
            return;
        }
        let (branch, on) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        rows.push((format!("{trunk}{branch}"), step));
        below(steps, step, &format!("{trunk}{on}"), rows);
    }
}

fn in_order<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<&'a Step> {
    let mut steps: Vec<_> = steps.collect();
    steps.sort_by_key(|step| step.number);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{
        at, disagreeing, external_job, hundred_hosts, job_of, look, rebalance, remove_brick, reset_counters,
    };
    use hod_proto::coordinator::v1::JobStatus;

    #[test]
    fn a_rebalance_that_waits_for_a_host() {
        let mut job = job_of(rebalance());
        job.message = "waiting for node-c: bring it back".to_owned();
        insta::assert_snapshot!(page(&job, &look()));
    }

    #[test]
    fn a_remove_brick_that_awaits_its_commit() {
        let mut job = job_of(remove_brick());
        job.message = "awaiting commit".to_owned();
        job.started_at = None;
        job.actor = "gluster's command line on node-b".to_owned();
        insta::assert_snapshot!(page(&job, &look()));
    }

    #[test]
    fn hosts_that_disagree() {
        insta::assert_snapshot!(page(&job_of(disagreeing()), &look()));
    }

    #[test]
    fn counters_that_were_reset() {
        insta::assert_snapshot!(page(&job_of(reset_counters()), &look()));
    }

    #[test]
    fn a_hundred_hosts_with_long_names() {
        let text = page(&job_of(hundred_hosts()), &look());
        assert!(text.lines().all(|line| console::measure_text_width(line) <= 80));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_job_of_another_program() {
        let mut job = external_job();
        job.status = JobStatus::Failed.into();
        job.ended_at = at(-5);
        insta::assert_snapshot!(page(&job, &look()));
    }

    #[test]
    fn colours_say_nothing_that_words_do_not() {
        let mut painted = look();
        painted.color = true;
        let text = page(&job_of(rebalance()), &painted);
        let bare = console::strip_ansi_codes(&text);
        assert_ne!(bare, text);
        let trimmed: Vec<_> = bare.lines().map(str::trim_end).collect();
        let plain = page(&job_of(rebalance()), &look());
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }

    #[test]
    fn steps_in_a_circle_or_without_their_parent_are_still_shown() {
        let step = |id: &str, parent: &str| Step {
            step_id: id.to_owned(),
            parent_step_id: parent.to_owned(),
            ..Step::default()
        };
        assert_eq!(tree(&[step("a", "gone")]).len(), 1);
        assert!(tree(&[step("top", ""), step("a", "b"), step("b", "a")]).len() <= 3);
    }
}
