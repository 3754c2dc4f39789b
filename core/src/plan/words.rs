//! How the plan speaks to an operator.

use crate::record::TaskRecord;
use crate::task::TaskType;

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// What a task does, to what.
pub(super) fn describe(task: &TaskRecord) -> String {
    let volume = &task.volume_name;
    match &task.task_type {
        Some(TaskType::Rebalance { fix_layout: false }) => format!("Rebalance of {volume}"),
        Some(TaskType::Rebalance { fix_layout: true }) => format!("Fix-layout of {volume}"),
        Some(TaskType::RemoveBrick) if task.bricks.is_empty() => {
            format!("Remove-brick of {volume}")
        }
        Some(TaskType::RemoveBrick) => {
            format!("Remove-brick of {volume}: {}", list(task.bricks.iter().map(|b| b.name.to_string())))
        }
        Some(TaskType::ReplaceBrick { reset: false }) => format!("Replace-brick of {volume}"),
        Some(TaskType::ReplaceBrick { reset: true }) => format!("Reset-brick of {volume}"),
        Some(TaskType::Other(name)) => format!("{name} of {volume}"),
        None => format!("Task of {volume}, type not known yet"),
    }
}

impl TaskRecord {
    /// What the task does, to what: the job's description.
    #[must_use]
    pub fn description(&self) -> String {
        describe(self)
    }
}
