//! How many tasks that nobody here started become jobs at a time.
//!
//! Each becomes rows that are kept for months, so that an agent which tells of new tasks
//! without end would fill the database that all pools share. What has to wait is not lost:
//! a task that is still held is found again by a later sync.

use std::sync::{Mutex, PoisonError};

use hod_core::change::{Change, Origin, Planned};
use hod_core::event::{EventDraft, Severity};
use tokio::time::Instant;

/// So many at once: a first look at a pool in which every volume has a task.
const AT_ONCE: u64 = 20_000;
/// So many a minute in the long run. Gluster's own command line starts no more.
const A_MINUTE: u64 = 60;

/// A pool's account of found tasks.
#[derive(Debug)]
pub struct Admission(Mutex<Account>);

#[derive(Debug)]
struct Account {
    left: u64,
    /// When something was last added to what is left.
    at: Instant,
    /// Tasks had to wait the last time.
    waiting: bool,
}

impl Default for Admission {
    fn default() -> Self {
        Self(Mutex::new(Account { left: AT_ONCE, at: Instant::now(), waiting: false }))
    }
}

impl Admission {
    /// Takes the found tasks out of a plan that have to wait, and returns how many; the
    /// first time an event says so. A plan may be applied in part: planned for again, the
    /// rest comes to the same.
    pub(super) fn admit(&self, plan: &mut Vec<Planned>) -> usize {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        account.refill();
        let before = plan.len();
        plan.retain(|planned| !is_found(&planned.change) || account.take());
        let waiting = before - plan.len();
        if waiting > 0
            && !account.waiting
            && let Some(last) = plan.last_mut()
        {
            last.events.push(too_many());
            account.waiting = true;
        }
        account.waiting &= waiting > 0;
        waiting
    }
}

impl Account {
    fn refill(&mut self) {
        let minutes = self.at.elapsed().as_secs() / 60;
        if minutes > 0 {
            self.left = AT_ONCE.min(self.left + minutes.min(AT_ONCE) * A_MINUTE);
            self.at = Instant::now();
        }
    }

    fn take(&mut self) -> bool {
        let taken = self.left.checked_sub(1);
        self.left = taken.unwrap_or(0);
        taken.is_some()
    }
}

fn is_found(change: &Change) -> bool {
    matches!(change, Change::PutTask(put) if put.origin == Origin::Found)
}

fn too_many() -> EventDraft {
    EventDraft {
        severity: Severity::Error,
        kind: "too-many-tasks",
        message: format!(
            "the pool's hosts tell of more new tasks than Gluster starts: {A_MINUTE} a minute become jobs, \
             the others have to wait; see whether a host's agent is broken"
        ),
        volume: None,
        job: None,
        actor: "hod".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use hod_core::change::{LockChange, PutTask};
    use hod_core::id::{FoundIds, PoolId, TaskId, VolumeId};
    use hod_core::job::JobStatus;
    use hod_core::record::{Absence, TaskRecord};
    use hod_core::task::TaskStatus;
    use jiff::Timestamp;
    use newtype_uuid::GenericUuid as _;
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    fn plan(origin: Origin, count: u64) -> Vec<Planned> {
        let planned = |n| {
            let id = TaskId::from_untyped_uuid(Uuid::from_u128(n));
            let ids = FoundIds::of(PoolId::from_untyped_uuid(Uuid::nil()), id);
            let task = task(id, ids);
            let put = PutTask { task, origin, job: None, step: None, lock: LockChange::Keep };
            Planned { change: Change::PutTask(Box::new(put)), events: Vec::new() }
        };
        (0..u128::from(count)).map(planned).collect()
    }

    fn task(task: TaskId, ids: FoundIds) -> TaskRecord {
        TaskRecord {
            job: ids.job,
            executing: ids.executing,
            step: ids.step,
            job_status: JobStatus::Started,
            step_status: JobStatus::Started,
            message: String::new(),
            task,
            external: true,
            run: 1,
            earlier: BTreeMap::new(),
            pause: None,
            task_type: None,
            volume: VolumeId::from_untyped_uuid(Uuid::nil()),
            volume_name: "dist".into(),
            bricks: Vec::new(),
            status: TaskStatus::Running,
            parts: BTreeMap::new(),
            attention: Vec::new(),
            found_at: Timestamp::UNIX_EPOCH,
            running_at: None,
            ended_at: None,
            followed: false,
            abandoned: false,
            absence: Absence::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_without_end_have_to_wait_and_that_is_told_once() {
        let admission = Admission::default();
        let mut first = plan(Origin::Found, AT_ONCE + 7);
        assert_eq!(admission.admit(&mut first), 7);
        assert_eq!(first.len() as u64, AT_ONCE);
        assert_eq!(first.last().unwrap().events[0].kind, "too-many-tasks");

        advance(Duration::from_secs(60)).await;
        let mut second = plan(Origin::Found, 100);
        assert_eq!(admission.admit(&mut second), 100 - 60);
        assert!(second.iter().all(|planned| planned.events.is_empty()));
        // What is known already, or was started here, never waits.
        let mut known = plan(Origin::Known, 100);
        assert_eq!(admission.admit(&mut known), 0);

        advance(Duration::from_secs(3600 * 24)).await;
        assert_eq!(admission.admit(&mut plan(Origin::Found, 10_000)), 0);
    }
}
