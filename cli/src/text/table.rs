//! Tables without borders that fit the terminal: where they would be too wide,
//! long names lose their middle and long texts are wrapped, and numbers stay whole.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width};
use console::measure_text_width;

use super::Look;
use super::paint::{Tone, paint, tame};

/// The space between two columns; one less where there is no room.
const GAP: usize = 2;

/// What a column does where the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Stays whole.
    Whole,
    /// Loses the middle of its texts.
    Cut,
    /// Is wrapped.
    Wrap,
}

/// A cell: a text and its tone.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// A cell without a tone.
pub fn cell(text: impl AsRef<str>) -> Cell {
    toned(Tone::Plain, text)
}

/// A cell with a tone.
pub fn toned(tone: Tone, text: impl AsRef<str>) -> Cell {
    Cell { text: tame(text.as_ref()), tone }
}

/// A word with its tone, as `words` gives them.
impl From<(&'static str, Tone)> for Cell {
    fn from((text, tone): (&'static str, Tone)) -> Self {
        toned(tone, text)
    }
}

struct Column {
    title: &'static str,
    fit: Fit,
    right: bool,
}

/// A table that is being filled.
#[derive(Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of text.
    #[must_use]
    pub fn column(mut self, title: &'static str, fit: Fit) -> Self {
        self.columns.push(Column { title, fit, right: false });
        self
    }

    /// Adds a column of numbers: whole, and flush right.
    #[must_use]
    pub fn numbers(mut self, title: &'static str) -> Self {
        self.columns.push(Column { title, fit: Fit::Whole, right: true });
        self
    }

    /// Adds a row with a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, each line ended. Columns without a single text are left out.
    #[must_use]
    pub fn render(mut self, look: &Look) -> String {
        self.drop_empty_columns();
        let natural = self.natural_widths();
        let (widths, space) = match look.width {
            Some(width) => self.fitted(&natural, width),
            None => (natural, GAP),
        };
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(
            self.columns.iter().zip(&widths).map(|(column, width)| {
                let title = cut(column.title, *width);
                comfy_table::Cell::new(paint(look.color, Tone::Faint, &title))
            }),
        );
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).zip(&widths).map(|((cell, column), width)| {
                let text = match column.fit {
                    Fit::Cut => cut(&cell.text, *width),
                    Fit::Whole | Fit::Wrap => cell.text.clone(),
                };
                comfy_table::Cell::new(painted_lines(look, cell.tone, &text))
            }));
        }
        let last = self.columns.len().saturating_sub(1);
        for (index, width) in widths.iter().enumerate() {
            let Some(column) = table.column_mut(index) else {
                continue;
            };
            let gap = if index == last { 0 } else { space };
            let full = u16::try_from(width + gap).unwrap_or(u16::MAX);
            column
                .set_padding((0, u16::try_from(gap).unwrap_or_default()))
                .set_constraint(ColumnConstraint::Absolute(Width::Fixed(full)));
            if self.columns[index].right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn drop_empty_columns(&mut self) {
        let kept: Vec<bool> = (0..self.columns.len())
            .map(|index| self.rows.iter().any(|row| !row[index].text.is_empty()))
            .collect();
        retain(&mut self.columns, &kept);
        for row in &mut self.rows {
            retain(row, &kept);
        }
    }

    fn natural_widths(&self) -> Vec<usize> {
        let widest = |index: usize| {
            let lines = self.rows.iter().flat_map(|row| row[index].text.lines());
            lines.map(measure_text_width).max().unwrap_or(0)
        };
        self.columns
            .iter()
            .enumerate()
            .map(|(index, column)| widest(index).max(measure_text_width(column.title)))
            .collect()
    }

    /// The widths, and the space between, with which the table fits, as far as it
    /// can: wrapped columns give way first, then the space, then cut columns, then
    /// wrapped ones once more.
    fn fitted(&self, natural: &[usize], width: usize) -> (Vec<usize>, usize) {
        let mut widths = natural.to_vec();
        let spaces = widths.len().saturating_sub(1);
        for (fit, least, gap) in [
            (Fit::Wrap, 28, GAP),
            (Fit::Cut, 20, GAP),
            (Fit::Cut, 10, GAP - 1),
            (Fit::Wrap, 12, GAP - 1),
            (Fit::Cut, 6, GAP - 1),
        ] {
            loop {
                let total = widths.iter().sum::<usize>() + gap * spaces;
                if total <= width {
                    return (widths, gap);
                }
                let widest = (0..widths.len())
                    .filter(|&index| self.columns[index].fit == fit && widths[index] > least)
                    .max_by_key(|&index| widths[index]);
                match widest {
                    Some(index) => widths[index] -= 1,
                    None => break,
                }
            }
        }
        (widths, GAP - 1)
    }
}

/// Each line painted for itself, so that wrapping never tears a colour open.
fn painted_lines(look: &Look, tone: Tone, text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| paint(look.color, tone, line)).collect();
    lines.join("\n")
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

/// The text in at most so many columns of the terminal: the middle gives way to
/// "…", since names differ at their ends.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let room = width - 1;
    let head = taken(text.chars(), room.div_ceil(2));
    let tail: String = taken(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{tail}")
}

/// The first of the characters, as many as the width takes.
fn taken(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut text = String::new();
    for c in chars {
        text.push(c);
        if measure_text_width(&text) > width {
            text.pop();
            break;
        }
    }
    text
}

/// The text broken at spaces into lines of at most so many columns, those after
/// the first one set in. A word longer than a line keeps its length.
#[must_use]
pub fn wrapped(text: &str, width: Option<usize>, indent: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = if lines.is_empty() { String::new() } else { indent.to_owned() };
        let mut fresh = true;
        for word in paragraph.split_whitespace() {
            let long = measure_text_width(&line) + 1 + measure_text_width(word);
            if !fresh && width.is_some_and(|width| long > width) {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
                fresh = true;
            }
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
            fresh = false;
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(width: Option<usize>) -> Look {
        Look { now: "2026-01-31T12:00:00Z".parse().unwrap(), width, color: false }
    }

    fn example() -> Table {
        let mut table = Table::new()
            .column("HOST", Fit::Cut)
            .numbers("FILES")
            .column("EMPTY", Fit::Whole)
            .column("WHAT", Fit::Wrap);
        table.row([
            cell("storage-node-0017.rack-3.example.com"),
            cell("1,234"),
            cell(""),
            cell("the quick brown fox jumps over the lazy dog"),
        ]);
        table.row([cell("b"), cell("7"), cell(""), cell("短い日本語の名前")]);
        table
    }

    #[test]
    fn a_table_is_as_wide_as_it_wants_where_there_is_room() {
        insta::assert_snapshot!(example().render(&look(None)), @r"
        HOST                                  FILES  WHAT
        storage-node-0017.rack-3.example.com  1,234  the quick brown fox jumps over the lazy dog
        b                                         7  短い日本語の名前
        ");
    }

    #[test]
    fn a_table_gives_way_where_there_is_none() {
        let text = example().render(&look(Some(50)));
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| measure_text_width(line) <= 50));
    }

    #[test]
    fn colours_do_not_change_the_widths() {
        let plain = example().render(&look(Some(50)));
        let mut painted = look(Some(50));
        painted.color = true;
        let painted = example().render(&painted);
        assert_ne!(painted, plain);
        let bare: Vec<_> =
            painted.lines().map(|line| console::strip_ansi_codes(line).trim_end().to_owned()).collect();
        assert_eq!(bare, plain.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_name_keeps_its_ends() {
        assert_eq!(cut("node-a.example.com", 9), "node….com");
        assert_eq!(cut("node-a", 9), "node-a");
        assert_eq!(cut("日本語日本語", 6), "日…語");
        assert_eq!(cut("node-a", 1), "…");
        assert_eq!(cut("node-a", 0), "");
    }

    #[test]
    fn texts_are_broken_at_spaces() {
        assert_eq!(wrapped("a bb ccc dddd", Some(6), "  "), "a bb\n  ccc\n  dddd");
        assert_eq!(wrapped("a bb\nccc", None, "  "), "a bb\n  ccc");
    }
}
