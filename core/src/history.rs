//! What a host's cmd_history.log tells of tasks: a witness of who stopped or committed what.

use jiff::Timestamp;

use crate::brick::BrickName;

/// A command that was run on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Where the line stands: file identity and offset; unique for the host.
    pub position: String,
    /// When it was written, by the coordinator's reckoning of the age the agent sent.
    pub at: Timestamp,
    /// As printed; only to be shown.
    pub stamp: String,
    /// The command without `gluster`.
    pub command: String,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Gluster's words where it failed.
    pub message: String,
}

/// What a command did to a volume's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// rebalance start, fix-layout start, remove-brick start.
    Start,
    /// rebalance stop, remove-brick stop.
    Stop,
    /// remove-brick commit.
    Commit,
    /// remove-brick force.
    Force,
}

/// A command about a volume's task, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskCommand<'a> {
    /// The volume's name.
    pub volume: &'a str,
    /// What was done.
    pub verb: Verb,
    /// For a remove-brick: the bricks named.
    pub bricks: Vec<BrickName>,
    /// Whether it was a remove-brick.
    pub remove_brick: bool,
}

impl HistoryEntry {
    /// The command, if it is about a volume's task: `volume rebalance V stop`,
    /// `volume remove-brick V [replica N] BRICK… commit` and their kin (fixture 80).
    #[must_use]
    pub fn task_command(&self) -> Option<TaskCommand<'_>> {
        let mut words = self.command.split_whitespace();
        if words.next()? != "volume" {
            return None;
        }
        let remove_brick = match words.next()? {
            "rebalance" => false,
            "remove-brick" => true,
            _ => return None,
        };
        let volume = words.next()?;
        let rest: Vec<&str> = words.collect();
        let verb = match (remove_brick, rest.as_slice()) {
            (false, ["start", ..] | ["fix-layout", "start"]) | (true, [.., "start"]) => Verb::Start,
            (_, [.., "stop"]) => Verb::Stop,
            (true, [.., "commit"]) => Verb::Commit,
            (true, [.., "force"]) => Verb::Force,
            _ => return None,
        };
        let bricks = rest.iter().filter_map(|w| BrickName::parse(w).ok()).collect();
        Some(TaskCommand { volume, verb, bricks, remove_brick })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(command: &str) -> Option<(String, Verb, usize)> {
        let entry = HistoryEntry {
            position: "1:0".into(),
            at: Timestamp::UNIX_EPOCH,
            stamp: String::new(),
            command: command.into(),
            succeeded: true,
            message: String::new(),
        };
        entry.task_command().map(|c| (c.volume.to_owned(), c.verb, c.bricks.len()))
    }

    #[test]
    fn reads_what_a_command_did() {
        let is = |v: Verb, n| Some(("v".to_owned(), v, n));
        assert_eq!(verb("volume rebalance v start"), is(Verb::Start, 0));
        assert_eq!(verb("volume rebalance v start force"), is(Verb::Start, 0));
        assert_eq!(verb("volume rebalance v fix-layout start"), is(Verb::Start, 0));
        assert_eq!(verb("volume rebalance v stop"), is(Verb::Stop, 0));
        assert_eq!(verb("volume remove-brick v a:/b start"), is(Verb::Start, 1));
        assert_eq!(verb("volume remove-brick v replica 2 a:/b c:/d force"), is(Verb::Force, 2));
        assert_eq!(verb("volume remove-brick v a:/b commit"), is(Verb::Commit, 1));
        assert_eq!(verb("volume remove-brick v a:/b stop"), is(Verb::Stop, 1));
        assert_eq!(verb("volume rebalance v status"), None);
        assert_eq!(verb("volume set v cluster.rebal-throttle lazy"), None);
        assert_eq!(verb("get-state glusterd odir /tmp file q detail"), None);
    }
}
