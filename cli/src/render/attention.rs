//! What an operator should know, each on lines of its own behind a mark.

use hod_proto::coordinator::v1::Task;

use crate::text::Look;
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::wrapped;

use super::silence;

/// The attention lines of a task.
#[must_use]
pub fn lines(task: &Task, look: &Look) -> String {
    let silent = silence::of_task(task, look);
    let texts = task.attention.iter().map(|attention| silence::told(&attention.text, &silent));
    texts.map(|text| warning(&text, look)).collect()
}

/// One warning behind its mark.
#[must_use]
pub fn warning(text: &str, look: &Look) -> String {
    let text = wrapped(&format!("! {}", tame(text)), look.width, "  ");
    paint_lines(look, Tone::Warn, &text)
}

fn paint_lines(look: &Look, tone: Tone, text: &str) -> String {
    text.lines().map(|line| format!("{}\n", paint(look.color, tone, line))).collect()
}
