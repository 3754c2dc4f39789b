//! `cmd_history.log`: the commands that were run on the host, with their outcome.
//!
//! A line is written when its command ends, only on the host where it was typed:
//! `[2026-11-24 03:17:09.846668 +0000]  : volume remove-brick … commit : FAILED : why`.
//! Old versions' stamps have no offset. The reason may run over several lines (seen).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A command that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// Where the line begins in the file, in bytes.
    pub offset: u64,
    /// When it was written, by the host's clock. `None` if the stamp can't be read.
    pub at: Option<Timestamp>,
    /// The stamp as printed, without brackets.
    pub stamp: String,
    /// The command without `gluster` and its options, as typed.
    pub command: String,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Gluster's words where it failed.
    pub message: String,
}

/// Reads the whole lines of a piece of the file that begins at `offset`, and tells
/// how many bytes they are: a line that is still being written is left for later.
/// What is no line of the log is passed over.
#[must_use]
pub fn read(piece: &[u8], offset: u64) -> (Vec<HistoryLine>, usize) {
    let whole = piece.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let mut lines: Vec<HistoryLine> = Vec::new();
    let mut at = 0;
    for line in piece[..whole].split_inclusive(|b| *b == b'\n') {
        let begin = offset.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        at += line.len();
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if let Some(read) = read_line(text, begin) {
            lines.push(read);
        } else if let Some(last) = lines.last_mut()
            && !last.succeeded
            && !text.starts_with('[')
            && !text.is_empty()
        {
            last.message.push('\n');
            last.message.push_str(text);
        }
    }
    (lines, whole)
}

fn read_line(line: &str, offset: u64) -> Option<HistoryLine> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start().strip_prefix(": ")?;
    let (command, succeeded, message) = match rest.strip_suffix(" : SUCCESS") {
        Some(command) => (command, true, ""),
        None => {
            let (command, message) = rest.split_once(" : FAILED")?;
            (command, false, message.trim_start_matches([' ', ':']))
        }
    };
    Some(HistoryLine {
        offset,
        at: moment(stamp),
        stamp: stamp.to_owned(),
        command: command.trim().to_owned(),
        succeeded,
        message: message.to_owned(),
    })
}

/// A stamp without an offset is in UTC, unless the pool logs in local time.
fn moment(stamp: &str) -> Option<Timestamp> {
    if let Ok(at) = Timestamp::strptime("%Y-%m-%d %H:%M:%S%.f %z", stamp) {
        return Some(at);
    }
    let at = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", stamp).ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_being_written_is_left() {
        let log =
            b"[2026-11-24 03:16:29.497060 +0000]  : volume status dr tasks : SUCCESS    \n[2026-11-24 03:1";
        let (lines, read_bytes) = read(log, 1000);
        assert_eq!(read_bytes, log.len() - 16);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(line.offset, 1000);
        assert_eq!(line.command, "volume status dr tasks");
        assert!(line.succeeded);
        assert_eq!(read(b"half a line", 0), (vec![], 0));
        assert_eq!(read(b"", 0), (vec![], 0));
    }

    #[test]
    fn a_reason_may_run_over_lines() {
        let log = "[2021-06-01 10:00:00.000001]  : volume rebalance d3 stop : FAILED : Pre Validation failed on a.\nPre Validation failed on b.\n[2021-06-01 10:00:02.5]  : volume status : SUCCESS\n";
        let (lines, _) = read(log.as_bytes(), 0);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].message, "Pre Validation failed on a.\nPre Validation failed on b.");
        assert_eq!(lines[0].at.unwrap().to_string(), "2021-06-01T10:00:00.000001Z");
        let second = log.find("[2021-06-01 10:00:02").unwrap();
        assert_eq!(lines[1].offset, second as u64);
    }

    #[test]
    fn an_offset_is_reckoned_in() {
        let log = b"[2021-06-01 10:00:00.000000 +0530]  : volume stop v : SUCCESS\n[some day]  : volume stop v : SUCCESS\n";
        let (lines, _) = read(log, 0);
        assert_eq!(lines[0].at.unwrap().to_string(), "2021-06-01T04:30:00Z");
        assert_eq!(lines[1].at, None);
        assert_eq!(lines[1].stamp, "some day");
    }
}
