//! `hod events`: one line an event, oldest first.

use hod_proto::coordinator::v1::Event;

use crate::text::Look;
use crate::text::age::{stamp, time};
use crate::text::paint::{Tone, paint, tame};
use crate::text::words::severity;

use super::short;

/// One event in a line. With `pools`, the line tells the pool.
#[must_use]
pub fn line(event: &Event, pools: bool, look: &Look) -> String {
    let (word, tone) = severity(event.severity());
    let at = time(event.at.as_ref()).map_or_else(|| "(no time told)".to_owned(), stamp);
    let mut text = paint(look.color, Tone::Faint, &at);
    if pools {
        text.push_str(&format!("  {}", tame(&event.pool)));
    }
    text.push_str(&format!(
        "  #{}  {}  {}",
        event.number,
        paint(look.color, tone, word),
        tame(&event.message).replace('\n', " ")
    ));
    let mut about = Vec::new();
    if !event.job_id.is_empty() {
        about.push(format!("job {}", tame(short(&event.job_id, 8))));
    }
    if !event.actor.is_empty() {
        about.push(format!("by {}", tame(&event.actor)));
    }
    if !about.is_empty() {
        let about = format!("  ({})", about.join(", "));
        text.push_str(&paint(look.color, Tone::Faint, &about));
    }
    text.push('\n');
    text
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
