//! Follows running tasks by calls that take their volume's lock: one poller a
//! volume, however many watch, and only while one of them allows it.
//!
//! [`wanted`] says which volumes are to be asked, [`pace`] when. What is told hangs
//! on the board until the task's id is gone, so that the final counters of all
//! hosts are not lost with the last call.

pub(crate) mod pace;
mod poller;
mod wanted;

use std::collections::{BTreeSet, HashMap};

use hod_core::id::{HostId, VolumeId};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::poller::Poller;
use self::wanted::Again;
use crate::picture::{Board, Picture};
use crate::service::watchers::Watchers;

pub(crate) use self::poller::Means;

/// Follows until cancelled.
pub(crate) async fn run(means: Means, watchers: &Watchers, stop: &CancellationToken) {
    let mut follower = Follower {
        board: means.board.clone(),
        means,
        pollers: HashMap::new(),
        running: JoinSet::new(),
        connected: BTreeSet::new(),
        again: Again::new(),
    };
    let mut picture = follower.board.watch();
    let mut counts = watchers.watch();
    picture.mark_changed();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Ok(()) = picture.changed() => {}
            Ok(()) = counts.changed() => {}
            Some(ended) = follower.running.join_next() => {
                if let Ok(volume) = ended {
                    follower.pollers.remove(&volume);
                }
            }
        }
        let now = picture.borrow_and_update().clone();
        let allowed = counts.borrow_and_update().locked > 0;
        follower.look(&now, allowed);
    }
}

struct Follower {
    means: Means,
    board: Board,
    /// A poller that was told to stop may still be waiting for an answer: until it
    /// has ended, no other asks for the volume.
    pollers: HashMap<VolumeId, CancellationToken>,
    running: JoinSet<VolumeId>,
    connected: BTreeSet<HostId>,
    /// A host is back whose part was not told.
    again: Again,
}

impl Follower {
    fn look(&mut self, picture: &Picture, allowed: bool) {
        self.drop_what_is_gone(picture);
        self.note_who_is_back(picture);
        let wanted = match allowed && picture.glusterd_answers {
            true => wanted::volumes(picture, &self.again),
            false => HashMap::new(),
        };
        for (volume, stop) in &self.pollers {
            if !wanted.contains_key(volume) {
                stop.cancel();
            }
        }
        for (volume, name) in wanted {
            if self.pollers.contains_key(&volume) {
                continue;
            }
            let stop = CancellationToken::new();
            self.pollers.insert(volume, stop.clone());
            let poller = Poller::new(self.means.clone(), volume, name);
            self.running.spawn(async move {
                poller.run(&stop).await;
                volume
            });
        }
    }

    /// A report whose task this host holds no more says nothing about what there is.
    fn drop_what_is_gone(&self, picture: &Picture) {
        let gone: Vec<_> = picture
            .followed
            .iter()
            .filter(|(volume, report)| wanted::is_gone(picture, volume, report))
            .map(|(volume, _)| *volume)
            .collect();
        if !gone.is_empty() {
            self.board.update(|picture| {
                picture.followed.retain(|volume, _| !gone.contains(volume));
            });
        }
    }

    fn note_who_is_back(&mut self, picture: &Picture) {
        let Some(peers) = picture.peers.as_ref().filter(|p| p.error.is_none()) else {
            return;
        };
        let now: BTreeSet<_> = peers.known.iter().filter(|peer| peer.connected).map(|peer| peer.id).collect();
        let back: Vec<_> = now.difference(&self.connected).copied().collect();
        // At the start all are new, and there is no report yet that could lack one.
        for (volume, report) in &picture.followed {
            if let Ok(task) = &report.outcome
                && back
                    .iter()
                    .any(|host| wanted::runs_a_part(picture, volume, *host) && !task.parts.contains_key(host))
            {
                self.again.insert(*volume, Instant::now());
            }
        }
        self.again.retain(|volume, _| picture.followed.contains_key(volume));
        self.connected = now;
    }
}
