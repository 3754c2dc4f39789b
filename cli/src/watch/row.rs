//! A row of the live picture.

use crate::text::Look;
use crate::text::paint::Tone;

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
