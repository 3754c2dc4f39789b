//! The jobs that are watched, as they were last told.

use std::collections::{BTreeMap, BTreeSet};

use hod_proto::coordinator::v1::watch_jobs_response::Event;
use hod_proto::coordinator::v1::{HostPart, Job, Task};
use hod_proto::types::v1::PartStatus;
use jiff::Timestamp;

use crate::exit::Exit;
use crate::text::age::time;

use super::rate::Meter;

/// All that is watched.
#[derive(Debug, Default)]
pub struct Board {
    open: BTreeMap<String, Watched>,
    /// The jobs that ended under watch, and how. One that goes on is taken out again.
    ended: BTreeMap<String, Exit>,
    /// The jobs that the present stream has sent: what another stream sent and this
    /// one does not has ended, or is gone, meanwhile.
    sent: BTreeSet<String>,
    /// Whether all that matched at the beginning has been sent.
    pub complete: bool,
    /// Since when there is no connection: what is shown is as of then.
    pub lost_since: Option<Timestamp>,
}

/// A job under watch.
#[derive(Debug, Default)]
pub struct Watched {
    /// As last told.
    pub job: Job,
    meters: BTreeMap<(String, String), Meter>,
}

/// What a message changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A job is new on the board, and open.
    Found(Job),
    /// An open job was told again.
    Told {
        /// As it was.
        before: Box<Job>,
        /// As it is.
        now: Box<Job>,
    },
    /// A job has ended, and is not on the board any more.
    Ended(Job, Exit),
    /// A job that was known to have ended was told again.
    Nothing,
    /// A job is no more; its id, and what it was.
    Removed(String, Option<Job>),
    /// All that matched at the beginning has been sent. These jobs were on the board
    /// and were not: how they ended must be asked for.
    Complete(Vec<String>),
}

impl Board {
    /// A new stream begins: it sends everything again.
    pub fn opened(&mut self) {
        self.sent.clear();
        self.lost_since = None;
    }

    /// Takes up a message.
    pub fn apply(&mut self, event: Event) -> Change {
        match event {
            Event::Job(job) => self.told(job),
            Event::Complete(_) => {
                self.complete = true;
                let unsent = self.open.keys().filter(|id| !self.sent.contains(*id));
                Change::Complete(unsent.cloned().collect())
            }
            Event::RemovedJobId(id) => {
                let was = self.open.remove(&id).map(|watched| watched.job);
                Change::Removed(id, was)
            }
        }
    }

    fn told(&mut self, job: Job) -> Change {
        self.sent.insert(job.job_id.clone());
        if let Some(exit) = Exit::of_job(&job) {
            let was_open = self.open.remove(&job.job_id).is_some();
            let known = self.ended.insert(job.job_id.clone(), exit);
            if known == Some(exit) && !was_open {
                return Change::Nothing;
            }
            return Change::Ended(job, exit);
        }
        self.ended.remove(&job.job_id);
        let known = self.open.contains_key(&job.job_id);
        let watched = self.open.entry(job.job_id.clone()).or_default();
        watched.measure(&job);
        let before = std::mem::replace(&mut watched.job, job.clone());
        if known { Change::Told { before: Box::new(before), now: Box::new(job) } } else { Change::Found(job) }
    }

    /// The open jobs: by pool and volume, so that a job stays where it was.
    #[must_use]
    pub fn jobs(&self) -> Vec<&Watched> {
        let mut jobs: Vec<_> = self.open.values().collect();
        jobs.sort_by_cached_key(|watched| {
            let job = &watched.job;
            let volume = job.subjects.first().map(|subject| subject.volume_name.clone());
            (job.pool.clone(), volume, job.job_id.clone())
        });
        jobs
    }

    /// The open job of this id.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<&Watched> {
        self.open.get(id)
    }

    /// How the jobs ended that ended under watch: the worst of it.
    #[must_use]
    pub fn worst(&self) -> Exit {
        self.ended.values().copied().fold(Exit::Ok, Exit::worse)
    }

    /// Whether no open job is known, and that is the whole picture.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.complete && self.open.is_empty()
    }
}

impl Watched {
    fn measure(&mut self, job: &Job) {
        for task in tasks(job) {
            for part in &task.parts {
                let key = (task.task_id.clone(), part.host_id.clone());
                if let (Some(at), Some(counters)) = (time(part.changed_at.as_ref()), part.counters.as_ref()) {
                    self.meters.entry(key).or_default().take(at, counters.bytes);
                }
            }
        }
    }

    /// Bytes in a second of a host's part, where it is in progress and they are known.
    #[must_use]
    pub fn rate(&self, task: &Task, part: &HostPart, now: Timestamp) -> Option<u64> {
        if part.status() != PartStatus::InProgress || part.old_since.is_some() {
            return None;
        }
        let key = (task.task_id.clone(), part.host_id.clone());
        self.meters.get(&key)?.rate(now)
    }

    /// Bytes in a second of all hosts whose speed is known.
    #[must_use]
    pub fn whole_rate(&self, task: &Task, now: Timestamp) -> Option<u64> {
        task.parts.iter().filter_map(|part| self.rate(task, part, now)).reduce(u64::saturating_add)
    }
}

/// The tasks that a job's steps carry.
pub fn tasks(job: &Job) -> impl Iterator<Item = &Task> {
    job.steps.iter().filter_map(|step| step.task.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{at, job, job_of, look, rebalance};
    use hod_proto::coordinator::v1::{JobStatus, WatchComplete};

    fn complete() -> Event {
        Event::Complete(WatchComplete {})
    }

    #[test]
    fn a_job_is_found_told_and_ended() {
        let mut board = Board::default();
        let open = job("a", JobStatus::Started);
        assert!(matches!(board.apply(Event::Job(open.clone())), Change::Found(_)));
        assert!(!board.is_done());
        assert!(matches!(board.apply(Event::Job(open)), Change::Told { .. }));
        let ended = job("a", JobStatus::Aborted);
        let change = board.apply(Event::Job(ended.clone()));
        assert_eq!(change, Change::Ended(ended.clone(), Exit::Aborted));
        assert_eq!(board.apply(Event::Job(ended)), Change::Nothing);
        assert!(!board.is_done(), "the picture is not whole yet");
        assert_eq!(board.apply(complete()), Change::Complete(vec![]));
        assert!(board.is_done());
    }

    #[test]
    fn a_job_that_goes_on_has_not_ended() {
        let mut board = Board::default();
        board.apply(Event::Job(job("a", JobStatus::Started)));
        board.apply(Event::Job(job("a", JobStatus::Failed)));
        board.apply(Event::Job(job("b", JobStatus::Aborted)));
        assert_eq!(board.worst(), Exit::Failed);
        let again = board.apply(Event::Job(job("a", JobStatus::Started)));
        assert!(matches!(again, Change::Found(_)));
        assert_eq!(board.worst(), Exit::Aborted);
        board.apply(Event::Job(job("a", JobStatus::Finished)));
        assert_eq!(board.worst(), Exit::Aborted);
    }

    #[test]
    fn what_a_new_stream_does_not_send_is_asked_for() {
        let mut board = Board::default();
        for id in ["a", "b"] {
            board.apply(Event::Job(job(id, JobStatus::Started)));
        }
        board.apply(complete());
        board.opened();
        board.apply(Event::Job(job("b", JobStatus::Started)));
        assert_eq!(board.apply(complete()), Change::Complete(vec!["a".to_owned()]));
        assert!(board.job("a").is_some(), "it stays until its end is known");
    }

    #[test]
    fn a_removed_job_is_gone() {
        let mut board = Board::default();
        board.apply(Event::Job(job("a", JobStatus::Started)));
        let change = board.apply(Event::RemovedJobId("a".to_owned()));
        assert!(matches!(change, Change::Removed(_, Some(_))));
        assert!(board.job("a").is_none());
    }

    #[test]
    fn only_a_host_at_work_that_answers_has_a_speed() {
        let mut board = Board::default();
        let mut task = rebalance();
        for seconds in [-10, -5] {
            for part in &mut task.parts {
                part.changed_at = at(seconds);
                part.counters.as_mut().unwrap().bytes += 5000;
            }
            board.apply(Event::Job(job_of(task.clone())));
        }
        let watched = board.jobs()[0];
        let rates: Vec<_> = task.parts.iter().map(|part| watched.rate(&task, part, look().now)).collect();
        assert_eq!(rates, [Some(1000), None, None], "node-b runs, node-a ended, node-c is silent");
        assert_eq!(watched.whole_rate(&task, look().now), Some(1000));
    }
}
