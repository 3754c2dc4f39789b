//! Draws the rows of a [`view`](super::view) on the terminal, over and over.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::paint::paint;

use super::row::{Mark, Row};

/// The rows on the terminal.
pub struct Bars {
    rows: MultiProgress,
    bars: Vec<ProgressBar>,
    color: bool,
}

impl Bars {
    /// Nothing drawn yet.
    #[must_use]
    pub fn new(color: bool) -> Self {
        console::set_colors_enabled(color);
        Self { rows: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()), bars: Vec::new(), color }
    }

    /// Draws these rows in place of those that are there.
    pub fn draw(&mut self, rows: &[Row]) {
        while self.bars.len() > rows.len() {
            if let Some(bar) = self.bars.pop() {
                bar.finish_and_clear();
                self.rows.remove(&bar);
            }
        }
        while self.bars.len() < rows.len() {
            self.bars.push(self.rows.add(ProgressBar::new(1)));
        }
        for (bar, row) in self.bars.iter().zip(rows) {
            bar.set_style(self.style(row));
            bar.set_message(row.text.clone());
            if let Some((ended, needed)) = row.bar {
                bar.set_length(needed);
                bar.set_position(ended);
            }
            bar.tick();
        }
    }

    /// Writes lines that stay, above the rows.
    pub fn write(&self, text: &str) {
        for line in text.lines() {
            // A terminal that is gone ends the watch at its next signal.
            let _ = self.rows.println(line);
        }
    }

    /// Takes the rows off the terminal.
    pub fn clear(&mut self) {
        self.draw(&[]);
        let _ = self.rows.clear();
    }

    fn style(&self, row: &Row) -> ProgressStyle {
        let indent = "  ".repeat(row.indent);
        let mark = match row.mark {
            Mark::Working if self.color => "{spinner:.cyan}".to_owned(),
            Mark::Working => "{spinner}".to_owned(),
            Mark::Fixed(mark, tone) => paint(self.color, tone, mark),
        };
        let bar = match row.bar {
            Some(_) if self.color => "  {bar:12.cyan/dim} {pos}/{len} hosts",
            Some(_) => "  {bar:12} {pos}/{len} hosts",
            None => "",
        };
        let template = format!("{indent}{mark} {{msg}}{bar}");
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .progress_chars("━╸─")
            .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
    }
}
