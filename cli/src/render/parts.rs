//! The hosts of a task as a table: what each did, and how old that is.

use hod_proto::coordinator::v1::{HostPart, Task};
use hod_proto::types::v1::{Counters, PartStatus};

use crate::text::Look;
use crate::text::age::{ago, clock, length, since, span, time};
use crate::text::number::{count, size};
use crate::text::paint::{Tone, tame};
use crate::text::table::{Cell, Fit, Table, cell, toned};
use crate::text::words::part_status;

use super::NOT_TOLD;
use super::names::{shared_domain, without};

/// The table of a task's hosts, with a line for all of them where there are several.
#[must_use]
pub fn table(task: &Task, look: &Look) -> String {
    if task.parts.is_empty() {
        return "No host is known to take part.\n".to_owned();
    }
    let mut table = with_counters(Table::new().column("HOST", Fit::Cut)).column("CHANGED", Fit::Wrap);
    let parts = sorted(&task.parts);
    let names: Vec<_> = parts.iter().map(|part| name(part)).collect();
    let domain = shared_domain(&names);
    for (part, name) in parts.into_iter().zip(&names) {
        let mut row = vec![cell(without(name, domain)), part_status(part.status()).into()];
        row.extend(counter_cells(known_counters(part)));
        row.push(changed(part, look));
        table.row(row);
    }
    if task.parts.len() > 1 {
        let mut row = vec![toned(Tone::Strong, "all"), cell("")];
        row.extend(counter_cells(task.counters.as_ref()));
        row.push(cell(""));
        table.row(row);
    }
    table.render(look)
}

/// The hosts by name, so that a host stays where it was when it is looked at again.
#[must_use]
pub fn sorted(parts: &[HostPart]) -> Vec<&HostPart> {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|part| (&part.host_name, &part.host_id));
    parts
}

/// The name of a part's host, or its id while no name is known.
#[must_use]
pub fn name(part: &HostPart) -> String {
    let name = if part.host_name.is_empty() { &part.host_id } else { &part.host_name };
    tame(name)
}

/// The counters, unless nothing was ever heard of them: zeros for a host that is
/// UNKNOWN would say that it did nothing.
#[must_use]
pub fn known_counters(part: &HostPart) -> Option<&Counters> {
    let counters = part.counters.as_ref()?;
    let heard = !matches!(part.status(), PartStatus::Unknown | PartStatus::Unspecified)
        || counters != &Counters::default();
    heard.then_some(counters)
}

/// The columns for a status and its counters.
#[must_use]
pub fn with_counters(table: Table) -> Table {
    table
        .column("STATUS", Fit::Whole)
        .numbers("FILES")
        .numbers("SIZE")
        .numbers("SCANNED")
        .numbers("FAILED")
        .numbers("SKIPPED")
        .numbers("RAN")
}

/// The cells for the columns of counters.
#[must_use]
pub fn counter_cells(counters: Option<&Counters>) -> Vec<Cell> {
    let Some(counters) = counters else {
        return vec![toned(Tone::Faint, NOT_TOLD); 6];
    };
    let failed = if counters.failed > 0 { Tone::Bad } else { Tone::Plain };
    vec![
        cell(count(counters.files)),
        cell(size(counters.bytes)),
        cell(count(counters.scanned)),
        toned(failed, count(counters.failed)),
        cell(count(counters.skipped)),
        cell(length(counters.run_time.as_ref()).map_or_else(|| NOT_TOLD.to_owned(), clock)),
    ]
}

/// When the part last changed, or since when what is shown of it is old.
fn changed(part: &HostPart, look: &Look) -> Cell {
    if let Some(silent) = silence(part, look) {
        toned(Tone::Warn, silent)
    } else if part.took_no_part {
        toned(Tone::Warn, "took no part")
    } else {
        cell(
            time(part.changed_at.as_ref())
                .map_or_else(|| NOT_TOLD.to_owned(), |changed| ago(changed, look.now)),
        )
    }
}

/// "silent 2 min", where the host does not answer now.
#[must_use]
pub fn silence(part: &HostPart, look: &Look) -> Option<String> {
    let then = time(part.old_since.as_ref())?;
    Some(match since(then, look.now) {
        Some(length) => format!("silent {}", span(length)),
        None => "silent".to_owned(),
    })
}
