//! `hod tasks`.

use hod_proto::coordinator::v1::{HostPart, SilentHost, Task};

use crate::text::Look;
use crate::text::age::{length, span};
use crate::text::number::{count, size};
use crate::text::paint::{Tone, tame};
use crate::text::table::{Fit, Table, cell, toned};
use crate::text::words::{part_ended, task_status, task_type};

use super::{NOT_TOLD, attention, several, short, short_length, silence};

/// The table of tasks; below it what to know of each, and which hosts could not be
/// asked, since the list may then lack tasks.
#[must_use]
pub fn table(tasks: &[Task], silent: &[SilentHost], look: &Look) -> String {
    let mut text = if tasks.is_empty() { none(silent).to_owned() } else { rows(tasks, look) };
    let length = short_length(tasks.iter().map(|task| task.task_id.as_str()));
    for task in tasks {
        let silent = silence::of_task(task, look);
        for attention in &task.attention {
            let id = short(&task.task_id, length);
            let line = format!("{id}: {}", silence::told(&attention.text, &silent));
            text.push_str(&attention::warning(&line, look));
        }
    }
    for host in silent {
        text.push_str(&attention::warning(&silent_line(host), look));
    }
    text
}

fn none(silent: &[SilentHost]) -> &'static str {
    if silent.is_empty() { "No tasks.\n" } else { "No tasks are known of; not every host could be asked.\n" }
}

fn rows(tasks: &[Task], look: &Look) -> String {
    let pools = several(tasks.iter().map(|task| task.pool.as_str()));
    let length = short_length(tasks.iter().map(|task| task.task_id.as_str()));
    let mut table = Table::new()
        .column("TASK", Fit::Whole)
        .column("POOL", Fit::Cut)
        .column("VOLUME", Fit::Cut)
        .column("TYPE", Fit::Cut)
        .column("STATUS", Fit::Whole)
        .column("ENDED ON", Fit::Whole)
        .numbers("FILES")
        .numbers("SIZE")
        .numbers("FAILED");
    for task in tasks {
        let counters = task.counters.as_ref();
        let failed = counters.map_or(0, |counters| counters.failed);
        table.row([
            cell(short(&task.task_id, length)),
            cell(if pools { task.pool.as_str() } else { "" }),
            cell(volume(task)),
            cell(task_type(task)),
            task_status(task.status()).into(),
            cell(ended_on(&task.parts)),
            cell(counters.map_or(NOT_TOLD.to_owned(), |told| count(told.files))),
            cell(counters.map_or(NOT_TOLD.to_owned(), |told| size(told.bytes))),
            toned(
                if failed > 0 { Tone::Bad } else { Tone::Plain },
                counters.map_or(NOT_TOLD.to_owned(), |told| count(told.failed)),
            ),
        ]);
    }
    table.render(look)
}

/// The volume's name, or its id while no name is known.
#[must_use]
pub fn volume(task: &Task) -> String {
    let volume = if task.volume_name.is_empty() { &task.volume_id } else { &task.volume_name };
    tame(volume)
}

/// On how many of the hosts that must take part it has ended.
#[must_use]
pub fn ended(parts: &[HostPart]) -> (u64, u64) {
    let needed = || parts.iter().filter(|part| part.must_take_part && !part.took_no_part);
    let ended = needed().filter(|part| part_ended(part.status())).count();
    (ended as u64, needed().count() as u64)
}

fn ended_on(parts: &[HostPart]) -> String {
    match ended(parts) {
        (_, 0) => NOT_TOLD.to_owned(),
        (ended, needed) => format!("{ended} of {needed}"),
    }
}

/// Who could not be asked, how long that is so, and why.
fn silent_line(host: &SilentHost) -> String {
    let name = if host.host_name.is_empty() { &host.host_id } else { &host.host_name };
    let how_long =
        length(host.silent_for.as_ref()).map(|length| format!(" for {}", span(length))).unwrap_or_default();
    let why = if host.message.is_empty() { String::new() } else { format!(" ({})", host.message) };
    format!("{name} does not answer{how_long}: tasks may be missing here{why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{disagreeing, look, rebalance, remove_brick};

    #[test]
    fn tasks_and_who_could_not_be_asked() {
        let silent = SilentHost {
            host_name: "node-c".to_owned(),
            silent_for: Some(pbjson_types::Duration { seconds: 130, nanos: 0 }),
            message: "connection refused".to_owned(),
            ..SilentHost::default()
        };
        let tasks = [rebalance(), remove_brick(), disagreeing()];
        insta::assert_snapshot!(table(&tasks, &[silent], &look()));
    }

    #[test]
    fn no_task_is_not_said_while_a_host_is_silent() {
        assert_eq!(table(&[], &[], &look()), "No tasks.\n");
        let text = table(&[], &[SilentHost::default()], &look());
        assert!(text.contains("not every host could be asked"), "{text}");
    }
}
