//! Puts the messages of one agent's stream together.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use hod_core::error::GlusterError;
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::VolumeId;
use hod_core::observation::{FollowedTask, HostPicture, Look, OwnLook};
use hod_core::volume::Volume;
use jiff::Timestamp;
use prost::Message as _;

use super::bounds::{self, NotTaken, TooMuch};
use super::read::{self, Alive, Told};
use crate::agent::v1 as pb;
use crate::convert::Unreadable;

/// Keeps a [`HostPicture`] up to date from the messages of one `WatchTasks` stream.
/// Each stream wants an assembler of its own, since it begins with a full picture;
/// until that is whole there is none.
///
/// What is told anew takes the place of what was told before, so that it never holds more than
/// one picture within the [`bounds`], however long a stream goes on.
#[derive(Debug)]
pub struct PictureAssembler {
    picture: Picture,
    glusterd: Option<bool>,
    size: Size,
}

#[derive(Debug)]
enum Picture {
    /// What came so far of the full picture.
    Gathering(Box<Draft>),
    Whole(Arc<HostPicture>),
}

/// A picture that is not whole yet.
#[derive(Debug, Default)]
struct Draft {
    identity: Option<HostIdentity>,
    peers: Option<Look<Vec<Peer>>>,
    volumes: Option<Look<Vec<Volume>>>,
    own: BTreeMap<VolumeId, OwnLook>,
    own_error: Option<GlusterError>,
    followed: BTreeMap<VolumeId, Look<FollowedTask>>,
    history: Vec<HistoryEntry>,
}

impl Default for PictureAssembler {
    fn default() -> Self {
        Self { picture: Picture::Gathering(Box::default()), glusterd: None, size: Size::default() }
    }
}

impl PictureAssembler {
    /// Takes one message in that was received at this time. A message that is not
    /// taken changes nothing of the picture.
    ///
    /// # Errors
    /// Names the field that can't be read, or of what there is too much.
    pub fn take(&mut self, message: pb::WatchTasksResponse, received: Timestamp) -> Result<(), NotTaken> {
        bounds::check(&message)?;
        let bytes = message.encoded_len();
        let told = read::told(message, received)?;
        self.size.grow(&told, bytes)?;
        if let Told::Alive(alive) = told {
            self.glusterd = Some(alive.glusterd);
        }
        match &mut self.picture {
            // A copy is made only where somebody still looks at the last one.
            Picture::Whole(picture) => Arc::make_mut(picture).apply(told),
            Picture::Gathering(draft) => match told {
                Told::Alive(_) => {}
                Told::Complete => {
                    let whole = draft.complete()?;
                    self.picture = Picture::Whole(Arc::new(whole));
                }
                told => draft.apply(told),
            },
        }
        Ok(())
    }

    /// The host's picture, once it has been told whole.
    #[must_use]
    pub fn picture(&self) -> Option<&Arc<HostPicture>> {
        match &self.picture {
            Picture::Gathering(_) => None,
            Picture::Whole(picture) => Some(picture),
        }
    }

    /// Who the host is, as soon as it has said so.
    #[must_use]
    pub fn identity(&self) -> Option<&HostIdentity> {
        match &self.picture {
            Picture::Whole(picture) => Some(&picture.identity),
            Picture::Gathering(draft) => draft.identity.as_ref(),
        }
    }

    /// Whether glusterd answers the agent. `None` until the agent has said so.
    #[must_use]
    pub fn glusterd_answers(&self) -> Option<bool> {
        self.glusterd
    }
}

impl Draft {
    fn apply(&mut self, told: Told) {
        match told {
            Told::Host(identity) => self.identity = Some(identity),
            Told::Peers(peers) => self.peers = Some(peers),
            Told::Volumes(volumes) => self.volumes = Some(volumes),
            Told::Own(looks, error) => (self.own, self.own_error) = (looks, error),
            Told::Followed(volume, look) => follow(&mut self.followed, volume, look),
            Told::History(entries) => append(&mut self.history, entries),
            Told::Alive(_) | Told::Complete => {}
        }
    }

    /// The picture that it makes. What is missing is named, and what is there stays.
    fn complete(&mut self) -> Result<HostPicture, Unreadable> {
        let missing = |what| Unreadable::new("picture_complete", format!("came before {what} were told"));
        if self.identity.is_none() {
            return Err(missing("the host"));
        }
        if self.peers.is_none() {
            return Err(missing("the peers"));
        }
        let draft = std::mem::take(self);
        match draft {
            Self { identity: Some(identity), peers: Some(peers), volumes: Some(volumes), .. } => {
                Ok(HostPicture {
                    identity,
                    peers,
                    volumes,
                    own: draft.own,
                    own_error: draft.own_error,
                    followed: draft.followed,
                    history: draft.history,
                })
            }
            draft => {
                *self = draft;
                Err(missing("the volumes"))
            }
        }
    }
}

/// What a message does to a picture.
trait Apply {
    fn apply(&mut self, told: Told);
}

impl Apply for HostPicture {
    fn apply(&mut self, told: Told) {
        match told {
            Told::Host(identity) => self.identity = identity,
            Told::Peers(peers) => self.peers = peers,
            Told::Volumes(volumes) => self.volumes = volumes,
            Told::Own(looks, error) => (self.own, self.own_error) = (looks, error),
            Told::Followed(volume, look) => follow(&mut self.followed, volume, look),
            Told::History(entries) => append(&mut self.history, entries),
            Told::Alive(alive) => self.renew(alive),
            Told::Complete => {}
        }
    }
}

/// What was looked at again and found the same has its age renewed.
trait Renew {
    fn renew(&mut self, alive: Alive);
}

impl Renew for HostPicture {
    fn renew(&mut self, alive: Alive) {
        if let Some(at) = alive.peers {
            self.peers.at = at;
        }
        if let Some(at) = alive.volumes {
            self.volumes.at = at;
        }
        if let Some(at) = alive.own {
            for look in self.own.values_mut() {
                look.at = at;
            }
        }
    }
}

fn follow(
    followed: &mut BTreeMap<VolumeId, Look<FollowedTask>>,
    volume: VolumeId,
    look: Option<Look<FollowedTask>>,
) {
    match look {
        Some(look) => followed.insert(volume, look),
        None => followed.remove(&volume),
    };
}

/// Appends what is not there yet; the oldest go.
fn append(history: &mut Vec<HistoryEntry>, entries: Vec<HistoryEntry>) {
    let mut known: HashSet<String> = history.iter().map(|entry| entry.position.clone()).collect();
    history.extend(entries.into_iter().filter(|entry| known.insert(entry.position.clone())));
    let mut bytes = 0;
    let newest_first = history.iter().rev().take(bounds::HISTORY);
    let kept = newest_first.take_while(|entry| {
        bytes += entry.position.len() + entry.stamp.len() + entry.command.len() + entry.message.len();
        bytes <= bounds::HISTORY_BYTES
    });
    let surplus = history.len() - kept.count();
    history.drain(..surplus);
}

/// How much a picture takes, as it travels. The history stands apart: what is too much
/// of that is forgotten.
#[derive(Debug, Default)]
struct Size {
    host: usize,
    peers: usize,
    volumes: usize,
    own: usize,
    followed: BTreeMap<VolumeId, usize>,
    followed_sum: usize,
}

impl Size {
    /// What a message of so many bytes makes of it.
    fn grow(&mut self, told: &Told, bytes: usize) -> Result<(), TooMuch> {
        match told {
            Told::Host(_) => self.host = bytes,
            Told::Peers(_) => self.peers = bytes,
            Told::Volumes(_) => self.volumes = bytes,
            Told::Own(..) => self.own = bytes,
            Told::Followed(volume, look) => {
                let before = match look {
                    Some(_) => self.followed.insert(*volume, bytes),
                    None => self.followed.remove(volume),
                };
                self.followed_sum += if look.is_some() { bytes } else { 0 };
                self.followed_sum -= before.unwrap_or(0);
            }
            Told::History(_) | Told::Alive(_) | Told::Complete => {}
        }
        bounds::at_most("followed volumes", self.followed.len(), bounds::VOLUMES)?;
        let sum = self.host + self.peers + self.volumes + self.own + self.followed_sum;
        bounds::at_most("bytes of a picture", sum, bounds::PICTURE)
    }
}

#[cfg(test)]
mod tests;
