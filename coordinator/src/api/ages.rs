//! Since when what is shown of hosts and volumes is old.

use std::collections::BTreeMap;

use hod_core::id::{HostId, PoolId, VolumeId};
use hod_core::record::HostState;
use jiff::Timestamp;

use crate::store::{Store, StoreError, Task};

/// The hosts that do not answer, and the volumes that can't be looked at, with since when.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ages {
    hosts: BTreeMap<(PoolId, HostId), Timestamp>,
    volumes: BTreeMap<(PoolId, VolumeId), Timestamp>,
}

impl Ages {
    /// Reads them for a pool, or for all.
    pub(super) async fn read(store: &dyn Store, pool: Option<PoolId>) -> Result<Self, StoreError> {
        let hosts = store.hosts(pool).await?;
        let volumes = store.volumes(pool).await?;
        Ok(Self {
            hosts: hosts
                .into_iter()
                .filter(|h| h.host.state != HostState::Answering)
                .map(|h| ((h.pool, h.id), h.host.since))
                .collect(),
            volumes: volumes
                .into_iter()
                .filter_map(|v| Some(((v.pool, v.record.volume.id), v.record.trouble?.1)))
                .collect(),
        })
    }

    /// For a task's hosts: since when what is known of each is old.
    pub(super) fn of(&self, task: &Task) -> BTreeMap<HostId, Timestamp> {
        let volume = self.volumes.get(&(task.pool, task.record.volume)).copied();
        task.record
            .parts
            .keys()
            .filter_map(|id| {
                let host = self.hosts.get(&(task.pool, *id)).copied();
                let old = [host, volume].into_iter().flatten().min()?;
                Some((*id, old))
            })
            .collect()
    }
}
