//! The first answers, by request id: the same id again runs nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hod_proto::convert::agent::Outcome;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::gluster::Change;

/// How many are kept.
const KEPT: usize = 1000;

/// The last answers, and the commands that are still running.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    by_id: HashMap<Uuid, First>,
    /// Oldest first.
    order: VecDeque<Uuid>,
}

struct First {
    change: Change,
    answer: Answer,
}

/// An answer that is there or will be.
#[derive(Clone)]
pub(super) struct Answer(watch::Receiver<Option<Arc<Outcome>>>);

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// Its id was another command's.
    Other(Change),
    /// All that are kept are still running.
    Full,
}

impl Answers {
    /// The answer of a request's first time, if there was one.
    pub(super) fn again(&self, id: Uuid, change: &Change) -> Result<Option<Answer>, NotTaken> {
        self.kept().again(id, change)
    }

    /// The answer of a request's first time. Only where there was none `run` is
    /// called, and what it returns is waited for, whether anybody asks for it or not.
    pub(super) fn first(
        &self,
        id: Uuid,
        change: &Change,
        run: impl FnOnce(Change) -> JoinHandle<Outcome>,
    ) -> Result<Answer, NotTaken> {
        let mut kept = self.kept();
        if let Some(answer) = kept.again(id, change)? {
            return Ok(answer);
        }
        kept.make_room()?;
        let (tell, answer) = watch::channel(None);
        let running = run(change.clone());
        tokio::spawn(async move {
            let lost = |_| {
                Outcome::Unknown("the agent lost sight of the command: look at Gluster's own state".into())
            };
            let outcome = running.await.unwrap_or_else(lost);
            tell.send_replace(Some(Arc::new(outcome)));
        });
        let answer = Answer(answer);
        kept.by_id.insert(id, First { change: change.clone(), answer: answer.clone() });
        kept.order.push_back(id);
        Ok(answer)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic elsewhere leaves what is kept whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn again(&self, id: Uuid, change: &Change) -> Result<Option<Answer>, NotTaken> {
        match self.by_id.get(&id) {
            Some(first) if first.change == *change => Ok(Some(first.answer.clone())),
            Some(first) => Err(NotTaken::Other(first.change.clone())),
            None => Ok(None),
        }
    }

    /// Forgets the oldest that has its answer, if there are too many.
    fn make_room(&mut self) -> Result<(), NotTaken> {
        if self.order.len() < KEPT {
            return Ok(());
        }
        let answered = |id: &Uuid| self.by_id.get(id).is_none_or(|first| first.answer.is_there());
        let oldest = self.order.iter().position(answered).ok_or(NotTaken::Full)?;
        if let Some(id) = self.order.remove(oldest) {
            self.by_id.remove(&id);
        }
        Ok(())
    }
}

impl Answer {
    fn is_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// The answer, when it is there.
    pub(super) async fn wait(mut self) -> Arc<Outcome> {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The runtime is shutting down.
            _ => Arc::new(Outcome::Unknown("the agent stopped while the command ran".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::gluster::change::What;
    use tokio::sync::Semaphore;

    fn stop(volume: &str) -> Change {
        Change { volume: volume.into(), what: What::StopRebalance }
    }

    fn done(message: &str) -> Outcome {
        Outcome::Done { task: None, message: message.into(), parts: Vec::new() }
    }

    /// Runs that are counted, and end when they are let.
    #[derive(Clone)]
    struct Runs {
        begun: Arc<AtomicUsize>,
        may_end: Arc<Semaphore>,
    }

    impl Runs {
        fn new() -> Self {
            Self { begun: Arc::default(), may_end: Arc::new(Semaphore::new(0)) }
        }

        fn begun(&self) -> usize {
            self.begun.load(Ordering::SeqCst)
        }

        fn begin(&self, change: &Change) -> JoinHandle<Outcome> {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let (may_end, volume) = (self.may_end.clone(), change.volume.clone());
            tokio::spawn(async move {
                may_end.acquire().await.unwrap().forget();
                done(&volume)
            })
        }
    }

    #[tokio::test]
    async fn the_same_id_again_gives_the_first_answer_also_while_it_is_not_there_yet() {
        let (answers, runs) = (Answers::default(), Runs::new());
        let id = Uuid::new_v4();
        let ask = || answers.first(id, &stop("dist"), |change| runs.begin(&change)).unwrap();
        let (first, second) = (ask(), ask());
        // Whoever asked first goes away; the answer comes all the same.
        drop(first);
        assert!(!second.is_there());
        runs.may_end.add_permits(1);
        assert_eq!(*second.wait().await, done("dist"));
        assert_eq!(*ask().wait().await, done("dist"));
        assert_eq!(runs.begun(), 1);

        let other = answers.first(id, &stop("repl"), |change| runs.begin(&change));
        assert_eq!(other.err(), Some(NotTaken::Other(stop("dist"))));
        let new = answers.first(Uuid::new_v4(), &stop("repl"), |change| runs.begin(&change)).unwrap();
        runs.may_end.add_permits(1);
        assert_eq!(*new.wait().await, done("repl"));
        assert_eq!(runs.begun(), 2);
    }

    #[tokio::test]
    async fn a_run_that_breaks_is_not_known_and_not_run_again() {
        let answers = Answers::default();
        let id = Uuid::new_v4();
        let never = std::future::pending::<Outcome>();
        let broken = tokio::spawn(never);
        broken.abort();
        let answer = answers.first(id, &stop("dist"), |_| broken).unwrap();
        assert!(matches!(&*answer.wait().await, Outcome::Unknown(_)));
        let again = answers.first(id, &stop("dist"), |_| panic!("it is run again")).unwrap();
        assert!(matches!(&*again.wait().await, Outcome::Unknown(_)));
    }

    #[tokio::test]
    async fn the_last_thousand_are_kept_and_none_that_runs_is_forgotten() {
        let (answers, runs) = (Answers::default(), Runs::new());
        let ids: Vec<_> = (0..=KEPT).map(|_| Uuid::new_v4()).collect();
        let ask = |id: Uuid| answers.first(id, &stop("dist"), |change| runs.begin(&change));
        let mut waiting: Vec<_> = ids[..KEPT].iter().map(|id| ask(*id).unwrap()).collect();
        assert_eq!(ask(ids[KEPT]).err(), Some(NotTaken::Full));
        assert_eq!(runs.begun(), KEPT);

        // Any one ends: it is the one that makes room.
        runs.may_end.add_permits(1);
        let ended = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                if let Some(at) = waiting.iter().position(Answer::is_there) {
                    return at;
                }
                tokio::task::yield_now().await;
            }
        });
        let ended = ended.await.unwrap();
        waiting.clear();
        ask(ids[KEPT]).unwrap();
        assert_eq!(runs.begun(), KEPT + 1);
        for id in ids.iter().enumerate().filter(|(n, _)| *n != ended).map(|(_, id)| *id) {
            ask(id).unwrap();
        }
        assert_eq!(runs.begun(), KEPT + 1);
        assert_eq!(ask(ids[ended]).err(), Some(NotTaken::Full));
    }
}
