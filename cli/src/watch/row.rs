//! A row of the live picture.

use crate::text::Look;
use crate::text::paint::{Tone, paint};

/// The columns that a bar takes.
pub const BAR: usize = 12;

/// What turns.
const TURNING: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The columns that a mark takes, and each step of setting in.
pub const MARK: usize = 2;

/// The mark of a row that needs none.
pub const NO_MARK: Mark = Mark::Fixed(" ", Tone::Plain);

/// A row of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What stands before the text.
    pub mark: Mark,
    /// How far the row is set in.
    pub indent: usize,
    /// The text, painted, and cut to the width.
    pub text: String,
    /// On how many hosts a task has ended, of how many.
    pub bar: Option<(u64, u64)>,
}

/// What stands before a row's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Something that turns: it is at work.
    Working,
    /// A letter.
    Fixed(&'static str, Tone),
}

impl Row {
    /// A row without a bar, cut to the width.
    #[must_use]
    pub fn new(mark: Mark, indent: usize, text: &str, look: &Look) -> Self {
        let room = look.width.unwrap_or(usize::MAX).saturating_sub(MARK * (indent + 1));
        Self { mark, indent, text: console::truncate_str(text, room, "…").into_owned(), bar: None }
    }
}

impl Row {
    /// The row as it stands on the terminal, in this frame of the picture.
    #[must_use]
    pub fn line(&self, frame: usize, color: bool) -> String {
        let (mark, tone) = match self.mark {
            Mark::Working => (TURNING[frame % TURNING.len()], Tone::Live),
            Mark::Fixed(mark, tone) => (mark, tone),
        };
        let bar = self.bar.map(|(ended, needed)| bar(ended, needed, color)).unwrap_or_default();
        let indent = " ".repeat(self.indent * MARK);
        format!("{indent}{} {}{bar}", paint(color, tone, mark), self.text)
    }
}

/// "  ━━━━━━━━──── 2/3 hosts".
fn bar(ended: u64, needed: u64, color: bool) -> String {
    let full = u64::try_from(BAR).unwrap_or(u64::MAX).saturating_mul(ended) / needed.max(1);
    let full = usize::try_from(full).unwrap_or(BAR).min(BAR);
    let done = paint(color, Tone::Live, &"━".repeat(full));
    let left = paint(color, Tone::Faint, &"─".repeat(BAR - full));
    format!("  {done}{left} {ended}/{needed} hosts")
}

impl Mark {
    /// The mark for what has this tone; it turns only where something is at work.
    #[must_use]
    pub fn of(tone: Tone, works: bool) -> Self {
        match tone {
            _ if works => Self::Working,
            Tone::Good => Self::Fixed("✓", tone),
            Tone::Bad => Self::Fixed("✗", tone),
            // Said to be under way, by someone who does not answer now.
            Tone::Warn | Tone::Live => Self::Fixed("?", Tone::Warn),
            Tone::Plain | Tone::Faint | Tone::Strong => Self::Fixed("·", tone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0, 3, false), "  ──────────── 0/3 hosts");
        assert_eq!(bar(2, 3, false), "  ━━━━━━━━──── 2/3 hosts");
        assert_eq!(bar(99, 100, false), "  ━━━━━━━━━━━─ 99/100 hosts");
        assert_eq!(bar(3, 3, false), "  ━━━━━━━━━━━━ 3/3 hosts");
        assert_eq!(bar(u64::MAX, 0, false), "  ━━━━━━━━━━━━ 18446744073709551615/0 hosts");
    }
}
