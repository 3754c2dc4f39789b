//! What a pool's agents say now: written by the collectors, read by the sync and
//! by the API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hod_core::id::{HostId, TaskId};
use hod_core::observation::{Holding, HostPicture, HostView, Observation, Word};
use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::Clock;
use super::tenure::Tenure;

/// One pool's live view.
#[derive(Debug)]
pub struct Live {
    clock: Arc<Clock>,
    silent_after: Duration,
    hosts: Mutex<BTreeMap<HostId, Heard>>,
    leader: Mutex<Option<HostId>>,
    changed: watch::Sender<()>,
    tenure: Tenure,
    /// Held by every command that is being acted on.
    at_work: Arc<()>,
}

/// One host as it is now.
#[derive(Clone, Debug)]
pub struct Now {
    /// How its agent answers.
    pub word: Word,
    /// What it last told.
    pub picture: Option<Arc<HostPicture>>,
}

impl Now {
    /// Whether the agent answers, and glusterd answers the agent.
    #[must_use]
    pub fn answers(&self) -> bool {
        matches!(self.word, Word::Answering { glusterd: true, .. })
    }
}

/// What was heard of one host since its collector was started.
#[derive(Clone, Debug)]
struct Heard {
    started: Instant,
    last_word: Option<Instant>,
    glusterd: bool,
    /// Why the last attempt to reach the agent failed.
    trouble: String,
    /// Why what answers at the address is refused, if it is.
    refused: Option<String>,
    picture: Option<Arc<HostPicture>>,
    /// Whether the agent may be making locked calls.
    granted: bool,
}

impl Live {
    /// A live view that has heard of no host yet. A host of which nothing was heard
    /// for `silent_after` is silent.
    #[must_use]
    pub fn new(clock: Arc<Clock>, silent_after: Duration) -> Self {
        Self {
            clock,
            silent_after,
            hosts: Mutex::default(),
            leader: Mutex::default(),
            changed: watch::Sender::new(()),
            tenure: Tenure::default(),
            at_work: Arc::default(),
        }
    }

    /// Whether this coordinator holds the pool.
    #[must_use]
    pub fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// To be kept while something is done with the pool: it is not given back meanwhile,
    /// unless the coordinator stops.
    #[must_use]
    pub fn at_work(&self) -> Arc<()> {
        self.at_work.clone()
    }

    pub(super) fn is_at_work(&self) -> bool {
        Arc::strong_count(&self.at_work) > 1
    }

    /// The clock that times are told by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// All that is observed now, for a plan.
    #[must_use]
    pub fn observe(&self) -> Observation {
        let view = |now: Now| HostView { word: now.word, picture: now.picture };
        Observation { hosts: self.now().into_iter().map(|(id, now)| (id, view(now))).collect() }
    }

    /// Every host as it is now. A host that was not listened to for long enough to
    /// tell whether it answers is left out: nothing is known of it.
    #[must_use]
    pub fn now(&self) -> BTreeMap<HostId, Now> {
        self.hosts()
            .iter()
            .filter_map(|(id, heard)| {
                let word = self.word(heard)?;
                let picture = heard.picture.clone();
                Some((*id, Now { word, picture }))
            })
            .collect()
    }

    /// Wakes whenever something was heard that may matter.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Wakes who waits for changes, though no host told anything.
    pub fn wake(&self) {
        self.changed.send_replace(());
    }

    /// The ids of all tasks that any host tells of.
    #[must_use]
    pub fn task_ids(&self) -> BTreeSet<TaskId> {
        let of = |picture: &HostPicture| {
            let own = picture.own.values().filter_map(|look| match &look.holding {
                Holding::Task(task) => Some(task.id),
                Holding::Nothing { .. } => None,
            });
            let followed = picture.followed.values();
            let followed = followed.filter_map(|look| look.seen()?.id);
            own.chain(followed).collect::<Vec<_>>()
        };
        let pictures: Vec<_> = self.hosts().values().filter_map(|h| h.picture.clone()).collect();
        pictures.iter().flat_map(|picture| of(picture)).collect()
    }

    /// The agent that was chosen last to make locked calls; `None` while nobody may.
    #[must_use]
    pub fn leader(&self) -> Option<HostId> {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_leader(&self, leader: Option<HostId>) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = leader;
    }

    /// Begins to listen to a host.
    pub(super) fn listen_to(&self, id: HostId) {
        self.hosts().insert(
            id,
            Heard {
                started: Instant::now(),
                last_word: None,
                glusterd: false,
                trouble: "no connection was made yet".to_owned(),
                refused: None,
                picture: None,
                granted: false,
            },
        );
    }

    /// Whether a host is listened to.
    pub(super) fn listens_to(&self, id: HostId) -> bool {
        self.hosts().contains_key(&id)
    }

    /// Stops listening to a host.
    pub(super) fn forget(&self, id: HostId) {
        self.hosts().remove(&id);
        self.changed.send_replace(());
    }

    /// Stops listening to all hosts.
    pub(super) fn forget_all(&self) {
        self.hosts().clear();
    }

    /// The agent gave a word, with its picture if that is whole. `news`: something
    /// in it may be new, not only the ages.
    pub(super) fn heard(
        &self,
        id: HostId,
        glusterd: bool,
        picture: Option<Arc<HostPicture>>,
        mut news: bool,
    ) {
        self.update(id, |heard| {
            news |= heard.glusterd != glusterd || heard.refused.is_some();
            news |= heard.last_word.is_none_or(|w| w.elapsed() > self.silent_after);
            heard.last_word = Some(Instant::now());
            heard.glusterd = glusterd;
            heard.refused = None;
            if picture.is_some() {
                heard.picture = picture;
            }
        });
        if news {
            self.changed.send_replace(());
        }
    }

    /// The agent could not be reached, or its stream broke.
    pub(super) fn failed(&self, id: HostId, why: String) {
        self.update(id, |heard| heard.trouble = why);
    }

    /// What answers at the host's address is not to be listened to.
    pub(super) fn refused(&self, id: HostId, why: String) {
        self.update(id, |heard| heard.refused = Some(why));
        self.changed.send_replace(());
    }

    /// The agent may make locked calls from now on, or does so no more.
    pub(super) fn granted(&self, id: HostId, granted: bool) {
        self.update(id, |heard| heard.granted = granted);
        self.changed.send_replace(());
    }

    /// The hosts whose agents may be making locked calls.
    #[must_use]
    pub fn holders(&self) -> Vec<HostId> {
        let hosts = self.hosts();
        let holders = hosts.iter().filter(|(_, heard)| heard.granted);
        holders.map(|(id, _)| *id).collect()
    }

    fn word(&self, heard: &Heard) -> Option<Word> {
        if let Some(why) = &heard.refused {
            return Some(Word::Refused { why: why.clone() });
        }
        let since = heard.last_word.unwrap_or(heard.started);
        let silent = since.elapsed() > self.silent_after;
        match (heard.last_word, silent) {
            (None, false) => None,
            (Some(at), false) => Some(Word::Answering { at: self.clock.at(at), glusterd: heard.glusterd }),
            (_, true) => Some(Word::Silent { since: self.clock.at(since), why: heard.trouble.clone() }),
        }
    }

    /// A host that is listened to no more is not taken up again by a late word.
    fn update(&self, id: HostId, change: impl FnOnce(&mut Heard)) {
        if let Some(heard) = self.hosts().get_mut(&id) {
            change(heard);
        }
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<HostId, Heard>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use newtype_uuid::GenericUuid as _;
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    const SILENT_AFTER: Duration = Duration::from_secs(15);

    fn listening() -> (Live, HostId) {
        let clock = Arc::new(Clock::new(Timestamp::UNIX_EPOCH));
        let live = Live::new(clock, SILENT_AFTER);
        let id = HostId::from_untyped_uuid(Uuid::from_u128(1));
        live.listen_to(id);
        (live, id)
    }

    fn word(live: &Live, id: HostId) -> Option<Word> {
        live.observe().hosts.get(&id).map(|view| view.word.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_is_silent_only_after_its_time() {
        let (live, id) = listening();
        assert_eq!(word(&live, id), None, "too early to tell");
        live.failed(id, "connection refused".into());
        advance(SILENT_AFTER + Duration::from_secs(1)).await;
        let since = Timestamp::UNIX_EPOCH;
        let why = "connection refused".to_owned();
        assert_eq!(word(&live, id), Some(Word::Silent { since, why }));

        live.heard(id, true, None, true);
        advance(SILENT_AFTER).await;
        let at = Timestamp::from_second(16).unwrap();
        let answering = Word::Answering { at, glusterd: true };
        assert_eq!(word(&live, id), Some(answering));
        advance(Duration::from_secs(1)).await;
        let why = "connection refused".to_owned();
        assert_eq!(word(&live, id), Some(Word::Silent { since: at, why }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_holds_until_a_word_that_is_accepted() {
        let (live, id) = listening();
        live.refused(id, "another host".into());
        advance(SILENT_AFTER * 2).await;
        let why = "another host".to_owned();
        assert_eq!(word(&live, id), Some(Word::Refused { why }));
        live.heard(id, false, None, true);
        assert!(matches!(word(&live, id), Some(Word::Answering { glusterd: false, .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_word_does_not_bring_a_host_back() {
        let (live, id) = listening();
        live.forget(id);
        live.heard(id, true, None, true);
        assert_eq!(live.observe(), Observation::default());
    }
}
