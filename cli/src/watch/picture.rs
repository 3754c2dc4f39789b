//! Puts the rows of a [`view`](super::view) on the terminal, over and over.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::echo::Quiet;
use super::row::Row;

/// The picture on the terminal.
///
/// All rows are one block to the terminal, written at once: rows that were written
/// each for itself could be left behind by the limit on how often is written.
pub struct Picture {
    block: ProgressBar,
    frame: usize,
    color: bool,
    _quiet: Quiet,
}

impl Picture {
    /// Nothing drawn yet.
    #[must_use]
    pub fn new(color: bool) -> Self {
        let block = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        // Without a style of this name the default one would add its own spinner.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            block.set_style(style);
        }
        Self { block, frame: 0, color, _quiet: Quiet::new() }
    }

    /// Draws these rows in place of those that are there.
    pub fn draw(&mut self, rows: &[Row]) {
        self.frame = self.frame.wrapping_add(1);
        let lines: Vec<_> = rows.iter().map(|row| row.line(self.frame, self.color)).collect();
        self.block.set_message(lines.join("\n"));
    }

    /// Writes lines that stay, above the picture.
    pub fn write(&self, text: &str) {
        for line in text.lines() {
            self.block.println(line);
        }
    }

    /// Takes the picture off the terminal.
    pub fn clear(&self) {
        self.block.finish_and_clear();
    }
}
