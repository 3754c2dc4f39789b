//! From `hod-core` to what travels. Every time is an age, given by the caller.

use std::time::Duration;

use hod_core::error::GlusterError;
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::VolumeId;
use hod_core::observation::{FollowedTask, Holding};
use hod_core::volume::Volume;

use crate::PROTOCOL_VERSION;
use crate::agent::v1 as pb;
use crate::agent::v1::own_look::Source;
use crate::agent::v1::watch_tasks_response::Event;
use crate::convert::common::{duration, task_type};
use crate::types::v1 as types;

/// A message of the stream: an event and how long ago it was looked at.
#[must_use]
pub fn message(age: Duration, event: Event) -> pb::WatchTasksResponse {
    pb::WatchTasksResponse { age: Some(duration(age)), event: Some(event), sent: None }
}

impl From<&HostIdentity> for pb::Host {
    fn from(host: &HostIdentity) -> Self {
        Self {
            host_id: host.id.to_string(),
            names: host.names.clone(),
            gluster_version: host.gluster_version.clone(),
            agent_version: host.agent_version.clone(),
            protocol_version: PROTOCOL_VERSION,
        }
    }
}

/// `pool list`: the last peers known, and why they could not be asked again.
#[must_use]
pub fn peers(peers: &[Peer], error: Option<&GlusterError>) -> Event {
    Event::Peers(pb::PeersReport {
        peers: peers.iter().map(Into::into).collect(),
        error: error.map(Into::into),
    })
}

/// `volume info`: the last volumes known, and why they could not be asked again.
#[must_use]
pub fn volumes(volumes: &[Volume], error: Option<&GlusterError>) -> Event {
    Event::Volumes(pb::VolumesReport {
        volumes: volumes.iter().map(Into::into).collect(),
        error: error.map(Into::into),
    })
}

/// What this host's own glusterd says of one volume's task.
#[must_use]
pub fn own_look(
    volume: VolumeId,
    volume_name: &str,
    holding: &Holding,
    source: Source,
    age: Duration,
) -> pb::OwnLook {
    let empty = pb::OwnLook {
        volume_id: volume.to_string(),
        volume_name: volume_name.to_owned(),
        age: Some(duration(age)),
        source: source.into(),
        ..pb::OwnLook::default()
    };
    match holding {
        Holding::Nothing { residue: None } => empty,
        Holding::Nothing { residue: Some((status, counters)) } => pb::OwnLook {
            status: types::PartStatus::from(*status).into(),
            counters: Some((*counters).into()),
            ..empty
        },
        Holding::Task(task) => {
            let (kind, name, fix_layout) = task_type(task.task_type.as_ref());
            pb::OwnLook {
                task_id: task.id.to_string(),
                task_type: kind.into(),
                task_type_name: name,
                fix_layout,
                status: types::PartStatus::from(task.status).into(),
                counters: task.counters.map(Into::into),
                bricks: task.bricks.iter().map(ToString::to_string).collect(),
                time_left: task.time_left.map(duration),
                ..empty
            }
        }
    }
}

/// A followed task. Hosts are named by `host_name`, empty where it knows none.
#[must_use]
pub fn followed_task(
    task: &FollowedTask,
    host_name: impl Fn(&hod_core::id::HostId) -> String,
) -> pb::FollowedTask {
    let (kind, name, fix_layout) = task_type(task.task_type.as_ref());
    pb::FollowedTask {
        task_id: task.id.map(|id| id.to_string()).unwrap_or_default(),
        task_type: kind.into(),
        task_type_name: name,
        fix_layout,
        bricks: task.bricks.iter().map(ToString::to_string).collect(),
        parts: task
            .parts
            .iter()
            .map(|(host, (status, counters))| types::TaskPart {
                host_id: host.to_string(),
                host_name: host_name(host),
                status: types::PartStatus::from(*status).into(),
                counters: Some((*counters).into()),
            })
            .collect(),
    }
}

/// One command of the history. Its time is not read from the entry, but is `age`.
#[must_use]
pub fn history_entry(entry: &HistoryEntry, age: Duration) -> pb::HistoryEntry {
    pb::HistoryEntry {
        position: entry.position.clone(),
        age: Some(duration(age)),
        stamp: entry.stamp.clone(),
        command: entry.command.clone(),
        succeeded: entry.succeeded,
        message: entry.message.clone(),
    }
}
