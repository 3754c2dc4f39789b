//! Volumes, as `gluster volume info` tells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::brick::{Brick, BrickName};
use crate::id::{HostId, VolumeId};

/// Whether a volume serves. Gluster's numbers are 0, 1 and 2 (fixture 04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeStatus {
    /// Never started.
    Created,
    /// Serves.
    Started,
    /// Stopped by an operator.
    Stopped,
    /// A word that is not known.
    Unknown,
}

/// A volume's brick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeBrick {
    /// The brick, by its host's UUID. `None` where Gluster (before 3.6) tells no UUID and no host has that name.
    pub brick: Option<Brick>,
    /// As printed.
    pub name: BrickName,
    /// Holds names, not data.
    pub arbiter: bool,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Gluster's id.
    pub id: VolumeId,
    /// Its name now.
    pub name: String,
    /// Whether it serves.
    pub status: VolumeStatus,
    /// Gluster's own word, such as "Distributed-Replicate".
    pub kind: String,
    /// How many sets files are spread over.
    pub distribute_count: u32,
    /// Copies of each file; 1 where there is no replication.
    pub replica_count: u32,
    /// Arbiters in each replica set.
    pub arbiter_count: u32,
    /// Bricks in each disperse set; 0 where there is none.
    pub disperse_count: u32,
    /// Bricks of a disperse set that may be lost.
    pub redundancy_count: u32,
    /// In Gluster's order.
    pub bricks: Vec<VolumeBrick>,
    /// Options that were set.
    pub options: BTreeMap<String, String>,
}

impl Volume {
    /// The hosts with a brick of the volume. Each runs a process of a rebalance,
    /// arbiters and all replicas included.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> {
        self.bricks.iter().filter_map(|b| Some(b.brick.as_ref()?.host))
    }

    /// Whether the brick is one of the volume's.
    #[must_use]
    pub fn has(&self, brick: &Brick) -> bool {
        self.bricks.iter().any(|b| b.brick.as_ref() == Some(brick))
    }
}
