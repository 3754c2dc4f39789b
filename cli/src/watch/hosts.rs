//! The rows of a task's hosts, one under the other, and of all of them together.

use hod_proto::coordinator::v1::{HostPart, Task};
use hod_proto::types::v1::{Counters, PartStatus};

use crate::render::NOT_TOLD;
use crate::render::names::{shared_domain, without};
use crate::render::parts::{known_counters, name, silence, sorted};
use crate::text::Look;
use crate::text::age::{clock, length};
use crate::text::number::{count, counted, size};
use crate::text::paint::{Tone, paint};
use crate::text::table::cut;
use crate::text::words::{part_ended, part_status};

use super::board::Watched;
use super::row::{Mark, NO_MARK, Row};

/// The order in which hosts give way where there is no room for all: the last first.
pub type Interest = u8;

/// How long a host's name may be.
const NAME: usize = 20;

/// Name, status, files, bytes, rate, run time, and failed files.
type Cells = [(Tone, String); 7];

/// The rows of a task's hosts.
pub struct Hosts {
    /// The sums, where there are several hosts.
    pub all: Option<Row>,
    /// Each host, by name.
    pub each: Vec<(Interest, Row)>,
}

impl Hosts {
    /// The hosts of a task.
    #[must_use]
    pub fn of(watched: &Watched, task: &Task, look: &Look) -> Self {
        let parts = sorted(&task.parts);
        let names: Vec<_> = parts.iter().map(|part| name(part)).collect();
        let domain = shared_domain(&names);
        let mut cells: Vec<_> = parts
            .iter()
            .zip(&names)
            .map(|(part, name)| host_cells(watched, task, part, without(name, domain), look))
            .collect();
        let several = parts.len() > 1;
        if several {
            cells.push(sums(watched, task, look));
        }
        let mut texts = aligned(cells, look);
        let all = several.then(|| texts.pop()).flatten();
        let each = parts.into_iter().zip(texts).map(|(part, text)| {
            let (_, tone) = part_status(part.status());
            let works = part.status() == PartStatus::InProgress && part.old_since.is_none();
            (interest(part), Row::new(Mark::of(tone, works), 1, &text, look))
        });
        Self { all: all.map(|text| Row::new(NO_MARK, 1, &text, look)), each: each.collect() }
    }
}

fn host_cells(watched: &Watched, task: &Task, part: &HostPart, name: &str, look: &Look) -> Cells {
    let (status, tone) = part_status(part.status());
    let counters = known_counters(part);
    let rate = watched.rate(task, part, look.now);
    let mut cells = row(cut(name, NAME), (tone, status.to_owned()), counters, rate);
    // It has no speed: there stands why.
    if let Some(silence) = silence(part, look) {
        cells[4] = (Tone::Warn, silence);
    } else if part.took_no_part {
        cells[4] = (Tone::Warn, "took no part".to_owned());
    }
    cells
}

fn sums(watched: &Watched, task: &Task, look: &Look) -> Cells {
    let rate = watched.whole_rate(task, look.now);
    row("all".to_owned(), (Tone::Plain, String::new()), task.counters.as_ref(), rate)
}

fn row(name: String, status: (Tone, String), counters: Option<&Counters>, rate: Option<u64>) -> Cells {
    let plain = |text: String| (Tone::Plain, text);
    let told = |text: Option<String>| plain(text.unwrap_or_else(|| NOT_TOLD.to_owned()));
    let run_time = counters.and_then(|counters| length(counters.run_time.as_ref()));
    let failed = counters.map_or(0, |counters| counters.failed);
    [
        plain(name),
        status,
        told(counters.map(|counters| counted(counters.files, "file"))),
        told(counters.map(|counters| size(counters.bytes))),
        plain(rate.map_or_else(String::new, |rate| format!("{}/s", size(rate)))),
        plain(run_time.map_or_else(String::new, clock)),
        if failed > 0 { (Tone::Bad, format!("{} failed", count(failed))) } else { plain(String::new()) },
    ]
}

/// Each row's cells in columns; a column without a text takes no room.
fn aligned(rows: Vec<Cells>, look: &Look) -> Vec<String> {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| console::measure_text_width(&row[column].1));
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let columns = |row: Cells| {
        let cells = row.into_iter().zip(widths).enumerate();
        let cells = cells.filter(|(_, (_, width))| *width > 0);
        let texts: Vec<_> = cells
            .map(|(column, ((tone, text), width))| {
                // Numbers stand flush right.
                let align = match column {
                    2..=5 => console::Alignment::Right,
                    _ => console::Alignment::Left,
                };
                paint(look.color, tone, &console::pad_str(&text, width, align, None))
            })
            .collect();
        texts.join("  ").trim_end().to_owned()
    };
    rows.into_iter().map(columns).collect()
}

/// What is wrong or not known is looked at first, what has ended well last.
fn interest(part: &HostPart) -> Interest {
    match part.status() {
        _ if part.old_since.is_some() => 0,
        PartStatus::Failed | PartStatus::Unknown | PartStatus::Unspecified => 0,
        PartStatus::Stopped | PartStatus::Reset => 1,
        status if !part_ended(status) => 2,
        _ => 3,
    }
}
