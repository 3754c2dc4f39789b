//! What has to hold before a command is run. Each check says all that is wrong.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::problem::Problem;
use super::space::{self, SpacePlan};
use crate::brick::Brick;
use crate::id::HostId;
use crate::plan::words::{count, list};
use crate::task::{TaskStatus, TaskType};
use crate::volume::{VolumeBrick, VolumeStatus};

/// Before a rebalance or a fix-layout is started, or goes on after a pause (which
/// holds the volume itself).
#[must_use]
pub fn start_rebalance(facts: &Facts<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    started(facts, &mut problems);
    let sets = facts.volume.sets().count();
    if sets < 2 {
        problems.push(
            Problem::new(
                "not-distributed",
                format!(
                    "{} has its files on one {}: there is nothing to spread",
                    facts.volume.name,
                    one_set(facts)
                ),
                "add bricks first",
            )
            .of("volume"),
        );
    }
    free_of_tasks(facts, &mut problems);
    all_sets_serve(facts, &mut problems);
    hosts_answer(facts, facts.volume.hosts().collect(), &mut problems);
    no_heals(facts, &mut problems);
    problems
}

/// Before a remove-brick of whole sets is started, with what would move.
#[must_use]
pub fn start_remove_brick(facts: &Facts<'_>, bricks: &[Brick]) -> (Vec<Problem>, Option<SpacePlan>) {
    let mut problems = Vec::new();
    whole_sets(facts, bricks, &mut problems);
    // Without sets that go there is nothing that needs room.
    let sets_go = problems.is_empty();
    started(facts, &mut problems);
    free_of_tasks(facts, &mut problems);
    all_sets_serve(facts, &mut problems);
    hosts_answer(facts, facts.volume.hosts().collect(), &mut problems);
    no_heals(facts, &mut problems);
    let plan = space::plan(facts, bricks);
    match &plan {
        _ if !sets_go => {}
        None => problems.push(Problem::new(
            "space-unknown",
            "the space of some bricks is not known, so whether the files fit is not either",
            "bring the agents of all hosts up",
        )),
        Some(plan) if !plan.fits() => problems.push(Problem::new(
            "no-space",
            format!(
                "up to {} bytes have to move, and the bricks that stay take {} above cluster.min-free-disk",
                plan.to_move, plan.room
            ),
            "add bricks first, or remove fewer",
        )),
        Some(_) => {}
    }
    (problems, plan)
}

/// Before whole sets are taken away without moving their files.
#[must_use]
pub fn force_remove_brick(facts: &Facts<'_>, bricks: &[Brick]) -> Vec<Problem> {
    let mut problems = Vec::new();
    // A remove-brick under way may be ended by force; any other task may not.
    if facts.task.is_none_or(|t| t.task_type != Some(TaskType::RemoveBrick)) {
        free_of_tasks(facts, &mut problems);
    }
    whole_sets(facts, bricks, &mut problems);
    problems
}

/// Before the replica count is lowered by taking one brick of each set away.
#[must_use]
pub fn lower_replica_count(facts: &Facts<'_>, left: u32, bricks: &[Brick]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let volume = facts.volume;
    let now = volume.replica_count;
    started(facts, &mut problems);
    free_of_tasks(facts, &mut problems);
    if left == 0 || left >= now || now < 2 || volume.disperse_count > 0 {
        let message =
            format!("{} keeps each file {now} times: the count can be lowered to 1 at least", volume.name);
        problems
            .push(Problem::new("replica-count", message, "name a lower count than now").of("replica_count"));
    } else if left + 1 != now {
        problems.push(
            Problem::new(
                "replica-count",
                format!("the count is {now} now: it is lowered by one at a time"),
                format!("lower it to {} first", now - 1),
            )
            .of("replica_count"),
        );
    } else {
        for (n, set) in volume.sets().enumerate() {
            let named = set.iter().filter(|b| names(bricks, b)).count();
            if named != 1 {
                let set = list(set.iter().map(|b| b.name.to_string()));
                problems.push(
                    Problem::new(
                        "one-of-each-set",
                        format!(
                            "{named} bricks of replica set {} are named ({set}), and one has to go",
                            n + 1
                        ),
                        "name exactly one brick of each replica set",
                    )
                    .of("bricks"),
                );
            }
        }
    }
    known_bricks(facts, bricks, &mut problems);
    let staying = volume.bricks.iter().filter(|b| !names(bricks, b));
    let down: Vec<String> =
        staying.filter(|b| facts.brick(b).serves != Some(true)).map(|b| b.name.to_string()).collect();
    if !down.is_empty() {
        problems.push(Problem::new(
            "brick-down",
            format!("not serving, or not known to: {}", list(down)),
            "every brick that stays has to be up: it will hold the only copies",
        ));
    }
    no_heals(facts, &mut problems);
    no_split_brain(facts, &mut problems);
    hosts_answer(facts, volume.hosts().collect(), &mut problems);
    problems
}

/// Before a brick is replaced by another, or by itself anew (`reset`).
#[must_use]
pub fn replace_brick(facts: &Facts<'_>, old: Option<&VolumeBrick>, new_host: Option<HostId>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let volume = facts.volume;
    started(facts, &mut problems);
    free_of_tasks(facts, &mut problems);
    if volume.replica_count < 2 && volume.disperse_count == 0 {
        problems.push(
            Problem::new(
                "not-replicated",
                format!("{} holds one copy of each file: the brick's files would be lost", volume.name),
                "add a brick and remove this one instead",
            )
            .of("volume"),
        );
    }
    let Some(old) = old else {
        problems.push(
            Problem::new(
                "no-such-brick",
                format!("{} has no such brick", volume.name),
                format!("its bricks are {}", list(volume.bricks.iter().map(|b| b.name.to_string()))),
            )
            .of("old_brick"),
        );
        return problems;
    };
    let set = volume.sets().find(|set| set.iter().any(|b| b == old)).unwrap_or_default();
    let others: Vec<&VolumeBrick> = set.iter().filter(|b| *b != old && !b.arbiter).collect();
    let serving = others.iter().filter(|b| facts.brick(b).serves == Some(true));
    let good = serving.clone().filter(|b| facts.brick(b).pending == Some(0)).count();
    let needed = if volume.disperse_count > 0 {
        usize::try_from(volume.disperse_count.saturating_sub(volume.redundancy_count)).unwrap_or(1)
    } else {
        1
    };
    // A brick that is pending heals of others' entries holds what they lack.
    let old_is_source = facts.brick(old).serves == Some(true) && facts.brick(old).pending != Some(0);
    if serving.count() < needed || (old_is_source && good < needed) {
        problems.push(
            Problem::new(
                "only-good-copy",
                format!("{} may hold the only good copy of some files", old.name),
                "let the other bricks of its set come up and heal first",
            )
            .of("old_brick"),
        );
    }
    let mut hosts: BTreeSet<HostId> = others.iter().filter_map(|b| Some(b.brick.as_ref()?.host)).collect();
    hosts.extend(new_host);
    hosts_answer(facts, hosts, &mut problems);
    no_split_brain(facts, &mut problems);
    problems
}

/// Before a task of a type is stopped or paused.
#[must_use]
pub fn stop(facts: &Facts<'_>, remove_brick: bool) -> Vec<Problem> {
    let what = if remove_brick { "remove-brick" } else { "rebalance" };
    let name = &facts.volume.name;
    let is_remove_brick = |t: &TaskType| *t == TaskType::RemoveBrick;
    match facts.task {
        None => vec![
            Problem::new("no-task", format!("{name} has no {what}"), "there is nothing to stop").of("volume"),
        ],
        Some(task) if task.task_type.as_ref().is_some_and(is_remove_brick) != remove_brick => {
            let message = format!("{name} has another task: {}", task.description());
            vec![Problem::new("other-task", message, "stop it by its own command").of("volume")]
        }
        Some(task) if !remove_brick && task.status.is_ended() => {
            let message = format!("the {what} of {name} has ended: {}", task.status.code());
            vec![Problem::new("task-ended", message, "there is nothing to stop").of("volume")]
        }
        Some(_) => Vec::new(),
    }
}

/// Before a remove-brick is paused.
#[must_use]
pub fn pause_remove_brick(facts: &Facts<'_>) -> Vec<Problem> {
    let mut problems = stop(facts, true);
    if facts.task.is_some_and(|t| t.status != TaskStatus::Running) && problems.is_empty() {
        problems.push(Problem::new("not-running", "its migration does not run", "there is nothing to pause"));
    }
    if facts
        .volume
        .options
        .get("features.shard")
        .is_some_and(|v| matches!(v.as_str(), "on" | "enable" | "true" | "1"))
    {
        problems.push(Problem::new(
            "sharded",
            "a remove-brick of a volume with features.shard on can't be stopped and go on: files have been corrupted by it",
            "let it run to its end",
        ));
    }
    problems
}

fn started(facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    if facts.volume.status != VolumeStatus::Started {
        problems.push(
            Problem::new(
                "volume-not-started",
                format!("{} is not started", facts.volume.name),
                format!("gluster volume start {}", facts.volume.name),
            )
            .of("volume"),
        );
    }
}

/// One volume, one operation.
fn free_of_tasks(facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    if let Some((job, what)) = &facts.held_by {
        problems.push(
            Problem::new(
                "volume-busy",
                format!("{} is in the hands of job {job}: {what}", facts.volume.name),
                format!("wait for it, or stop it: hod job {job}"),
            )
            .of("volume"),
        );
    } else if let Some(task) = facts.task.filter(|t| !t.status.is_ended()) {
        problems.push(
            Problem::new(
                "volume-busy",
                format!("under way: {}", task.description()),
                "wait for it, or stop it",
            )
            .of("volume"),
        );
    }
    if let Some(disagreement) = &facts.disagreement {
        problems.push(Problem::new(
            "hosts-disagree",
            disagreement.clone(),
            "wait until the task has ended on every host, or restart glusterd where it is stale",
        ));
    }
}

/// The bricks have to be the volume's, whole sets, and not all of them.
fn whole_sets(facts: &Facts<'_>, bricks: &[Brick], problems: &mut Vec<Problem>) {
    let volume = facts.volume;
    known_bricks(facts, bricks, problems);
    for set in volume.sets() {
        let (named, missing): (Vec<&VolumeBrick>, Vec<&VolumeBrick>) =
            set.iter().partition(|b| names(bricks, b));
        if !named.is_empty() && !missing.is_empty() {
            let kind = if volume.disperse_count > 0 { "disperse" } else { "replica" };
            problems.push(
                Problem::new(
                    "part-of-a-set",
                    format!(
                        "{} is a part of a {kind} set only",
                        list(named.iter().map(|b| b.name.to_string()))
                    ),
                    format!("name the whole set: also {}", list(missing.iter().map(|b| b.name.to_string()))),
                )
                .of("bricks"),
            );
        }
    }
    if !bricks.is_empty() && volume.bricks.iter().all(|b| names(bricks, b)) {
        problems.push(
            Problem::new(
                "all-bricks",
                format!("these are all bricks of {}", volume.name),
                "at least one set has to stay; to be rid of the volume, delete it",
            )
            .of("bricks"),
        );
    }
}

fn known_bricks(facts: &Facts<'_>, bricks: &[Brick], problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    if bricks.is_empty() {
        problems.push(
            Problem::new("no-bricks", "no bricks are named", "name the bricks that are to go").of("bricks"),
        );
    }
    for brick in bricks {
        let name = format!("{}:{}", facts.host_name(brick.host), brick.path);
        if !seen.insert(brick) {
            problems.push(
                Problem::new("brick-twice", format!("{name} is named twice"), "name it once").of("bricks"),
            );
        } else if !facts.volume.has(brick) {
            let message = format!("{} has no brick {name}", facts.volume.name);
            let all = list(facts.volume.bricks.iter().map(|b| b.name.to_string()));
            problems
                .push(Problem::new("no-such-brick", message, format!("its bricks are {all}")).of("bricks"));
        }
    }
}

/// A set of which nothing serves would lose its part of every folder.
fn all_sets_serve(facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    for set in facts.volume.sets() {
        let count = |serves| set.iter().filter(|b| facts.brick(b).serves == serves).count();
        let (serving, unknown) = (count(Some(true)), count(None));
        let needed = if facts.volume.disperse_count > 0 {
            usize::try_from(facts.volume.disperse_count.saturating_sub(facts.volume.redundancy_count))
                .unwrap_or(1)
        } else {
            1
        };
        let names = list(set.iter().map(|b| b.name.to_string()));
        if serving + unknown < needed {
            problems.push(Problem::new(
                "set-down",
                format!("not enough of {names} serves"),
                format!("bring its bricks up: gluster volume start {} force", facts.volume.name),
            ));
        } else if serving < needed {
            problems.push(Problem::new(
                "serving-unknown",
                format!("whether enough of {names} serves is not known: get-state does not tell"),
                "bring their hosts' agents up; where get-state refuses since a brick of some volume was \
                 replaced: gluster volume rebalance VOLUME fix-layout start, of that volume",
            ));
        }
    }
}

fn hosts_answer(facts: &Facts<'_>, hosts: BTreeSet<HostId>, problems: &mut Vec<Problem>) {
    for host in hosts {
        let known = facts.hosts.get(&host);
        if known.is_none_or(|h| !h.connected) {
            problems.push(Problem::new(
                "host-disconnected",
                format!("{} is not connected to the pool", facts.host_name(host)),
                "bring it back first: a host that is away at a start takes no part",
            ));
        } else if known.is_none_or(|h| !h.answers) {
            problems.push(Problem::new(
                "agent-silent",
                format!("the agent of {} does not answer", facts.host_name(host)),
                "bring hod-agent up there: without it its part can't be followed",
            ));
        }
    }
}

fn no_heals(facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    if facts.volume.replica_count < 2 && facts.volume.disperse_count == 0 {
        return;
    }
    let pending: u64 = facts.volume.bricks.iter().filter_map(|b| facts.brick(b).pending).sum();
    if pending > 0 {
        problems.push(Problem::new(
            "heals-pending",
            format!(
                "{} to be healed",
                if pending == 1 { "1 entry waits".to_owned() } else { format!("{pending} entries wait") }
            ),
            format!("wait until gluster volume heal {} info shows none", facts.volume.name),
        ));
    }
    let unknown = facts.volume.bricks.iter().filter(|b| facts.brick(b).pending.is_none());
    let unknown: Vec<String> = unknown.map(|b| b.name.to_string()).collect();
    if !unknown.is_empty() {
        problems.push(Problem::new(
            "heals-unknown",
            format!("whether heals are pending is not known for {}", list(unknown)),
            "bring the agents of their hosts up",
        ));
    }
}

fn no_split_brain(facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    let in_split_brain: u64 = facts.volume.bricks.iter().filter_map(|b| facts.brick(b).split_brain).sum();
    if in_split_brain > 0 {
        problems.push(Problem::new(
            "split-brain",
            format!("{} in split-brain", count(in_split_brain, "file")),
            format!("resolve it first: gluster volume heal {} info split-brain", facts.volume.name),
        ));
    }
}

fn names(bricks: &[Brick], brick: &VolumeBrick) -> bool {
    brick.brick.as_ref().is_some_and(|b| bricks.contains(b))
}

fn one_set(facts: &Facts<'_>) -> &'static str {
    match (facts.volume.disperse_count, facts.volume.replica_count) {
        (0, 0 | 1) => "brick",
        (0, _) => "replica set",
        _ => "disperse set",
    }
}
