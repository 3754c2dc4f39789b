//! When there is nothing more to wait for at a remove-brick whose job stays open:
//! its migration has ended, and somebody has to commit it or stop it.

use hod_proto::coordinator::v1::{Attention, Job, Task};
use hod_proto::types::v1::TaskType;

use crate::exit::Exit;
use crate::render::jobs::volumes;
use crate::render::short;

use super::board::tasks;

/// How the migration of an open job ended. `None`: it goes on, or, where the job
/// commits by itself, the commit does.
#[must_use]
pub fn ended(job: &Job, commits_itself: bool) -> Option<Exit> {
    let exit = tasks(job).find_map(|task| {
        if attention(task, "stop-or-retry").is_some() {
            return Some(Exit::Failed);
        }
        attention(task, "awaiting-commit")?;
        Some(if has_moved_all(task) { Exit::Ok } else { Exit::FailedFiles })
    })?;
    (exit != Exit::Ok || !commits_itself).then_some(exit)
}

/// What is to be done now, in a line.
#[must_use]
pub fn says(job: &Job, exit: Exit) -> String {
    let id = short(&job.job_id, 8);
    if exit == Exit::Ok {
        let volume = volumes(job);
        return format!(
            "Job {id} awaits commit: `hod remove-brick commit {volume}` takes the bricks away, \
             `hod remove-brick stop {volume}` keeps them."
        );
    }
    let told = tasks(job)
        .find_map(|task| attention(task, "stop-or-retry").or_else(|| attention(task, "awaiting-commit")));
    format!("Job {id} stays open: {}", told.map_or("", |told| &told.text))
}

fn attention<'a>(task: &'a Task, code: &str) -> Option<&'a Attention> {
    let wanted = task.r#type() == TaskType::RemoveBrick;
    task.attention.iter().find(|attention| wanted && attention.code == code)
}

/// Whether no file failed or was passed over, on hosts that all took part.
fn has_moved_all(task: &Task) -> bool {
    let counted = task.counters.as_ref().is_some_and(|sum| sum.failed == 0 && sum.skipped == 0);
    counted && !task.parts.iter().any(|part| part.must_take_part && part.took_no_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{job_of, rebalance, remove_brick};

    #[test]
    fn a_migration_that_moved_all_awaits_its_commit() {
        let job = job_of(remove_brick());
        assert_eq!(ended(&job, false), Some(Exit::Ok));
        assert_eq!(ended(&job, true), None, "it goes on to its commit");
        let says = says(&job, Exit::Ok);
        assert!(says.contains("`hod remove-brick commit gv0`"), "{says}");
    }

    #[test]
    fn one_that_is_under_way_has_not_ended() {
        let mut task = remove_brick();
        task.attention.clear();
        assert_eq!(ended(&job_of(task), false), None);
        assert_eq!(ended(&job_of(rebalance()), false), None);
    }

    #[test]
    fn files_left_behind_are_told_even_where_it_would_commit_itself() {
        let mut failed = remove_brick();
        failed.counters.as_mut().unwrap().failed = 2;
        let mut skipped = remove_brick();
        skipped.counters.as_mut().unwrap().skipped = 1;
        let mut absent = remove_brick();
        absent.parts[0].took_no_part = true;
        for task in [failed, skipped, absent] {
            let job = job_of(task);
            assert_eq!(ended(&job, true), Some(Exit::FailedFiles));
            assert!(says(&job, Exit::FailedFiles).contains("the migration has ended"));
        }
    }

    #[test]
    fn one_that_failed_waits_to_be_stopped() {
        let mut task = remove_brick();
        task.attention[0].code = "stop-or-retry".to_owned();
        task.attention[0].text = "failed: stop it".to_owned();
        let job = job_of(task);
        assert_eq!(ended(&job, true), Some(Exit::Failed));
        assert!(says(&job, Exit::Failed).ends_with("failed: stop it"));
    }
}
