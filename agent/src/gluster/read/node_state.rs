//! glusterd's file `vols/VOLUME/node_state.info`: how the host's part of the volume's
//! task stands.
//!
//! Not a documented interface: a wake-up and a hint, never proof that a task is
//! there. Stopping a completed task does not rewrite it (113), and its counters are
//! written when the part ends. What it alone tells, without any lock: the type of
//! the task and the bricks of a remove-brick.

use std::collections::BTreeMap;

use hod_core::brick::BrickName;
use hod_core::id::TaskId;
use hod_core::task::{Counters, PartStatus, TaskType};

use super::{Unreadable, id, seconds, utf8, value};
use crate::gluster::status::PartWord;
use crate::gluster::version::Version;

/// What the file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    /// Gluster's id of the task, if there is one by this file.
    pub id: Option<TaskId>,
    /// What the task does.
    pub operation: Operation,
    /// How the host's part stands. Without an id it means nothing.
    pub status: PartStatus,
    /// What the host's part has done: zeros until it ends.
    pub counters: Counters,
    /// For a remove-brick: the bricks as they were typed, in their order. After a
    /// stop they stay, without an id.
    pub bricks: Vec<BrickName>,
}

/// What a task does, by its numbers in the file (`rebalance_op` and
/// `rebalance_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// 0: no task, or one that was stopped or committed.
    None,
    /// 19, a rebalance.
    Rebalance {
        /// The command was `fix-layout start`: 4.
        fix_layout: bool,
    },
    /// 9, a remove-brick.
    RemoveBrick,
    /// A number that is not known.
    Other(i64),
}

impl NodeState {
    /// What the task does, if there is one by this file.
    #[must_use]
    pub fn task_type(&self) -> Option<TaskType> {
        self.id?;
        match self.operation {
            Operation::None => None,
            Operation::Rebalance { fix_layout } => Some(TaskType::Rebalance { fix_layout }),
            Operation::RemoveBrick => Some(TaskType::RemoveBrick),
            Operation::Other(number) => Some(TaskType::Other(format!("operation {number}"))),
        }
    }
}

/// Reads the file. The version decides what the statuses 9 and 10 mean.
///
/// # Errors
/// If it is cut short, or can't be read.
pub fn read(bytes: &[u8], version: &Version) -> Result<NodeState, Unreadable> {
    let text = utf8(bytes)?;
    if !text.ends_with('\n') {
        return Err(Unreadable::new("it ends in the middle of a line"));
    }
    let mut fields = Fields::default();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=') {
            fields.line(key, value)?;
        }
    }
    fields.finish(version)
}

#[derive(Default)]
struct Fields {
    id: Option<Option<TaskId>>,
    command: i64,
    operation: Option<i64>,
    status: Option<i64>,
    counters: Counters,
    brick_count: Option<usize>,
    bricks: BTreeMap<usize, BrickName>,
}

/// The numbers of a rebalance and of a remove-brick in `rebalance_op` (source).
const REBALANCE: i64 = 19;
const REMOVE_BRICK: i64 = 9;
/// The number of `fix-layout start` in `rebalance_status`.
const COMMAND_FIX_LAYOUT: i64 = 4;

impl Fields {
    fn line(&mut self, key: &str, text: &str) -> Result<(), Unreadable> {
        match key {
            "rebalance-id" => self.id = Some(id(text, key)?),
            "rebalance_status" => self.command = value(text, key)?,
            "rebalance_op" => self.operation = Some(value(text, key)?),
            "status" => self.status = Some(value(text, key)?),
            "rebalanced-files" => self.counters.files = value(text, key)?,
            "size" => self.counters.bytes = value(text, key)?,
            "scanned" => self.counters.scanned = value(text, key)?,
            "failures" => self.counters.failed = value(text, key)?,
            "skipped" => self.counters.skipped = value(text, key)?,
            "run-time" => self.counters.run_time = Some(seconds(text, key)?),
            "count" => self.brick_count = Some(value(text, key)?),
            _ => {
                if let Some(number) = key.strip_prefix("brick").and_then(|n| n.parse().ok()) {
                    let name = BrickName::parse(text).map_err(|e| Unreadable::new(e.to_string()))?;
                    self.bricks.insert(number, name);
                }
            }
        }
        Ok(())
    }

    fn finish(self, version: &Version) -> Result<NodeState, Unreadable> {
        let operation = match self.operation.ok_or_else(|| Unreadable::missing("rebalance_op"))? {
            0 => Operation::None,
            REBALANCE => Operation::Rebalance { fix_layout: self.command == COMMAND_FIX_LAYOUT },
            REMOVE_BRICK => Operation::RemoveBrick,
            number => Operation::Other(number),
        };
        // The run time is the last line of a file without bricks, the count that of
        // one with bricks: a file that lacks them was cut short.
        if self.counters.run_time.is_none() {
            return Err(Unreadable::missing("run-time"));
        }
        if self.brick_count.unwrap_or(0) != self.bricks.len()
            || (operation == Operation::RemoveBrick && self.brick_count.is_none())
        {
            return Err(Unreadable::new("its bricks are not as many as it counts"));
        }
        let status = self.status.ok_or_else(|| Unreadable::missing("status"))?;
        Ok(NodeState {
            id: self.id.ok_or_else(|| Unreadable::missing("rebalance-id"))?,
            operation,
            status: PartWord::from_file(status, version).status,
            counters: self.counters,
            bricks: self.bricks.into_values().collect(),
        })
    }
}
