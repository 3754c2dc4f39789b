//! What the hosts say of one task, gathered.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::View;
use crate::id::{HostId, TaskId, VolumeId};
use crate::observation::{FollowedTask, Holding, HostPicture, OwnLook, OwnTask};
use crate::record::TaskRecord;
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
    /// What each host's own glusterd says of the volume.
    pub(super) own: BTreeMap<HostId, &'a OwnLook>,
    /// What locked calls told of this very task, newest first, with the host asked.
    pub(super) followed: Vec<(HostId, Timestamp, &'a FollowedTask)>,
    /// The hosts whose own glusterd holds the task.
    pub(super) holders: BTreeMap<HostId, &'a OwnTask>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(
        view: &View<'a>,
        task: TaskId,
        volume: VolumeId,
        record: Option<&TaskRecord>,
    ) -> Self {
        let mut claims = Self {
            parts: BTreeMap::new(),
            own: BTreeMap::new(),
            followed: Vec::new(),
            holders: BTreeMap::new(),
        };
        for (host, picture) in view.pictures() {
            if let Some(look) = picture.own.get(&volume) {
                claims.take_own(view, host, look, task, record);
            }
            if let Some((at, followed)) = followed(picture, volume, task) {
                claims.followed.push((host, at, followed));
            }
        }
        claims
            .followed
            .sort_by_key(|(_, at, _)| std::cmp::Reverse(*at));
        for (_, at, followed) in &claims.followed {
            for (host, (status, counters)) in &followed.parts {
                let claim = Claim {
                    at: *at,
                    status: *status,
                    counters: Some(*counters),
                    exact: true,
                };
                newest(&mut claims.parts, *host, claim);
            }
        }
        claims
    }

    fn take_own(
        &mut self,
        view: &View<'a>,
        host: HostId,
        look: &'a OwnLook,
        task: TaskId,
        record: Option<&TaskRecord>,
    ) {
        self.own.insert(host, look);
        match &look.holding {
            Holding::Task(own) if own.id == task => {
                self.holders.insert(host, own);
                let claim = Claim {
                    at: look.at,
                    status: own.status,
                    counters: own.counters,
                    exact: false,
                };
                newest(&mut self.parts, host, claim);
            }
            Holding::Nothing {
                residue: Some((status, counters)),
            } => {
                // What is left under a zero id is of the last task that this host
                // held. It is this one's if the host held it and no later one.
                let held = record.is_some_and(|r| r.parts.get(&host).is_some_and(|p| p.held));
                let later = record.is_some_and(|r| {
                    let others = view.recorded.tasks.values();
                    others
                        .filter(|o| o.volume == r.volume)
                        .any(|o| o.found_at > r.found_at)
                });
                if held && !later && status.is_ended() {
                    let claim = Claim {
                        at: look.at,
                        status: *status,
                        counters: Some(*counters),
                        exact: false,
                    };
                    newest(&mut self.parts, host, claim);
                }
            }
            Holding::Nothing { residue: None } | Holding::Task(_) => {}
        }
    }

    /// Whether any host says that a part is in progress.
    pub(super) fn in_progress(&self) -> bool {
        self.parts
            .values()
            .any(|c| c.status == PartStatus::InProgress)
    }
}

fn newest(parts: &mut BTreeMap<HostId, Claim>, host: HostId, claim: Claim) {
    let known = parts.entry(host).or_insert(claim);
    if claim.at > known.at {
        *known = claim;
    }
}

/// What a locked call told of the volume, if it is about this task.
fn followed(
    picture: &HostPicture,
    volume: VolumeId,
    task: TaskId,
) -> Option<(Timestamp, &FollowedTask)> {
    let look = picture.followed.get(&volume)?;
    let followed = look.seen()?;
    (followed.id == Some(task)).then_some((look.at, followed))
}
