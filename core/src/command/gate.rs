//! The commit gate: whether a remove-brick may be committed without losing a file.

use std::collections::BTreeMap;

use super::problem::Problem;
use crate::brick::{Brick, TaskBrick};
use crate::id::HostId;
use crate::plan::words::{count, list};
use crate::record::TaskRecord;
use crate::task::{Counters, PartStatus};

/// What the gate goes by. What is missing is not known, and not known keeps it shut.
#[derive(Clone, Debug)]
pub struct GateFacts<'a> {
    /// The task as recorded.
    pub task: &'a TaskRecord,
    /// The hosts' parts as a status call just made tells them.
    pub parts: BTreeMap<HostId, (PartStatus, Counters)>,
    /// The bricks that the operator named; empty: the task's.
    pub named: Vec<Brick>,
    /// What the agents' walks of the bricks found.
    pub walks: BTreeMap<Brick, Walk>,
    /// Geo-replication sessions of the volume.
    pub geo_replication: Option<u32>,
    /// What hosts are called.
    pub names: BTreeMap<HostId, String>,
}

/// What a walk of a brick found: files other than link files, outside `.glusterfs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// It looked at everything.
    Finished {
        /// How many files are left.
        files: u64,
        /// The first of them, relative to the brick.
        names: Vec<String>,
    },
    /// It did not: what is left is not known.
    Unfinished(String),
}

/// Whether the gate is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// What shuts it and can't be accepted.
    pub problems: Vec<Problem>,
    /// What shuts it and may knowingly be accepted: files that would be lost.
    pub loss: Vec<Problem>,
    /// How many files would be lost, if that is known.
    pub files: Option<u64>,
}

impl Gate {
    /// Whether the commit may go on, with the number of files that are knowingly
    /// given up. What is still in its way is returned otherwise.
    ///
    /// # Errors
    /// All that shuts the gate.
    pub fn pass(&self, accepted: Option<u64>) -> Result<(), Vec<Problem>> {
        let mut problems = self.problems.clone();
        let files = self.files;
        if !self.loss.is_empty() && (accepted.is_none() || accepted != files) {
            problems.extend(self.loss.clone());
            if let (Some(accepted), Some(files)) = (accepted, files) {
                problems.push(
                    Problem::new(
                        "other-number",
                        format!("{} would be lost, not {accepted}", count(files, "file")),
                        "name the number that would be lost, if you mean to lose it",
                    )
                    .of("accept_data_loss"),
                );
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Whether the remove-brick may be committed.
#[must_use]
pub fn gate(facts: &GateFacts<'_>) -> Gate {
    let mut problems = Vec::new();
    let mut loss = Vec::new();
    let name = |host: &HostId| facts.names.get(host).cloned().unwrap_or_else(|| host.to_string());

    bricks(facts, &mut problems);
    let must = facts.task.parts.iter().filter(|(_, p)| p.must_take_part).map(|(h, _)| h);
    let mut none = true;
    for host in must {
        none = false;
        match facts.parts.get(host).map(|(status, _)| *status) {
            Some(PartStatus::Completed) => {}
            Some(status) => problems.push(Problem::new(
                "not-completed",
                format!("{} has not completed its part: {}", name(host), status.code()),
                "wait for it, or stop the remove-brick",
            )),
            None => problems.push(Problem::new(
                "host-silent",
                format!("{} did not tell how its part stands", name(host)),
                "bring it back; nothing is committed while it is not known",
            )),
        }
    }
    if none {
        problems.push(Problem::new(
            "hosts-unknown",
            "which hosts must take part is not known",
            "wait until hod has seen the task's bricks",
        ));
    }
    match facts.geo_replication {
        Some(0) => {}
        Some(n) => problems.push(Problem::new(
            "geo-replication",
            format!("{} of the volume run", count(n.into(), "geo-replication session")),
            "stop geo-replication, and let it catch up, before bricks go",
        )),
        None => problems.push(Problem::new(
            "geo-replication-unknown",
            "whether geo-replication runs is not known",
            "wait until the hosts answer",
        )),
    }

    let counters = facts.parts.values().fold(Counters::default(), |sum, (_, c)| sum + *c);
    let not_moved = counters.failed.saturating_add(counters.skipped);
    if not_moved > 0 {
        loss.push(Problem::new(
            "files-not-moved",
            format!("{} failed, {} skipped", count(counters.failed, "file"), counters.skipped),
            "stop it, make room or mend what failed, and start it again",
        ));
    }
    let left = walks(facts, &mut problems, &mut loss);
    let files = if loss.is_empty() { None } else { Some(left.max(not_moved)) };
    Gate { problems, loss, files }
}

/// The bricks named have to be exactly the task's own.
fn bricks(facts: &GateFacts<'_>, problems: &mut Vec<Problem>) {
    let own: Vec<&TaskBrick> = facts.task.bricks.iter().collect();
    let unresolved: Vec<String> =
        own.iter().filter(|b| b.brick.is_none()).map(|b| b.name.to_string()).collect();
    if !unresolved.is_empty() || own.is_empty() {
        problems.push(Problem::new(
            "bricks-unknown",
            format!("which bricks the task takes away is not known for sure: {}", list(unresolved)),
            "commit it with Gluster's own command line, once you are sure",
        ));
    }
    if facts.named.is_empty() {
        return;
    }
    let is_own = |named: &Brick| own.iter().any(|b| b.brick.as_ref() == Some(named));
    let all_named = own.iter().all(|b| b.brick.as_ref().is_none_or(|b| facts.named.contains(b)));
    if !all_named || !facts.named.iter().all(is_own) {
        let names = list(own.iter().map(|b| b.name.to_string()));
        problems.push(
            Problem::new(
                "other-bricks",
                format!("the task takes away {names}, no more and no fewer"),
                "name just these, or none: a commit of a part leaves the rest decommissioned",
            )
            .of("bricks"),
        );
    }
}

/// What the walks found; how many files are left.
fn walks(facts: &GateFacts<'_>, problems: &mut Vec<Problem>, loss: &mut Vec<Problem>) -> u64 {
    let mut left: u64 = 0;
    for brick in &facts.task.bricks {
        let walk = brick.brick.as_ref().and_then(|b| facts.walks.get(b));
        match walk {
            Some(Walk::Finished { files: 0, .. }) => {}
            Some(Walk::Finished { files, names }) => {
                left = left.saturating_add(*files);
                let first = names.first().map(|n| format!(", {n} among them")).unwrap_or_default();
                loss.push(Problem::new(
                    "files-left",
                    format!("{} still lie on {}{first}", count(*files, "file"), brick.name),
                    "stop the remove-brick and start it again to move them",
                ));
            }
            Some(Walk::Unfinished(why)) => problems.push(Problem::new(
                "walk-unfinished",
                format!("whether files are left on {} is not known: {why}", brick.name),
                "try again once the brick can be read",
            )),
            None => problems.push(Problem::new(
                "walk-missing",
                format!("{} was not looked at for files that are left", brick.name),
                "bring its host's agent back",
            )),
        }
    }
    left
}
