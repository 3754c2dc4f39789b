//! Bricks as operators name them, resolved.

use hod_core::brick::{Brick, BrickName, TaskBrick};
use hod_core::command::names;
use hod_core::command::problem::Problem;
use hod_core::record::TaskRecord;
use hod_core::volume::VolumeBrick;

use super::gather::Known;

/// The bricks that were named, as far as they could be resolved, and what was wrong
/// with the others.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) bricks: Vec<Brick>,
    pub(super) problems: Vec<Problem>,
}

impl Known {
    /// The volume's bricks of these names. A name of a known host with a path that is
    /// none of the volume's is kept: the checks say that there is no such brick.
    pub(super) fn resolve(&self, field: &'static str, names: &[String]) -> Named {
        let mut named = Named::default();
        for text in names {
            match self.resolve_one(field, text) {
                Ok(brick) => named.bricks.push(brick),
                Err(problem) => named.problems.push(problem),
            }
        }
        named
    }

    fn resolve_one(&self, field: &'static str, text: &str) -> Result<Brick, Problem> {
        let name = read(field, text)?;
        if let Some(found) = self.facts().find(&name, &self.names_of) {
            return found.brick.clone().ok_or_else(|| {
                let message = format!("which host {name} is on is not known");
                Problem::new("brick-unknown", message, "wait until its host's agent answers").of(field)
            });
        }
        self.new_brick(field, &name)
    }

    /// A brick that need not be the volume's: a folder of one of the pool's hosts.
    pub(super) fn new_brick(&self, field: &'static str, name: &BrickName) -> Result<Brick, Problem> {
        let called = |names: &Vec<String>| names.iter().any(|n| n.eq_ignore_ascii_case(name.host()));
        let host = self.names_of.iter().find(|(_, names)| called(names));
        match host {
            Some((host, _)) => Ok(Brick { host: *host, path: name.path().to_owned() }),
            None => {
                let hosts: Vec<String> = self.hosts.values().map(|h| h.name.clone()).collect();
                let message = format!("no host of pool {} is called {:?}", self.pool.name, name.host());
                let advice = format!("its hosts are {}", hosts.join(", "));
                Err(Problem::new("unknown-host", message, advice).of(field))
            }
        }
    }

    /// The volume's brick.
    pub(super) fn volume_brick(&self, brick: &Brick) -> Option<&VolumeBrick> {
        self.volume.bricks.iter().find(|b| b.brick.as_ref() == Some(brick))
    }

    /// Bricks as `volume info` names them, for an agent.
    pub(super) fn names(&self, bricks: &[Brick]) -> Vec<String> {
        bricks.iter().filter_map(|b| self.volume_brick(b)).map(|b| b.name.to_string()).collect()
    }

    /// Bricks as a task lists them.
    pub(super) fn task_bricks(&self, bricks: &[Brick]) -> Vec<TaskBrick> {
        let found = bricks.iter().filter_map(|b| self.volume_brick(b));
        found.map(|b| TaskBrick { name: b.name.clone(), brick: b.brick.clone() }).collect()
    }
}

/// Reads a brick's name.
pub(super) fn read(field: &'static str, text: &str) -> Result<BrickName, Problem> {
    names::brick(text).map_err(|e| Problem::new("bad-name", e.to_string(), "name it HOST:/PATH").of(field))
}

/// A task's bricks as it lists them, for an agent.
pub(super) fn as_listed(task: &TaskRecord) -> Vec<String> {
    task.bricks.iter().map(|b| b.name.to_string()).collect()
}

/// That the bricks named are not just the task's own, if they are not. None named
/// means the task's.
pub(super) fn other_bricks(task: &TaskRecord, named: &Named) -> Vec<Problem> {
    let mut problems = named.problems.clone();
    let own = |brick: &Brick| task.bricks.iter().any(|b| b.brick.as_ref() == Some(brick));
    let all = task.bricks.iter().all(|b| b.brick.as_ref().is_some_and(|b| named.bricks.contains(b)));
    let just_these = all && named.bricks.iter().all(own);
    if !named.bricks.is_empty() && !just_these {
        let listed = as_listed(task).join(", ");
        problems.push(
            Problem::new(
                "other-bricks",
                format!("the task takes away {listed}, no more and no fewer"),
                "name just these, or none",
            )
            .of("bricks"),
        );
    }
    problems
}

/// Puts what could not be resolved before what the checks found. Where nothing could
/// be, that nothing is named is no news.
pub(super) fn with_unresolved(named: Named, mut found: Vec<Problem>) -> Vec<Problem> {
    if named.bricks.is_empty() && !named.problems.is_empty() {
        found.retain(|p| p.code != "no-bricks");
    }
    let mut all = named.problems;
    all.extend(found);
    all
}
