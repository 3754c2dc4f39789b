//! What this host's own glusterd says of each volume's task, from its sources:
//! `get-state` says what there is; `node_state.info` adds, for the same task id,
//! what get-state does not tell; `volume status … tasks` stands in where get-state
//! refuses.

use std::collections::BTreeMap;

use hod_core::id::VolumeId;
use hod_core::observation::{Holding, OwnTask};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_proto::agent::v1::own_look::Source;
use tokio::time::Instant;

use crate::gluster::{GetState, ListedTask, NodeState, StateTask, VolumeTasks};
use crate::picture::{OwnLook, OwnLooks};

/// What glusterd's files say, by the volumes' names.
pub(crate) type Hints = BTreeMap<String, NodeState>;

/// The looks that a `get-state` at this time makes.
pub(crate) fn from_get_state(state: GetState, hints: &Hints, at: Instant) -> OwnLooks {
    let look = |volume: crate::gluster::StateVolume| {
        let holding = holding(&volume.task, hints.get(&volume.name));
        let look = OwnLook { volume_name: volume.name, holding, source: Source::GetState, at };
        (volume.id, look)
    };
    state.volumes.into_iter().map(look).collect()
}

/// The looks that a task list makes, of the volumes that it lists and that are
/// known. A list sums a task's status up over the hosts, so that this host's own
/// part is known only from its file.
pub(crate) fn from_task_list(
    list: Vec<VolumeTasks>,
    id_of: impl Fn(&str) -> Option<VolumeId>,
    hints: &Hints,
    at: Instant,
) -> OwnLooks {
    let look = |of: VolumeTasks| {
        let id = id_of(&of.volume)?;
        let hint = hints.get(&of.volume);
        let holding = match the_task(of.tasks) {
            None => Holding::Nothing { residue: None },
            Some(task) => Holding::Task(listed(task, hint)),
        };
        let look = OwnLook { volume_name: of.volume, holding, source: Source::TaskList, at };
        Some((id, look))
    };
    list.into_iter().filter_map(look).collect()
}

/// Up to 3.6 a volume may have several: the one that runs is told.
fn the_task(tasks: Vec<ListedTask>) -> Option<ListedTask> {
    let running = tasks.iter().position(|task| task.status == PartStatus::InProgress);
    tasks.into_iter().nth(running.unwrap_or(0))
}

fn holding(task: &StateTask, hint: Option<&NodeState>) -> Holding {
    let counters = exact(task.counters, hint);
    let Some(id) = task.id else {
        // "Not started" under no id: nothing is left of any task.
        let told = !matches!(task.status, PartStatus::NotStarted | PartStatus::Unknown);
        return Holding::Nothing { residue: told.then_some((task.status, counters)) };
    };
    let hint = hint.filter(|hint| hint.id == Some(id));
    let task_type = hint
        .and_then(NodeState::task_type)
        .or_else(|| task.fix_layout.then_some(TaskType::Rebalance { fix_layout: true }));
    Holding::Task(OwnTask {
        id,
        bricks: match &task_type {
            Some(TaskType::RemoveBrick) => hint.map(|h| h.bricks.clone()).unwrap_or_default(),
            _ => Vec::new(),
        },
        task_type,
        status: task.status,
        // A host that takes no part has done nothing that could be told.
        counters: (task.status != PartStatus::NotStarted).then_some(counters),
        time_left: task.time_left,
    })
}

/// The file has the same counters as get-state from the part's end on, and there
/// the bytes are not rounded and the run time is told.
fn exact(counters: Counters, hint: Option<&NodeState>) -> Counters {
    let same = |c: &Counters| (c.files, c.scanned, c.failed, c.skipped);
    hint.filter(|hint| hint.status.is_ended())
        .map(|hint| hint.counters)
        .filter(|exact| same(exact) == same(&counters))
        .unwrap_or(counters)
}

fn listed(task: ListedTask, hint: Option<&NodeState>) -> OwnTask {
    let hint = hint.filter(|hint| hint.id == Some(task.id));
    OwnTask {
        id: task.id,
        task_type: match (task.task_type, hint.and_then(NodeState::task_type)) {
            (TaskType::Rebalance { .. }, Some(told @ TaskType::Rebalance { .. })) => Some(told),
            (told, _) => Some(told),
        },
        bricks: task.bricks,
        status: hint.map_or(PartStatus::Unknown, |hint| hint.status),
        counters: hint.map(|hint| hint.counters),
        time_left: None,
    }
}

/// Whether a task's id has changed on any volume, or has vanished: `volume info` is
/// then asked again, since what became of the task is judged by the bricks, too.
pub(crate) fn lost_a_task(before: &OwnLooks, now: &OwnLooks) -> bool {
    before.iter().any(|(volume, look)| {
        let held = task_id(look);
        held.is_some() && now.get(volume).and_then(task_id) != held
    })
}

/// Whether anything but counters has changed: a transition may be under way.
pub(crate) fn turned(before: &OwnLooks, now: &OwnLooks) -> bool {
    let state = |look: &OwnLook| match &look.holding {
        Holding::Task(task) => (Some(task.id), Some(task.status)),
        Holding::Nothing { residue } => (None, residue.map(|(status, _)| status)),
    };
    before.len() != now.len()
        || before.iter().zip(now).any(|((a, before), (b, now))| a != b || state(before) != state(now))
}

fn task_id(look: &OwnLook) -> Option<hod_core::id::TaskId> {
    match &look.holding {
        Holding::Task(task) => Some(task.id),
        Holding::Nothing { .. } => None,
    }
}

#[cfg(test)]
mod tests;
