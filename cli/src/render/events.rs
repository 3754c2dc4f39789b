//! `hod events`: one line an event, oldest first.

use console::measure_text_width;
use hod_proto::coordinator::v1::Event;

use crate::text::Look;
use crate::text::age::time;
use crate::text::paint::{Tone, paint, tame};
use crate::text::table::wrapped;
use crate::text::words::severity;

use super::short;

/// One event in a line, which is wrapped where the terminal is narrower. With
/// `pools`, the line tells the pool.
#[must_use]
pub fn line(event: &Event, pools: bool, look: &Look) -> String {
    let (word, tone) = severity(event.severity());
    let at = time(event.at.as_ref()).map_or_else(|| "(no time told)".to_owned(), |at| format!("{at:.0}"));
    let pool = if pools { format!("  {}", tame(&event.pool)) } else { String::new() };
    let plain = format!("{at}{pool}  #{}  {word}  ", event.number);
    let painted = format!(
        "{}{pool}  #{}  {}  ",
        paint(look.color, Tone::Faint, &at),
        event.number,
        paint(look.color, tone, word)
    );
    let indent = measure_text_width(&plain);
    let width = look.width.map(|width| width.saturating_sub(indent).max(20));
    let what = format!("{}{}", tame(&event.message).replace('\n', " "), about(event));
    let what = wrapped(&what, width, "").replace('\n', &format!("\n{}", " ".repeat(indent)));
    format!("{painted}{what}\n")
}

/// " (job 1a2b3c4d, by hod)", as far as told.
fn about(event: &Event) -> String {
    let mut about = Vec::new();
    if !event.job_id.is_empty() {
        about.push(format!("job {}", tame(short(&event.job_id, 8))));
    }
    if !event.actor.is_empty() {
        about.push(format!("by {}", tame(&event.actor)));
    }
    if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{at, look};
    use hod_proto::coordinator::v1::Severity;

    #[test]
    fn an_event_is_a_line() {
        let event = Event {
            pool: "prod".to_owned(),
            number: 17,
            at: at(-60),
            severity: Severity::Warning.into(),
            kind: "host-silent".to_owned(),
            message: "node-c does not answer:\nconnection refused".to_owned(),
            job_id: "1a2b3c4d-0000-5000-8000-000000000001".to_owned(),
            actor: "hod".to_owned(),
            ..Event::default()
        };
        insta::assert_snapshot!(line(&event, true, &look()));
        insta::assert_snapshot!(line(&Event::default(), false, &look()));
    }
}
