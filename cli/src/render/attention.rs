//! What an operator should know, each on lines of its own behind a mark.

use hod_proto::coordinator::v1::Attention;

use crate::text::Look;
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::wrapped;

/// The attention lines of a task.
#[must_use]
pub fn lines(attention: &[Attention], look: &Look) -> String {
    attention.iter().map(|attention| warning(&attention.text, look)).collect()
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
