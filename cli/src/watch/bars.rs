//! Draws the rows of a [`view`](super::view) on the terminal, over and over.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::paint::paint;

use super::echo::Quiet;
use super::row::{Mark, Row};

/// The rows on the terminal.
pub struct Bars {
    rows: MultiProgress,
    drawn: Vec<(Row, ProgressBar)>,
    color: bool,
    _quiet: Quiet,
}

impl Bars {
    /// Nothing drawn yet.
    #[must_use]
    pub fn new(color: bool) -> Self {
        console::set_colors_enabled(color);
        let rows = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        Self { rows, drawn: Vec::new(), color, _quiet: Quiet::new() }
    }

    /// Draws these rows in place of those that are there.
    pub fn draw(&mut self, rows: &[Row]) {
        while self.drawn.len() > rows.len() {
            if let Some((_, bar)) = self.drawn.pop() {
                bar.finish_and_clear();
                self.rows.remove(&bar);
            }
        }
        for (index, row) in rows.iter().enumerate() {
            match self.drawn.get_mut(index) {
                Some((drawn, bar)) if drawn == row => {
                    if row.mark == Mark::Working {
                        bar.tick();
                    }
                }
                Some((drawn, bar)) => {
                    let (ended, needed) = row.bar.unwrap_or_default();
                    bar.set_length(needed);
                    bar.set_position(ended);
                    bar.set_message(row.text.clone());
                    bar.set_style(style(row, self.color));
                    bar.tick();
                    *drawn = row.clone();
                }
                None => {
                    let (ended, needed) = row.bar.unwrap_or_default();
                    let bar = ProgressBar::new(needed)
                        .with_style(style(row, self.color))
                        .with_message(row.text.clone())
                        .with_position(ended);
                    let bar = self.rows.add(bar);
                    bar.tick();
                    self.drawn.push((row.clone(), bar));
                }
            }
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
        // A terminal that is gone has nothing to be taken off.
        let _ = self.rows.clear();
        self.rows.set_draw_target(ProgressDrawTarget::hidden());
        self.drawn.clear();
    }
}

fn style(row: &Row, color: bool) -> ProgressStyle {
    let indent = "  ".repeat(row.indent);
    let mark = match row.mark {
        Mark::Working if color => "{spinner:.cyan}".to_owned(),
        Mark::Working => "{spinner}".to_owned(),
        Mark::Fixed(mark, tone) => paint(color, tone, mark),
    };
    let bar = match row.bar {
        Some(_) if color => "  {bar:12.cyan/dim} {pos}/{len} hosts",
        Some(_) => "  {bar:12} {pos}/{len} hosts",
        None => "",
    };
    let template = format!("{indent}{mark} {{msg}}{bar}");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━╸─")
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}
