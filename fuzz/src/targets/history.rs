//! `cmd_history.log`: read in two pieces, cut anywhere, it is the same as read in one.

use hod_agent::gluster::HistoryLine;
use hod_agent::gluster::read::history;
use hod_core::history::HistoryEntry;

use super::proportionate;

pub(crate) fn run(input: &[u8]) {
    let (whole, read) = proportionate(input, || history::read(input, 7));
    assert!(read <= input.len());
    assert!(read == 0 || input[read - 1] == b'\n', "only whole lines are read");
    assert!(whole.is_sorted_by_key(|line| line.offset));

    let cut = usize::from(input.first().copied().unwrap_or(0)) * input.len() / 256;
    let (mut pieces, read) = history::read(&input[..cut], 7);
    let (rest, _) = history::read(&input[read..], 7 + read as u64);
    pieces.extend(rest);
    assert_eq!(told(&pieces), told(&whole), "cut at {cut}");

    for line in &whole {
        let entry = HistoryEntry {
            position: String::new(),
            at: line.at.unwrap_or_default(),
            stamp: line.stamp.clone(),
            command: line.command.clone(),
            succeeded: line.succeeded,
            message: line.message.clone(),
        };
        let _ = entry.task_command();
    }
}

/// What a line tells, but for the further lines of a reason: those that come in
/// another piece are passed over.
fn told(lines: &[HistoryLine]) -> Vec<(u64, &str, &str, bool)> {
    lines.iter().map(|l| (l.offset, l.stamp.as_str(), l.command.as_str(), l.succeeded)).collect()
}
