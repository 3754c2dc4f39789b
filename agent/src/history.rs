//! Follows `cmd_history.log`: the commands about tasks and volumes, with their ages.
//!
//! A command writes its line at its end, on the host where it was typed, up to a
//! second after the task it ended has vanished (seen). The agent's own questions
//! leave lines too; they are passed over, and wake nobody.

mod tail;

use std::sync::Arc;
use std::time::Duration;

use hod_core::history::HistoryEntry;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::tail::{Piece, Tail};
use crate::blocking;
use crate::gluster::HistoryLine;
use crate::gluster::read::history as reader;
use crate::picture::Board;
use crate::watch::{Folders, Wakes};

/// How often the file is read where nothing tells of its changes.
const UNWOKEN: Duration = Duration::from_secs(30);

/// Follows until cancelled.
pub(crate) async fn run(folders: &Folders, board: &Board, wakes: &Wakes, stop: &CancellationToken) {
    let mut tail = Tail::new(folders.history());
    let mut read_before = Instant::now();
    let mut complained = false;
    loop {
        // Reading a file blocks, if only for a moment.
        let reading = blocking::run(move || {
            let pieces = tail.read();
            (tail, pieces)
        });
        let Ok((same_tail, pieces)) = reading.await else {
            return; // The runtime is shutting down.
        };
        tail = same_tail;
        let now = Instant::now();
        match pieces {
            Ok(pieces) => {
                complained = false;
                if note(board, &pieces, now, now - read_before) {
                    wakes.tasks.notify_one();
                    wakes.volumes.notify_one();
                }
            }
            Err(error) if !complained => {
                complained = true;
                tracing::warn!(
                    file = %folders.history().display(), %error,
                    "the command history can't be read: nothing tells who stopped a task from this host"
                );
            }
            Err(_) => {}
        }
        read_before = now;
        tokio::select! {
            () = stop.cancelled() => return,
            () = wakes.history.notified() => {}
            () = tokio::time::sleep(UNWOKEN) => {}
        }
    }
}

/// Adds what is about tasks and volumes to the history, and tells whether any of it
/// is news.
fn note(board: &Board, pieces: &[Piece], now: Instant, since_last: Duration) -> bool {
    let clock = Timestamp::now();
    let mut news = false;
    let mut entries = Vec::new();
    for piece in pieces {
        let (lines, _) = reader::read(&piece.lines, piece.offset);
        for line in lines.into_iter().filter(|l| tells(&l.command)) {
            news |= !piece.was_there;
            let known = (!piece.was_there).then_some(since_last);
            entries.push((age(&line, clock, known), entry(piece.inode, line)));
        }
    }
    if !entries.is_empty() {
        board.update(|picture| {
            let history = Arc::make_mut(&mut picture.history);
            for (age, entry) in entries {
                history.add(entry, now, age);
            }
        });
    }
    news
}

/// How old a line is: by its stamp against this host's clock. Of a line that was
/// seen to appear the own clock knows better: it is not older than the last reading.
fn age(line: &HistoryLine, clock: Timestamp, at_most: Option<Duration>) -> Duration {
    let by_stamp =
        line.at.and_then(|at| Duration::try_from(clock.duration_since(at)).ok()).unwrap_or_default();
    at_most.map_or(by_stamp, |at_most| by_stamp.min(at_most))
}

/// The position holds the stamp too: inodes are used again, and a file that is cut
/// short in place has its offsets again.
fn entry(inode: u64, line: HistoryLine) -> HistoryEntry {
    let digits: String = line.stamp.chars().filter(char::is_ascii_digit).collect();
    HistoryEntry {
        position: format!("{inode}:{}:{digits}", line.offset),
        at: line.at.unwrap_or(Timestamp::UNIX_EPOCH),
        stamp: line.stamp,
        command: line.command,
        succeeded: line.succeeded,
        message: line.message,
    }
}

/// Whether a command may have changed a task or a volume: not one that only asks.
fn tells(command: &str) -> bool {
    let words: Vec<_> = command.split_whitespace().collect();
    let asks = words.last().is_some_and(|word| *word == "status");
    let changes = matches!(
        words.as_slice(),
        [
            "volume",
            "rebalance"
                | "remove-brick"
                | "replace-brick"
                | "reset-brick"
                | "add-brick"
                | "start"
                | "stop"
                | "create"
                | "delete",
            ..
        ]
    );
    changes && !asks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_asks_is_passed_over() {
        for command in [
            "volume rebalance dist start force",
            "volume remove-brick dist node-c:/bricks/d1 commit",
            "volume stop dist",
            "volume delete dist",
        ] {
            assert!(tells(command), "{command}");
        }
        for command in [
            "volume rebalance dist status",
            "volume remove-brick dist node-c:/bricks/d1 status",
            "volume status all tasks",
            "volume status dist tasks",
            "volume info",
            "get-state glusterd odir /run/hod-agent file hod-state-1-1 detail",
            "peer probe node-b",
            "",
        ] {
            assert!(!tells(command), "{command}");
        }
    }

    fn piece(was_there: bool, lines: &str) -> Piece {
        Piece { inode: 17, offset: 0, lines: lines.as_bytes().to_vec(), was_there }
    }

    #[test]
    fn a_line_that_was_seen_to_appear_is_no_older_than_the_last_reading() {
        let board = Board::default();
        let now = Instant::now();
        // By its stamp it would be years old: the clock was set since.
        let line = "[2020-01-01 00:00:00.000000 +0000]  : volume rebalance dist stop : SUCCESS\n";
        let since_last = Duration::from_secs(30);
        assert!(!note(&board, &[piece(true, line)], now, since_last));
        assert!(note(&board, &[piece(false, line)], now, since_last));
        let history = board.picture().history;
        let ages: Vec<_> = history.since(0).map(|n| n.age(now)).collect();
        assert!(ages[0] > Duration::from_secs(365 * 24 * 3600), "{ages:?}");
        assert_eq!(ages[1], since_last);
    }

    #[test]
    fn a_stamp_in_the_future_is_no_negative_age() {
        let board = Board::default();
        let now = Instant::now();
        let line = "[2999-01-01 00:00:00.000000 +0000]  : volume rebalance dist stop : FAILED : no\n";
        note(&board, &[piece(true, line)], now, Duration::ZERO);
        let history = board.picture().history;
        let noted = history.since(0).next().unwrap();
        assert_eq!(noted.age(now), Duration::ZERO);
        assert_eq!(noted.entry.position, "17:0:299901010000000000000000");
        assert_eq!((noted.entry.succeeded, noted.entry.message.as_str()), (false, "no"));
    }
}
