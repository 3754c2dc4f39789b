//! What must hold at every moment, and what once faults have ceased.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use uuid::Uuid;

use crate::gluster::{By, Gluster};
use crate::record::{Job, Part, Record};

/// So long a job may be open without the lock of its volume, in milliseconds.
const LOCKLESS: u64 = 60_000;

/// So long after the last look at what is pending a heal may be told as done, in
/// milliseconds.
const HEAL_LOOKS: u64 = 60_000;

/// What was seen before.
#[derive(Default)]
pub(crate) struct Invariants {
    jobs: BTreeMap<Uuid, Job>,
    parts: BTreeMap<(Uuid, Uuid), Part>,
    lockless: BTreeMap<Uuid, u64>,
}

impl Invariants {
    /// At every moment.
    pub(crate) fn hold(&mut self, gluster: &Gluster, record: &Record) -> Result<()> {
        if let Some(wrong) = gluster.truth().wrongs.first() {
            bail!("{wrong}");
        }
        let jobs = record.jobs()?;
        for job in &jobs {
            self.ends_with_its_task(gluster, job)?;
            self.stays_ended(job)?;
            self.has_its_lock(gluster.now(), job)?;
        }
        ensure!(
            self.jobs.keys().all(|id| jobs.iter().any(|job| job.id == *id)),
            "a job has vanished: {:?}",
            self.jobs.keys().find(|id| jobs.iter().all(|job| job.id != **id))
        );
        one_step_each(&jobs)?;
        for part in record.parts()? {
            let before = self.parts.insert((part.task, part.host), part.clone());
            if let Some(before) = before {
                ensure!(
                    before.files <= part.files
                        && before.bytes <= part.bytes
                        && before.scanned <= part.scanned,
                    "counters went back: {before:?} became {part:?}"
                );
            }
        }
        self.jobs = jobs.into_iter().map(|job| (job.id, job)).collect();
        Ok(())
    }

    /// No job ends that Gluster has not ended.
    fn ends_with_its_task(&self, gluster: &Gluster, job: &Job) -> Result<()> {
        // Who gives up waiting says so.
        if job.transition == "ABANDON" {
            return Ok(());
        }
        let Some(ended) = job.ended.and_then(|at| u64::try_from(at).ok()) else { return Ok(()) };
        if self.jobs.get(&job.id).is_some_and(|before| before.ended == job.ended) {
            return Ok(());
        }
        let truth = gluster.truth();
        if let (Some(brick), "FINISHED") = (&job.heals, job.status.as_str()) {
            let unhealed = truth.unhealed.get(brick);
            ensure!(
                unhealed.is_none_or(|since| since + HEAL_LOOKS >= ended),
                "job {} has ended as healed, and {brick} is not",
                job.id
            );
        }
        let Some(task) = job.tasks.last() else { return Ok(()) };
        let running = truth.tasks.get(task).and_then(|task| task.running_since);
        ensure!(
            running.is_none_or(|since| since + 1000 >= ended),
            "job {} has ended as {} ({}) while task {task} runs",
            job.id,
            job.status,
            job.message
        );
        Ok(())
    }

    /// An ended job is opened again only where its task has run again.
    fn stays_ended(&self, job: &Job) -> Result<()> {
        let Some(before) = self.jobs.get(&job.id) else { return Ok(()) };
        let opened = before.status != "STARTED" && job.status == "STARTED";
        ensure!(!opened || job.transition == "RUN_AGAIN", "an ended job is open again: {job:?}");
        let changed = before.status != "STARTED" && job.status != "STARTED" && before.status != job.status;
        ensure!(!changed, "an ended job ended otherwise: {before:?} became {job:?}");
        Ok(())
    }

    fn has_its_lock(&mut self, now: u64, job: &Job) -> Result<()> {
        // A task that was found while another job holds the volume has none.
        if job.status != "STARTED" || job.locks || job.locked_out || job.tasks.is_empty() {
            self.lockless.remove(&job.id);
            return Ok(());
        }
        let since = *self.lockless.entry(job.id).or_insert(now);
        ensure!(now - since < LOCKLESS, "an open job has no lock: {job:?}");
        Ok(())
    }

    /// Once faults have ceased, everything has ended, and as it really did.
    pub(crate) fn hold_at_the_end(&mut self, gluster: &Gluster, record: &Record) -> Result<()> {
        self.hold(gluster, record)?;
        let jobs = record.jobs()?;
        if let Some(open) = jobs.iter().find(|job| job.status == "STARTED") {
            bail!("a job is open though faults have ceased: {open:?}");
        }
        ensure!(record.count("SELECT count(*) FROM volume_locks")? == 0, "a lock is left");
        let truth = gluster.truth();
        let known: BTreeSet<Uuid> = jobs.iter().flat_map(|job| job.tasks.clone()).collect();
        for (id, task) in &truth.tasks {
            let settled = task.held_since.is_some_and(|since| since + 60_000 < gluster.now());
            ensure!(known.contains(id) || !settled, "task {id} ({:?} of {}) was lost", task.op, task.volume);
        }
        let starts = record.count("SELECT count(*) FROM intentions WHERE kind = 'START'")?;
        let started = truth.tasks.values().filter(|task| task.by == By::Agent).count();
        ensure!(i64::try_from(started)? <= starts, "hod started {started} tasks for {starts} commands");
        let replacing = "SELECT count(*) FROM intentions WHERE kind IN ('REPLACE_BRICK', 'RESET_BRICK')";
        let (replacing, replaced) = (record.count(replacing)?, truth.replaced);
        ensure!(i64::try_from(replaced)? <= replacing, "{replaced} bricks replaced for {replacing} commands");
        ensure!(gluster.is_unthrottled()?, "a throttle was not put back");
        Ok(())
    }
}

/// No task is two steps.
fn one_step_each(jobs: &[Job]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for job in jobs {
        for task in &job.tasks {
            if let Some(other) = seen.insert(*task, job.id) {
                bail!("task {task} is in jobs {other} and {}", job.id);
            }
        }
    }
    Ok(())
}
