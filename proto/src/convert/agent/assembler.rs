//! Puts the messages of one agent's stream together.

use hod_core::host::HostIdentity;
use hod_core::observation::HostPicture;
use jiff::Timestamp;

use super::read::{self, Told};
use crate::agent::v1 as pb;
use crate::convert::Unreadable;

/// How many commands of a host's history are kept: as many as the agent keeps.
const HISTORY: usize = 1000;

/// Keeps a [`HostPicture`] up to date from the messages of one `WatchTasks` stream.
/// Each stream wants an assembler of its own, since it begins with a full picture;
/// until that is whole there is none.
#[derive(Debug)]
pub struct PictureAssembler {
    picture: Picture,
    glusterd: Option<bool>,
}

#[derive(Debug)]
enum Picture {
    /// What came so far of the full picture.
    Gathering(Vec<Told>),
    Whole(Box<HostPicture>),
}

impl Default for PictureAssembler {
    fn default() -> Self {
        Self { picture: Picture::Gathering(Vec::new()), glusterd: None }
    }
}

impl PictureAssembler {
    /// Takes one message in that was received at this time. A message that can't
    /// be read changes nothing.
    ///
    /// # Errors
    /// Names the field that can't be read.
    pub fn take(&mut self, message: pb::WatchTasksResponse, received: Timestamp) -> Result<(), Unreadable> {
        let told = read::told(message, received)?;
        if let Told::Alive(alive) = told {
            self.glusterd = Some(alive.glusterd);
        }
        match (&mut self.picture, told) {
            (Picture::Whole(picture), told) => picture.apply(told),
            (Picture::Gathering(_), Told::Alive(_)) => {}
            (Picture::Gathering(parts), Told::Complete) => {
                let whole = whole(parts)?;
                self.picture = Picture::Whole(Box::new(whole));
            }
            (Picture::Gathering(parts), told) => parts.push(told),
        }
        Ok(())
    }

    /// The host's picture, once it has been told whole.
    #[must_use]
    pub fn picture(&self) -> Option<&HostPicture> {
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
            Picture::Gathering(parts) => parts.iter().rev().find_map(|told| match told {
                Told::Host(host) => Some(host),
                _ => None,
            }),
        }
    }

    /// Whether glusterd answers the agent. `None` until the agent has said so.
    #[must_use]
    pub fn glusterd_answers(&self) -> Option<bool> {
        self.glusterd
    }
}

/// The picture that all parts make.
fn whole(parts: &[Told]) -> Result<HostPicture, Unreadable> {
    let (mut identity, mut peers, mut volumes) = (None, None, None);
    for told in parts {
        match told {
            Told::Host(told) => identity = Some(told.clone()),
            Told::Peers(told) => peers = Some(told.clone()),
            Told::Volumes(told) => volumes = Some(told.clone()),
            _ => {}
        }
    }
    let missing = |what| Unreadable::new("picture_complete", format!("came before {what} were told"));
    let mut picture = HostPicture {
        identity: identity.ok_or_else(|| missing("the host"))?,
        peers: peers.ok_or_else(|| missing("the peers"))?,
        volumes: volumes.ok_or_else(|| missing("the volumes"))?,
        own: Default::default(),
        own_error: None,
        followed: Default::default(),
        history: Vec::new(),
    };
    for told in parts {
        picture.apply(told.clone());
    }
    Ok(picture)
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
            Told::Own(looks, error) => {
                self.own = looks;
                self.own_error = error;
            }
            Told::Followed(volume, Some(look)) => {
                self.followed.insert(volume, look);
            }
            Told::Followed(volume, None) => {
                self.followed.remove(&volume);
            }
            Told::History(entries) => {
                for entry in entries {
                    if !self.history.iter().any(|e| e.position == entry.position) {
                        self.history.push(entry);
                    }
                }
                let surplus = self.history.len().saturating_sub(HISTORY);
                self.history.drain(..surplus);
            }
            Told::Alive(alive) => {
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
            Told::Complete => {}
        }
    }
}

#[cfg(test)]
mod tests;
