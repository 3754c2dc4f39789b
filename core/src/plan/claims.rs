//! What the hosts say of one task, gathered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::View;
use crate::id::{HostId, TaskId, VolumeId};
use crate::observation::{FollowedTask, Holding, HostPicture, OwnLook, OwnTask};
use crate::task::{Counters, PartStatus};

/// What is said of one host's part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) at: Timestamp,
    pub(super) status: PartStatus,
    pub(super) counters: Option<Counters>,
    /// Told by a locked call, whose bytes are exact; get-state rounds them (seen).
    pub(super) exact: bool,
}

/// What the hosts say of one task.
pub(super) struct Claims<'a> {
    /// For each host, the newest that is said of its part.
    pub(super) parts: BTreeMap<HostId, Claim>,
    /// How a host's part of the last task that it held ended, where that is still told.
    pub(super) residues: BTreeMap<HostId, Claim>,
    /// What each host's own glusterd says of the volume.
    pub(super) own: BTreeMap<HostId, &'a OwnLook>,
    /// What locked calls told of this very task, newest first, with the host asked.
    pub(super) followed: Vec<(HostId, Timestamp, &'a FollowedTask)>,
    /// The hosts whose own glusterd holds the task.
    pub(super) holders: BTreeMap<HostId, &'a OwnTask>,
    /// Other tasks of the volume that locked calls told of.
    pub(super) others_followed: BTreeSet<TaskId>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(view: &View<'a>, task: TaskId, volume: VolumeId) -> Self {
        let mut claims = Self {
            parts: BTreeMap::new(),
            residues: BTreeMap::new(),
            own: BTreeMap::new(),
            followed: Vec::new(),
            holders: BTreeMap::new(),
            others_followed: BTreeSet::new(),
        };
        for (host, picture) in view.pictures() {
            if let Some(look) = picture.own.get(&volume) {
                claims.take_own(host, look, task);
            }
            match followed(picture, volume) {
                Some((at, followed)) if followed.id == Some(task) => {
                    claims.followed.push((host, at, followed));
                }
                Some((_, followed)) => claims.others_followed.extend(followed.id),
                None => {}
            }
        }
        claims.followed.sort_by_key(|(_, at, _)| std::cmp::Reverse(*at));
        for (_, at, followed) in &claims.followed {
            for (host, (status, counters)) in &followed.parts {
                let claim = Claim { at: *at, status: *status, counters: Some(*counters), exact: true };
                newest(&mut claims.parts, *host, claim);
            }
        }
        claims
    }

    fn take_own(&mut self, host: HostId, look: &'a OwnLook, task: TaskId) {
        self.own.insert(host, look);
        match &look.holding {
            Holding::Task(own) if own.id == task => {
                self.holders.insert(host, own);
                let claim = Claim { at: look.at, status: own.status, counters: own.counters, exact: false };
                newest(&mut self.parts, host, claim);
            }
            Holding::Nothing { residue: Some((status, counters)) } if status.is_ended() => {
                let claim = Claim { at: look.at, status: *status, counters: Some(*counters), exact: false };
                self.residues.insert(host, claim);
            }
            Holding::Nothing { .. } | Holding::Task(_) => {}
        }
    }

    /// When the host last told, asked by a locked call, that it holds the task.
    pub(super) fn told_by(&self, host: HostId) -> Option<Timestamp> {
        self.followed.iter().find(|(asked, _, _)| *asked == host).map(|(_, at, _)| *at)
    }

    /// Whether a host holds another task for the volume.
    pub(super) fn another(&self, task: TaskId) -> bool {
        self.own.values().any(|look| matches!(&look.holding, Holding::Task(own) if own.id != task))
    }

    /// Whether any host says that a part is in progress.
    pub(super) fn in_progress(&self) -> bool {
        self.parts.values().any(|c| c.status == PartStatus::InProgress)
    }
}

/// Keeps what was told last; of two told at once, the first.
pub(super) fn newest(parts: &mut BTreeMap<HostId, Claim>, host: HostId, claim: Claim) {
    let known = parts.entry(host).or_insert(claim);
    if claim.at > known.at {
        *known = claim;
    }
}

/// What a locked call told of the volume's task.
fn followed(picture: &HostPicture, volume: VolumeId) -> Option<(Timestamp, &FollowedTask)> {
    let look = picture.followed.get(&volume)?;
    Some((look.at, look.seen()?))
}
