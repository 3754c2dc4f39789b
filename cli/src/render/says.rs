//! `hod task ID`: one task, and what every host says of it.

use hod_proto::coordinator::v1::host_says::Answer;
use hod_proto::coordinator::v1::{GetTaskResponse, HostSays, Task};
use hod_proto::types::v1::PartStatus;

use crate::text::Look;
use crate::text::age::{length, span};
use crate::text::number::{count, counted, size};
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::{Cell, Fit, Table, cell, toned};
use crate::text::words::{UNKNOWN, part_status, task_status, task_type};

use super::parts::{counter_cells, with_counters};
use super::{NOT_TOLD, attention, tasks};

/// The task's heading, the hosts' answers, and what to know.
#[must_use]
pub fn task(told: &GetTaskResponse, look: &Look) -> String {
    let Some(task) = &told.task else {
        return format!("{UNKNOWN}: the coordinator told nothing of the task.\n");
    };
    let mut text = heading(task, look);
    text.push_str(&format!("  pool  {}\n", tame(&task.pool)));
    if !task.job_id.is_empty() {
        text.push_str(&format!("  job   {}\n", tame(&task.job_id)));
    }
    text.push('\n');
    text.push_str(&answers(&told.says, look));
    text.push_str(&attention::lines(task, look));
    text
}

/// A task in a line; below it its id, and the bricks that it is about.
#[must_use]
pub fn heading(task: &Task, look: &Look) -> String {
    let (word, tone) = task_status(task.status());
    let mut text = format!(
        "{} of {}: {}{}\n  task  {}\n",
        task_type(task),
        tasks::volume(task),
        paint(look.color, tone, word),
        sums(task),
        tame(&task.task_id),
    );
    for brick in &task.bricks {
        text.push_str(&format!("  brick {}\n", tame(&brick.name)));
    }
    text
}

/// ", 3,012 files, 1.2 GiB, 2 failed" as far as told.
fn sums(task: &Task) -> String {
    let Some(counters) = &task.counters else {
        return String::new();
    };
    let mut text = format!(", {}, {}", counted(counters.files, "file"), size(counters.bytes));
    if counters.failed > 0 {
        text.push_str(&format!(", {} failed", count(counters.failed)));
    }
    text
}

fn answers(says: &[HostSays], look: &Look) -> String {
    if says.is_empty() {
        return "No host has said anything of it.\n".to_owned();
    }
    let mut table = with_counters(Table::new().column("HOST", Fit::Cut).column("SAYS", Fit::Whole))
        .column("ASKED", Fit::Whole);
    for host in says {
        let mut row = vec![
            cell(if host.host_name.is_empty() { &host.host_id } else { &host.host_name }),
            answer(host.answer()),
        ];
        row.extend(status_and_counters(host));
        row.push(cell(asked(host)));
        table.row(row);
    }
    let mut text = table.render(look);
    for host in says {
        if !host.message.is_empty() {
            let line = format!("{}: {}", host.host_name, host.message);
            text.push_str(&attention::warning(&line, look));
        }
    }
    text
}

fn answer(answer: Answer) -> Cell {
    match answer {
        Answer::Holds => cell("has it"),
        Answer::HoldsNot => toned(Tone::Warn, "has it not"),
        Answer::Unknown | Answer::Unspecified => toned(Tone::Warn, UNKNOWN),
    }
}

/// A host that says that it has no such task says nothing of status and counters.
fn status_and_counters(host: &HostSays) -> Vec<Cell> {
    let holds = host.answer() == Answer::Holds;
    let ended = host.status() != PartStatus::Unspecified;
    let mut cells = if holds || ended {
        vec![part_status(host.status()).into()]
    } else {
        vec![toned(Tone::Faint, NOT_TOLD)]
    };
    cells.extend(counter_cells(host.counters.as_ref()));
    cells
}

fn asked(host: &HostSays) -> String {
    length(host.age.as_ref()).map_or_else(|| NOT_TOLD.to_owned(), |age| format!("{} ago", span(age)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{counters, disagreeing, look};

    fn says(name: &str, answer: Answer, age: i64) -> HostSays {
        HostSays {
            host_name: name.to_owned(),
            answer: answer.into(),
            age: Some(pbjson_types::Duration { seconds: age, nanos: 0 }),
            ..HostSays::default()
        }
    }

    #[test]
    fn hosts_that_disagree() {
        let mut holds = says("node-a", Answer::Holds, 3);
        holds.status = PartStatus::InProgress.into();
        holds.counters = Some(counters(812, 420_000_000, 0));
        let mut unknown = says("node-c", Answer::Unknown, 130);
        unknown.message = "the agent does not answer: connection refused".to_owned();
        let told = GetTaskResponse {
            task: Some(disagreeing()),
            says: vec![holds, says("node-b", Answer::HoldsNot, 4), unknown],
        };
        insta::assert_snapshot!(task(&told, &look()));
    }

    #[test]
    fn an_empty_answer_is_unknown() {
        let text = task(&GetTaskResponse::default(), &look());
        assert!(text.starts_with(UNKNOWN), "{text}");
    }
}
