//! The rows of one job: its tasks with what to know, and their hosts.

use hod_proto::coordinator::v1::{Job, Task};

use crate::render::{jobs, short, silence, tasks as words};
use crate::text::Look;
use crate::text::number::{counted, size};
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::{cut, wrapped};
use crate::text::words::{job_status, step_type, task_status, task_type};

use super::board::{Watched, tasks};
use super::hosts::{Hosts, Interest};
use super::row::{BAR, MARK, Mark, NO_MARK, Row};

/// How many rows a warning may take; `hod job` shows the whole of it.
const WARNING_ROWS: usize = 3;

/// What stands around a bar and its figures.
const AROUND: usize = "   / hosts".len();

/// A job's rows.
pub struct Block {
    /// Those that must be there.
    pub head: Vec<Row>,
    /// The hosts, which give way where there is no room.
    pub hosts: Vec<(Interest, Row)>,
    /// The job in a single row, where there is no room for more.
    pub compact: Row,
}

impl Block {
    /// The rows of a job.
    #[must_use]
    pub fn of(watched: &Watched, look: &Look) -> Self {
        let job = &watched.job;
        let mut head = Vec::new();
        let mut hosts = Vec::new();
        let mut compact = None;
        for task in tasks(job) {
            let numbers = numbers(watched, task, look);
            compact.get_or_insert_with(|| task_row(job, task, &numbers, look));
            let of_hosts = Hosts::of(watched, task, look);
            head.push(task_row(job, task, "", look));
            let silent = silence::of_task(task, look);
            for attention in &task.attention {
                head.extend(warning(&silence::told(&attention.text, &silent), look));
            }
            head.extend(of_hosts.all);
            hosts.extend(of_hosts.each);
        }
        let plain = plain_row(job, look);
        if head.is_empty() {
            head.push(plain.clone());
            head.extend(open_step(job, look));
        }
        // A warning says the same in more words.
        let warned = tasks(job).any(|task| !task.attention.is_empty());
        if !job.message.is_empty() && !warned {
            let message = tame(&job.message).replace('\n', " ");
            head.push(Row::new(NO_MARK, 1, &message, look));
        }
        Self { head, hosts, compact: compact.unwrap_or(plain) }
    }
}

fn numbers(watched: &Watched, task: &Task, look: &Look) -> String {
    let Some(counters) = &task.counters else {
        return String::new();
    };
    let mut text = format!("  {}  {}", counted(counters.files, "file"), size(counters.bytes));
    if let Some(rate) = watched.whole_rate(task, look.now) {
        text.push_str(&format!("  {}/s", size(rate)));
    }
    text
}

/// What the task is and how it stands, with its bar. The volume's name gives way.
fn task_row(job: &Job, task: &Task, numbers: &str, look: &Look) -> Row {
    let (status, tone) = task_status(task.status());
    let (ended, needed) = words::ended(&task.parts);
    let id = short(&job.job_id, 8);
    let kind = task_type(task);
    let figures = ended.to_string().len() + needed.to_string().len();
    let room = look.width.unwrap_or(usize::MAX).saturating_sub(MARK + BAR + AROUND + figures);
    let fixed = console::measure_text_width(&format!("{id} {kind}   {status}{numbers}"));
    let volume = cut(&words::volume(task), room.saturating_sub(fixed).max(8));
    let text = format!(
        "{} {kind} {}  {}{numbers}",
        paint(look.color, Tone::Faint, id),
        paint(look.color, Tone::Strong, &volume),
        paint(look.color, tone, status),
    );
    let text = console::truncate_str(&text, room, "…");
    let mut row = Row::new(Mark::of(tone, status == "RUNNING"), 0, &text, look);
    row.bar = (needed > 0).then_some((ended, needed));
    row
}

fn plain_row(job: &Job, look: &Look) -> Row {
    let (status, tone) = job_status(job.status());
    let text = format!(
        "{} {}  {}",
        paint(look.color, Tone::Faint, short(&job.job_id, 8)),
        jobs::description(job).replace('\n', " "),
        paint(look.color, tone, status),
    );
    Row::new(Mark::Working, 0, &text, look)
}

/// The last step that is under way, of a job without a task.
fn open_step(job: &Job, look: &Look) -> Option<Row> {
    let is_open = |status| job_status(status).0 == "STARTED";
    let step = job.steps.iter().rev().find(|step| is_open(step.status()))?;
    let description = tame(&step.description).replace('\n', " ");
    let text = format!("{} {description}", step_type(step.r#type()));
    Some(Row::new(NO_MARK, 1, &text, look))
}

fn warning(text: &str, look: &Look) -> Vec<Row> {
    let width = look.width.map(|width| width.saturating_sub(MARK * 2));
    let text = wrapped(&tame(text), width, "");
    let mut lines: Vec<_> = text.lines().take(WARNING_ROWS).map(str::to_owned).collect();
    if text.lines().count() > WARNING_ROWS
        && let Some(last) = lines.last_mut()
    {
        last.push_str(" …");
    }
    let mut rows: Vec<_> =
        lines.iter().map(|line| Row::new(NO_MARK, 1, &paint(look.color, Tone::Warn, line), look)).collect();
    if let Some(first) = rows.first_mut() {
        first.mark = Mark::Fixed("!", Tone::Warn);
    }
    rows
}
