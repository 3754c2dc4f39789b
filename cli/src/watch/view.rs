//! What `hod watch` draws on a terminal: each job's block of rows, as much of them
//! as there is room for.

use crate::text::Look;
use crate::text::age::{since, span};
use crate::text::number::counted;
use crate::text::paint::{Tone, paint};

use super::block::Block;
use super::board::Board;
use super::hosts::Interest;
use super::row::{Mark, NO_MARK, Row};

/// The picture, in at most so many rows.
#[must_use]
pub fn rows(board: &Board, look: &Look, most: usize) -> Vec<Row> {
    let mut rows = Vec::from_iter(connection(board, look));
    let jobs = board.jobs();
    if jobs.is_empty() {
        let text = if board.complete {
            "No open jobs; waiting for one. Ctrl-C ends."
        } else {
            "Waiting for the coordinator's answer."
        };
        rows.push(Row::new(Mark::Working, 0, text, look));
        return rows;
    }
    let blocks: Vec<_> = jobs.into_iter().map(|watched| Block::of(watched, look)).collect();
    let room = most.saturating_sub(rows.len()).max(1);
    rows.extend(fitted(blocks, room, look));
    rows
}

fn connection(board: &Board, look: &Look) -> Option<Row> {
    let lost = board.lost_since?;
    let how_long = since(lost, look.now).map_or_else(String::new, |age| format!(" for {}", span(age)));
    let text = format!("not connected{how_long}, trying again: what is shown is as of then");
    let text = paint(look.color, Tone::Warn, &text);
    Some(Row::new(Mark::Fixed("!", Tone::Warn), 0, &text, look))
}

/// The blocks in the room there is: hosts give way first, then all but a row for
/// each job, then jobs.
fn fitted(mut blocks: Vec<Block>, room: usize, look: &Look) -> Vec<Row> {
    if blocks.iter().map(|block| block.head.len()).sum::<usize>() > room {
        for block in &mut blocks {
            block.head = vec![block.compact.clone()];
        }
    }
    let total = blocks.len();
    if total > room {
        blocks.truncate(room - 1);
    }
    let left = total - blocks.len();
    let heads: usize = blocks.iter().map(|block| block.head.len()).sum();
    let mut free = (room - usize::from(left > 0)).saturating_sub(heads);
    let mut rows = Vec::new();
    let mut waiting = blocks.len();
    for block in blocks {
        // What one block does not need of its share is the next one's.
        let share = free / waiting;
        waiting -= 1;
        rows.extend(block.head);
        let hosts = hosts_in(block.hosts, share, look);
        free -= hosts.len();
        rows.extend(hosts);
    }
    if left > 0 {
        let text = format!("… and {}", counted(left as u64, "more job"));
        rows.push(Row::new(NO_MARK, 0, &text, look));
    }
    rows
}

/// The hosts in so many rows: those that want to be looked at, and how many more.
fn hosts_in(hosts: Vec<(Interest, Row)>, room: usize, look: &Look) -> Vec<Row> {
    if hosts.len() <= room {
        return hosts.into_iter().map(|(_, row)| row).collect();
    }
    let Some(shown) = room.checked_sub(1) else {
        return Vec::new();
    };
    let mut order: Vec<_> = (0..hosts.len()).collect();
    order.sort_by_key(|&index| (hosts[index].0, index));
    order.truncate(shown);
    order.sort_unstable();
    let left = hosts.len() - shown;
    let mut rows: Vec<_> = order.iter().map(|&index| hosts[index].1.clone()).collect();
    let text = format!("… and {}", counted(left as u64, "more host"));
    rows.push(Row::new(NO_MARK, 1, &text, look));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{
        at, disagreeing, external_job, hundred_hosts, job_of, look, rebalance, remove_brick,
    };
    use hod_proto::coordinator::v1::watch_jobs_response::Event;
    use hod_proto::coordinator::v1::{Job, WatchComplete};
    use hod_proto::types::v1::PartStatus;

    fn board(jobs: impl IntoIterator<Item = Job>) -> Board {
        let mut board = Board::default();
        for (n, mut job) in jobs.into_iter().enumerate() {
            job.job_id.insert_str(0, &n.to_string());
            board.apply(Event::Job(job));
        }
        board.apply(Event::Complete(WatchComplete {}));
        board
    }

    /// The rows as they stand on the screen, without the colours.
    fn drawn(board: &Board, most: usize) -> String {
        let rows = rows(board, &look(), most);
        assert!(rows.len() <= most, "{} rows of {most}", rows.len());
        let mut text = String::new();
        for row in rows {
            let line = row.line(4, false);
            let width = console::measure_text_width(&line);
            assert!(width <= 80, "{width}: {line}");
            text.push_str(&format!("{line}\n"));
        }
        text
    }

    #[test]
    fn jobs_with_their_hosts() {
        let mut task = rebalance();
        let mut seen = board([]);
        for seconds in [-10, -5] {
            task.parts[0].changed_at = at(seconds);
            task.parts[0].counters.as_mut().unwrap().bytes += 50_000_000;
            let mut job = job_of(task.clone());
            job.job_id.insert(0, '0');
            seen.apply(Event::Job(job));
        }
        for (n, job) in
            [job_of(remove_brick()), job_of(disagreeing()), external_job()].into_iter().enumerate()
        {
            let mut job = job;
            job.job_id.insert_str(0, &(n + 1).to_string());
            seen.apply(Event::Job(job));
        }
        insta::assert_snapshot!(drawn(&seen, 40));
    }

    #[test]
    fn a_hundred_hosts_in_a_small_window() {
        let mut task = hundred_hosts();
        task.parts[7].status = PartStatus::Unknown.into();
        task.parts[90].old_since = at(-60);
        insta::assert_snapshot!(drawn(&board([job_of(task)]), 10));
    }

    #[test]
    fn more_jobs_than_rows() {
        let jobs = (0..30).map(|_| job_of(rebalance()));
        insta::assert_snapshot!(drawn(&board(jobs), 5));
        let one = drawn(&board([job_of(rebalance())]), 1);
        assert_eq!(one.lines().count(), 1);
    }

    #[test]
    fn a_broken_connection_says_how_old_the_picture_is() {
        let mut board = board([job_of(rebalance())]);
        board.lost_since = Some(look().now - std::time::Duration::from_secs(65));
        let text = drawn(&board, 20);
        assert!(text.starts_with("! not connected for 1 min, trying again"), "{text}");
    }

    #[test]
    fn nothing_to_show_says_so() {
        assert!(drawn(&board([]), 5).contains("No open jobs"));
        assert!(drawn(&Board::default(), 5).contains("Waiting for the coordinator"));
    }
}
