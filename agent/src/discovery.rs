//! Finds out, without any lock, what the host's own glusterd knows.
//!
//! Everything is asked once a minute: `pool list`, `get-state`, `volume info`.
//! Between, a change of glusterd's files wakes a look at once: the files say when
//! to look, and get-state says what there is. Where the files can't be watched the
//! looks come every few seconds instead. Gluster's own events wake a look too; since
//! anybody can send one, looks for events alone take a tenth of the time at most.
//! Where get-state refuses, the task list stands in, seldom and only when locked calls
//! are allowed.

use std::sync::Arc;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::host::Peer;
use hod_core::id::HostId;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::blocking;
use crate::config::Paces;
use crate::follow::pace::{SHARE, jittered};
use crate::gluster::{GlusterCli, Version};
use crate::hints;
use crate::identity::{self, Names};
use crate::locked::LockedCalls;
use crate::own::{self, Hints};
use crate::picture::{Asked, Board, OwnLooks, OwnView};
use crate::service::watchers::Watchers;
use crate::watch::{Folders, Wakes};

/// How long to gather wakes: glusterd rewrites several files in a row.
const GATHER: Duration = Duration::from_millis(100);

/// How long after a change to look again, each time: for some tenths of a second
/// get-state tells a task that is being stopped still under its id, and nothing tells
/// when it does so no more (seen).
const SETTLE: [Duration; 3] =
    [Duration::from_millis(250), Duration::from_millis(750), Duration::from_secs(2)];

/// How often the task list is asked where get-state refuses: it takes each volume's
/// lock in turn.
const TASK_LIST: Duration = Duration::from_secs(60);

/// What discovery works with.
pub(crate) struct Discovery {
    pub(crate) gluster: Arc<GlusterCli>,
    pub(crate) locked: LockedCalls,
    pub(crate) board: Board,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) watchers: Watchers,
    pub(crate) folders: Folders,
    pub(crate) names: Names,
    pub(crate) paces: Paces,
}

/// When things are due.
struct Due {
    everything: Instant,
    tasks: Option<Instant>,
    volumes: Option<Instant>,
    task_list: Instant,
    /// The look that an event asked for.
    events: Option<Instant>,
    /// No look is taken for an event alone before.
    heeds_events: Instant,
}

impl Discovery {
    /// Looks until cancelled.
    pub(crate) async fn run(self, stop: &CancellationToken) {
        let now = Instant::now();
        let mut looker = Looker {
            host: identity::id_in_file(&self.folders.glusterd),
            version: None,
            watched: self.wakes.watched(),
            turned: None,
            judged: false,
            due: Due {
                everything: now,
                tasks: None,
                volumes: None,
                task_list: now,
                events: None,
                heeds_events: now,
            },
            with: self,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = looker.run() => {}
        }
    }
}

struct Looker {
    with: Discovery,
    host: Option<HostId>,
    version: Option<Version>,
    watched: watch::Receiver<bool>,
    /// When a look last saw a change.
    turned: Option<Instant>,
    /// A task was lost, and the change has not settled yet.
    judged: bool,
    due: Due,
}

impl Looker {
    async fn run(&mut self) {
        loop {
            let now = Instant::now();
            if self.due.everything <= now {
                self.look_at_everything().await;
            } else if self.due.tasks.is_some_and(|at| at <= now) {
                self.look_at_tasks().await;
            } else if self.due.events.is_some_and(|at| at <= now) {
                self.look_at_tasks().await;
                self.due.heeds_events = Instant::now() + now.elapsed() * SHARE;
            } else if self.due.volumes.is_some_and(|at| at <= now) {
                self.look_at_volumes().await;
            }
            self.wait().await;
        }
    }

    /// Until something is due, or a wake makes it so.
    async fn wait(&mut self) {
        let next = [Some(self.due.everything), self.due.tasks, self.due.events, self.due.volumes]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.due.everything);
        let wakes = &self.with.wakes;
        let by = |due: &mut Option<Instant>, at: Instant| *due = Some(due.map_or(at, |due| due.min(at)));
        let soon = |due: &mut Option<Instant>| by(due, Instant::now() + GATHER);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = wakes.tasks.notified() => soon(&mut self.due.tasks),
            () = wakes.volumes.notified() => soon(&mut self.due.volumes),
            () = wakes.events.notified() => {
                by(&mut self.due.events, self.due.heeds_events.max(Instant::now() + GATHER));
            }
            () = wakes.everything.notified() => self.due.everything = Instant::now(),
            // Looks become more frequent at once when the files are out of sight.
            Ok(()) = self.watched.changed() => {
                let _ = *self.watched.borrow_and_update();
                soon(&mut self.due.tasks);
            }
        }
    }

    async fn look_at_everything(&mut self) {
        let at = Instant::now();
        self.ask_version().await;
        let peers = self.with.gluster.pool_list().await;
        self.note_glusterd(&peers);
        if let Some(own) = peers.iter().flatten().find(|peer| is_asked_host(peer)) {
            self.host = Some(own.id);
        }
        let silent = peers.as_ref().err().filter(|_| !self.with.board.picture().glusterd_answers).cloned();
        self.with.board.update(|picture| {
            picture.peers = Some(Asked::again(picture.peers.as_ref(), at, peers));
        });
        match silent {
            // Not asked again what it would not answer either.
            Some(error) => {
                self.with.board.update(|picture| {
                    let volumes = Err(error.clone());
                    picture.volumes = Some(Asked::again(picture.volumes.as_ref(), at, volumes));
                    picture.own.get_or_insert_default().error = Some(error);
                });
            }
            None => {
                self.look_at_tasks().await;
                self.look_at_volumes().await;
            }
        }
        self.tell_identity();
        let every = match self.with.board.picture().glusterd_answers {
            true => self.with.paces.look,
            false => self.with.paces.look_unwatched,
        };
        self.due.everything = Instant::now() + jittered(every);
    }

    async fn look_at_volumes(&mut self) {
        self.due.volumes = None;
        let at = Instant::now();
        let volumes = self.with.gluster.volume_info().await;
        self.note_glusterd(&volumes);
        self.with.board.update(|picture| {
            picture.volumes = Some(Asked::again(picture.volumes.as_ref(), at, volumes));
        });
    }

    async fn look_at_tasks(&mut self) {
        // Whatever woke it, a look sees what there is.
        (self.due.tasks, self.due.events) = (None, None);
        let at = Instant::now();
        let state = self.with.gluster.get_state().await;
        // After it: a part that ends between the two is then told with its exact counters.
        let hints = self.read_hints().await;
        self.note_glusterd(&state);
        let before = self.with.board.picture().own.unwrap_or_default();
        let own = match state {
            Ok(state) => {
                self.host = Some(state.host);
                OwnView { looks: Arc::new(own::from_get_state(state, &hints, at)), error: None }
            }
            Err(error) => {
                let looks = match self.task_list_instead(&error, &hints).await {
                    Some(looks) => Arc::new(looks),
                    None => before.looks.clone(),
                };
                let error = Some(error);
                OwnView { looks, error }
            }
        };
        let turned = own::turned(&before.looks, &own.looks);
        self.judged |= own::lost_a_task(&before.looks, &own.looks);
        let missing = self.lacks_a_volume(&own.looks);
        self.with.board.update(|picture| {
            picture.own = Some(own);
            picture.hints = Arc::new(hints);
        });
        // How a task ended is judged by bricks that were looked at after its task was gone:
        // a look that is taken again must not make the volumes seem older than it.
        if self.judged || missing {
            self.look_at_volumes().await;
        }
        let now = Instant::now();
        if turned {
            self.turned = Some(now);
        }
        let settled = self.turned.and_then(|turned| next_after(turned, now));
        self.judged &= settled.is_some();
        let unwatched = (!*self.watched.borrow()).then(|| now + self.with.paces.look_unwatched);
        self.due.tasks = [settled, unwatched].into_iter().flatten().min();
    }

    /// The looks with those of a task list laid over them, if get-state refuses for
    /// good and a list may be asked for now.
    async fn task_list_instead(&mut self, refusal: &GlusterError, hints: &Hints) -> Option<OwnLooks> {
        let refuses =
            matches!(refusal.kind, GlusterErrorKind::StateWithheld | GlusterErrorKind::NotSupported);
        let now = Instant::now();
        if !refuses
            || now < self.due.task_list
            || !self.with.watchers.allow_locked_calls()
            || !self.with.locked.rest(None).is_zero()
        {
            return None;
        }
        let list = self.with.locked.task_list().await;
        self.due.task_list = Instant::now() + jittered(TASK_LIST);
        let list = list.inspect_err(|error| tracing::warn!(%error, "the task list was refused")).ok()?;
        let picture = self.with.board.picture();
        let id_of = |name: &str| picture.volume(name).map(|volume| volume.id);
        let mut looks = (*picture.own.clone().unwrap_or_default().looks).clone();
        looks.extend(own::from_task_list(list, id_of, hints, now));
        // Of a volume that is gone there is nothing to look at any more.
        if let Some(volumes) = picture.volumes.filter(|v| v.error.is_none()) {
            looks.retain(|id, _| volumes.known.iter().any(|v| v.id == *id));
        }
        Some(looks)
    }

    async fn read_hints(&self) -> Hints {
        let Some(version) = self.version.clone() else {
            return Hints::new();
        };
        let folder = self.with.folders.volumes();
        let reading = blocking::run(move || hints::read(&folder, &version));
        // It can only fail to end when the runtime is shutting down.
        reading.await.unwrap_or_default()
    }

    /// Asked where it is not known, and again when glusterd has been away: it may
    /// have been upgraded meanwhile.
    async fn ask_version(&mut self) {
        if self.version.is_some() && self.with.board.picture().glusterd_answers {
            return;
        }
        match self.with.gluster.version().await {
            Ok(version) => self.version = Some(version),
            Err(error) => tracing::debug!(%error, "Gluster's version is not known"),
        }
    }

    fn tell_identity(&self) {
        let (Some(host), Some(version)) = (self.host, &self.version) else {
            return;
        };
        let identity = identity::of_this_host(host, (self.with.names)(), version);
        self.with.board.update(|picture| {
            if picture.identity.as_deref() != Some(&identity) {
                picture.identity = Some(Arc::new(identity));
            }
        });
    }

    /// Whether get-state knows a volume that `volume info` has not told of.
    fn lacks_a_volume(&self, looks: &OwnLooks) -> bool {
        self.with.board.picture().volumes.is_some_and(|volumes| {
            looks.keys().any(|id| !volumes.known.iter().any(|volume| volume.id == *id))
        })
    }

    fn note_glusterd<T>(&self, outcome: &Result<T, GlusterError>) {
        self.with.board.update(|picture| {
            let before = picture.glusterd_answers;
            picture.note_whether_glusterd_answers(outcome);
            match (before, picture.glusterd_answers, outcome) {
                (false, true, _) => tracing::info!("glusterd answers"),
                (true, false, Err(error)) => {
                    tracing::warn!(%error, "glusterd does not answer");
                }
                _ => {}
            }
        });
    }
}

/// When to look again, now that a change is this long ago.
fn next_after(turned: Instant, now: Instant) -> Option<Instant> {
    SETTLE.iter().map(|after| turned + *after).find(|at| *at > now)
}

/// `pool list` calls the host asked so.
fn is_asked_host(peer: &Peer) -> bool {
    peer.names.iter().any(|name| name == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_looked_at_again_until_it_is_two_seconds_old() {
        let turned = Instant::now();
        let ms = Duration::from_millis;
        for (age, next) in
            [(0, Some(250)), (249, Some(250)), (250, Some(750)), (800, Some(2000)), (2000, None)]
        {
            assert_eq!(next_after(turned, turned + ms(age)), next.map(|next| turned + ms(next)), "{age}");
        }
    }
}
