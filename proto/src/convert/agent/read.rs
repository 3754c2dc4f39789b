//! From what travels to `hod-core`, given when it was received.

use std::collections::BTreeMap;

use hod_core::error::GlusterError;
use hod_core::history::HistoryEntry;
use hod_core::host::{HostIdentity, Peer};
use hod_core::id::VolumeId;
use hod_core::observation::{FollowedTask, Holding, Look, OwnLook, OwnTask};
use hod_core::volume::Volume;
use jiff::Timestamp;
use pbjson_types::Duration as PbDuration;

use crate::PROTOCOL_VERSION;
use crate::agent::v1 as pb;
use crate::agent::v1::watch_tasks_response::Event;
use crate::convert::Unreadable;
use crate::convert::common::{brick_names, id, read_duration, read_task_type, recordable};
use crate::types::v1::PartStatus;

/// One message of an agent's stream, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Who the host is.
    Host(HostIdentity),
    /// `pool list`.
    Peers(Look<Vec<Peer>>),
    /// `volume info`.
    Volumes(Look<Vec<Volume>>),
    /// The own looks, whole, and why the last one failed if it did.
    Own(BTreeMap<VolumeId, OwnLook>, Option<GlusterError>),
    /// One volume's followed task; `None`: it is not followed any more.
    Followed(VolumeId, Option<Look<FollowedTask>>),
    /// Commands not told before.
    History(Vec<HistoryEntry>),
    /// The picture is whole.
    Complete,
    /// A sign of life.
    Alive(Alive),
}

/// A sign of life, with the times at which things were found the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alive {
    /// Whether glusterd answered the last call.
    pub glusterd: bool,
    /// When the peers were asked again.
    pub peers: Option<Timestamp>,
    /// When the volumes were asked again.
    pub volumes: Option<Timestamp>,
    /// When the own looks were taken again.
    pub own: Option<Timestamp>,
}

/// Reads one message of an agent's stream that was received at this time.
///
/// # Errors
/// Names the field that can't be read.
pub fn told(message: pb::WatchTasksResponse, received: Timestamp) -> Result<Told, Unreadable> {
    let at = |field| time(field, message.age.as_ref(), received);
    match message.event {
        None => Err(Unreadable::new("event", "is missing, or of a kind this build does not know")),
        Some(Event::Host(host)) => Ok(Told::Host(host.try_into()?)),
        Some(Event::Peers(report)) => {
            Ok(Told::Peers(Look { at: at("age")?, outcome: outcome(report.error, report.peers)? }))
        }
        Some(Event::Volumes(report)) => {
            Ok(Told::Volumes(Look { at: at("age")?, outcome: outcome(report.error, report.volumes)? }))
        }
        Some(Event::Own(report)) => {
            let mut looks = BTreeMap::new();
            for look in report.looks {
                let (volume, look) = own_look(look, received)?;
                if looks.insert(volume, look).is_some() {
                    return Err(Unreadable::new("own.looks", format!("volume {volume} occurs twice")));
                }
            }
            Ok(Told::Own(looks, report.error.map(Into::into)))
        }
        Some(Event::Followed(report)) => {
            let volume = id("followed.volume_id", &report.volume_id)?;
            let outcome = match (report.dropped, report.error, report.task) {
                (true, _, _) => return Ok(Told::Followed(volume, None)),
                (false, Some(error), _) => Err(error.into()),
                (false, None, Some(task)) => Ok(task.try_into()?),
                (false, None, None) => {
                    return Err(Unreadable::new("followed.task", "is missing, and so is an error"));
                }
            };
            let at = at("age")?;
            Ok(Told::Followed(volume, Some(Look { at, outcome })))
        }
        Some(Event::History(report)) => report
            .entries
            .into_iter()
            .map(|entry| history_entry(entry, received))
            .collect::<Result<_, _>>()
            .map(Told::History),
        Some(Event::PictureComplete(_)) => Ok(Told::Complete),
        Some(Event::SignOfLife(sign)) => {
            let again =
                |field, age: Option<&PbDuration>| age.map(|age| time(field, Some(age), received)).transpose();
            Ok(Told::Alive(Alive {
                glusterd: sign.glusterd_answers,
                peers: again("sign_of_life.peers_age", sign.peers_age.as_ref())?,
                volumes: again("sign_of_life.volumes_age", sign.volumes_age.as_ref())?,
                own: again("sign_of_life.own_age", sign.own_age.as_ref())?,
            }))
        }
    }
}

/// Reads what this host's own glusterd says of one volume's task.
///
/// # Errors
/// Names the field that can't be read.
pub fn own_look(look: pb::OwnLook, received: Timestamp) -> Result<(VolumeId, OwnLook), Unreadable> {
    let status = look.status();
    let counters = look.counters.map(TryInto::try_into).transpose()?;
    let holding = if look.task_id.is_empty() {
        Holding::Nothing {
            residue: match (status, counters) {
                (PartStatus::Unspecified, _) => None,
                (status, Some(counters)) => Some((status.into(), counters)),
                (_, None) => {
                    return Err(Unreadable::new("own_look.counters", "is missing beside a status"));
                }
            },
        }
    } else {
        Holding::Task(OwnTask {
            id: id("own_look.task_id", &look.task_id)?,
            task_type: read_task_type(look.task_type(), &look.task_type_name, look.fix_layout),
            bricks: brick_names("own_look.bricks", &look.bricks)?,
            status: status.into(),
            counters,
            time_left: look.time_left.as_ref().map(|d| read_duration("own_look.time_left", d)).transpose()?,
        })
    };
    let volume = id("own_look.volume_id", &look.volume_id)?;
    let look = OwnLook {
        at: time("own_look.age", look.age.as_ref(), received)?,
        volume_name: look.volume_name,
        holding,
    };
    Ok((volume, look))
}

/// Reads one command of the history.
///
/// # Errors
/// Names the field that can't be read.
pub fn history_entry(entry: pb::HistoryEntry, received: Timestamp) -> Result<HistoryEntry, Unreadable> {
    if entry.position.is_empty() {
        return Err(Unreadable::new("history_entry.position", "is empty"));
    }
    Ok(HistoryEntry {
        at: time("history_entry.age", entry.age.as_ref(), received)?,
        position: entry.position,
        stamp: entry.stamp,
        command: recordable(entry.command),
        succeeded: entry.succeeded,
        message: recordable(entry.message),
    })
}

impl TryFrom<pb::Host> for HostIdentity {
    type Error = Unreadable;

    fn try_from(host: pb::Host) -> Result<Self, Unreadable> {
        if host.protocol_version != PROTOCOL_VERSION {
            return Err(Unreadable::new(
                "host.protocol_version",
                format!(
                    "the agent speaks version {} of hod.agent.v1, this build speaks {PROTOCOL_VERSION}",
                    host.protocol_version
                ),
            ));
        }
        Ok(Self {
            id: id("host.host_id", &host.host_id)?,
            names: host.names,
            gluster_version: host.gluster_version,
            agent_version: host.agent_version,
        })
    }
}

impl TryFrom<pb::FollowedTask> for FollowedTask {
    type Error = Unreadable;

    fn try_from(task: pb::FollowedTask) -> Result<Self, Unreadable> {
        let mut parts = BTreeMap::new();
        for part in &task.parts {
            let host = id("task.parts.host_id", &part.host_id)?;
            let counters = part
                .counters
                .ok_or_else(|| Unreadable::new("task.parts.counters", "is missing"))?
                .try_into()?;
            if parts.insert(host, (part.status().into(), counters)).is_some() {
                return Err(Unreadable::new("task.parts", format!("host {host} occurs twice")));
            }
        }
        Ok(Self {
            id: match task.task_id.as_str() {
                "" => None,
                text => Some(id("task.task_id", text)?),
            },
            task_type: read_task_type(task.task_type(), &task.task_type_name, task.fix_layout),
            bricks: brick_names("task.bricks", &task.bricks)?,
            parts,
        })
    }
}

/// When something happened that was this old when it was received, in whole
/// microseconds: what is kept no finer must be compared no finer.
fn time(field: &'static str, age: Option<&PbDuration>, received: Timestamp) -> Result<Timestamp, Unreadable> {
    let age = age.ok_or_else(|| Unreadable::new(field, "is missing"))?;
    let age = read_duration(field, age)?;
    received
        .checked_sub(age)
        .and_then(|at| Timestamp::from_microsecond(at.as_microsecond()))
        .map_err(|_| Unreadable::new(field, format!("{age:?} is before all time")))
}

/// A whole list, or why there is none. The list that comes beside an error is an
/// older one, told before.
fn outcome<P, T: TryFrom<P, Error = Unreadable>>(
    error: Option<crate::types::v1::GlusterError>,
    list: Vec<P>,
) -> Result<Result<Vec<T>, GlusterError>, Unreadable> {
    match error {
        Some(error) => Ok(Err(error.into())),
        None => list.into_iter().map(TryInto::try_into).collect::<Result<_, _>>().map(Ok),
    }
}
