//! Jobs and steps of found tasks, in words.

use hod_core::record::TaskRecord;
use hod_core::task::TaskType;

/// What a found task's job does, such as "Removing bricks node-c:/bricks/d1 from volume dist".
#[must_use]
pub fn describe_job(task: &TaskRecord) -> String {
    let volume = &task.volume_name;
    let bricks = || {
        let names: Vec<&str> = task.bricks.iter().map(|b| b.name.as_str()).collect();
        match names.as_slice() {
            [] => "bricks".to_owned(),
            [one] => format!("brick {one}"),
            more => format!("bricks {}", more.join(", ")),
        }
    };
    match &task.task_type {
        Some(TaskType::Rebalance { fix_layout: false }) => format!("Rebalancing volume {volume}"),
        Some(TaskType::Rebalance { fix_layout: true }) => {
            format!("Fixing the layout of volume {volume}")
        }
        Some(TaskType::RemoveBrick) => format!("Removing {} from volume {volume}", bricks()),
        Some(TaskType::ReplaceBrick { reset: false }) => {
            format!("Replacing a brick of volume {volume}")
        }
        Some(TaskType::ReplaceBrick { reset: true }) => {
            format!("Resetting a brick of volume {volume}")
        }
        Some(TaskType::Other(name)) => format!("Task {name:?} of volume {volume}"),
        None => format!("Task of volume {volume}, of a type not told yet"),
    }
}

/// What the sub-step that carries the task does.
#[must_use]
pub fn describe_step(task: &TaskRecord) -> String {
    describe_job(task)
}
