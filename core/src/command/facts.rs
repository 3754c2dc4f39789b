//! What is known before a command is run.

use std::collections::BTreeMap;

use crate::brick::{Brick, BrickName};
use crate::id::{HostId, JobId};
use crate::record::TaskRecord;
use crate::volume::{Volume, VolumeBrick};

/// What is known of a volume before a command about it is run. What is `None` is
/// not known, and not known is never taken for good.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The volume, freshly told.
    pub volume: &'a Volume,
    /// The pool's hosts.
    pub hosts: BTreeMap<HostId, HostFacts>,
    /// What the agents told of the volume's bricks.
    pub bricks: BTreeMap<Brick, BrickFacts>,
    /// The volume's task, if it has one that is not over.
    pub task: Option<&'a TaskRecord>,
    /// The open job that holds the volume, with what it does.
    pub held_by: Option<(JobId, String)>,
    /// Hosts that do not agree about the volume's task, in words.
    pub disagreement: Option<String>,
    /// Geo-replication sessions of the volume.
    pub geo_replication: Option<u32>,
    /// Bytes a second that tasks of this volume moved last.
    pub rate: Option<u64>,
}

/// What is known of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// What it is called.
    pub name: String,
    /// Whether its agent answers, and glusterd answers the agent.
    pub answers: bool,
    /// Whether the other hosts call it connected.
    pub connected: bool,
}

/// What is known of a brick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrickFacts {
    /// The space of its filesystem.
    pub space: Option<BrickSpace>,
    /// What its own files take, in bytes, where they were counted. `None`: the whole
    /// filesystem may be its own.
    pub holds: Option<u64>,
    /// Whether its process serves.
    pub serves: Option<bool>,
    /// Entries that wait to be healed.
    pub pending: Option<u64>,
    /// Entries in split-brain; asked for only where it matters.
    pub split_brain: Option<u64>,
}

/// The space of a brick's filesystem, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrickSpace {
    /// All of it.
    pub total: u64,
    /// What is left for files.
    pub free: u64,
    /// What is in use, by whatever files.
    pub used: u64,
    /// Which filesystem: bricks of one host with the same one share its space.
    pub device: u64,
}

impl Facts<'_> {
    /// What a host is called.
    #[must_use]
    pub fn host_name(&self, host: HostId) -> String {
        self.hosts.get(&host).map_or_else(|| host.to_string(), |h| h.name.clone())
    }

    /// What is known of a brick.
    #[must_use]
    pub fn brick(&self, brick: &VolumeBrick) -> BrickFacts {
        brick.brick.as_ref().and_then(|b| self.bricks.get(b)).copied().unwrap_or_default()
    }

    /// The volume's brick that is meant by a name: as `volume info` names it, or by
    /// any name or address of its host.
    #[must_use]
    pub fn find(&self, name: &BrickName, names_of: &BTreeMap<HostId, Vec<String>>) -> Option<&VolumeBrick> {
        let same_path = || self.volume.bricks.iter().filter(|b| b.name.path() == name.path());
        same_path().find(|b| b.name == *name).or_else(|| {
            same_path().find(|b| {
                let host = b.brick.as_ref().and_then(|b| names_of.get(&b.host));
                host.is_some_and(|names| names.iter().any(|n| n.eq_ignore_ascii_case(name.host())))
            })
        })
    }
}
