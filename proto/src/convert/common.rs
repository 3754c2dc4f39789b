//! What both interfaces speak of: ids, counters, statuses, bricks, volumes, errors.

use std::time::Duration;

use hod_core::brick::{Brick, BrickName};
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::host::Peer;
use hod_core::task::{Counters, PartStatus, TaskStatus, TaskType};
use hod_core::volume::{Volume, VolumeBrick, VolumeStatus};

use super::Unreadable;
use super::agent::bounds;
use crate::types::v1 as pb;

/// Reads a UUID of some kind.
///
/// # Errors
/// Names the field if the text is no UUID.
pub fn id<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable::new(field, format!("{text:?} is not a UUID")))
}

/// A duration as it travels. Longer than protobuf holds is cut to its longest.
#[must_use]
pub fn duration(d: Duration) -> pbjson_types::Duration {
    pbjson_types::Duration {
        seconds: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(d.subsec_nanos()).unwrap_or(0),
    }
}

/// A duration that travelled; a negative one is none.
///
/// # Errors
/// Names the field if it is negative or out of range.
pub fn read_duration(field: &'static str, d: &pbjson_types::Duration) -> Result<Duration, Unreadable> {
    match (u64::try_from(d.seconds), u32::try_from(d.nanos)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 && seconds <= bounds::AGE.as_secs() => {
            Ok(Duration::new(seconds, nanos))
        }
        (Ok(_), Ok(_)) => {
            Err(Unreadable::new(field, format!("{}s is longer than a hundred years", d.seconds)))
        }
        _ => Err(Unreadable::new(field, format!("{}s {}ns is no duration", d.seconds, d.nanos))),
    }
}

/// A point in time as it travels.
#[must_use]
pub fn timestamp(t: jiff::Timestamp) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: t.as_second(), nanos: t.subsec_nanosecond() }
}

impl From<Counters> for pb::Counters {
    fn from(c: Counters) -> Self {
        Self {
            files: c.files,
            bytes: c.bytes,
            scanned: c.scanned,
            failed: c.failed,
            skipped: c.skipped,
            run_time: c.run_time.map(duration),
        }
    }
}

impl TryFrom<pb::Counters> for Counters {
    type Error = Unreadable;

    fn try_from(c: pb::Counters) -> Result<Self, Unreadable> {
        let count = |field, count: u64| match count <= bounds::COUNT {
            true => Ok(count),
            false => Err(Unreadable::new(field, format!("{count} is more than can be recorded"))),
        };
        Ok(Self {
            files: count("counters.files", c.files)?,
            bytes: count("counters.bytes", c.bytes)?,
            scanned: count("counters.scanned", c.scanned)?,
            failed: count("counters.failed", c.failed)?,
            skipped: count("counters.skipped", c.skipped)?,
            run_time: c.run_time.as_ref().map(|d| read_duration("counters.run_time", d)).transpose()?,
        })
    }
}

impl From<PartStatus> for pb::PartStatus {
    fn from(s: PartStatus) -> Self {
        match s {
            PartStatus::NotStarted => Self::NotStarted,
            PartStatus::InProgress => Self::InProgress,
            PartStatus::Stopped => Self::Stopped,
            PartStatus::Completed => Self::Completed,
            PartStatus::Failed => Self::Failed,
            PartStatus::Reset => Self::Reset,
            PartStatus::Unknown => Self::Unknown,
        }
    }
}

impl From<pb::PartStatus> for PartStatus {
    fn from(s: pb::PartStatus) -> Self {
        match s {
            pb::PartStatus::NotStarted => Self::NotStarted,
            pb::PartStatus::InProgress => Self::InProgress,
            pb::PartStatus::Stopped => Self::Stopped,
            pb::PartStatus::Completed => Self::Completed,
            pb::PartStatus::Failed => Self::Failed,
            pb::PartStatus::Reset => Self::Reset,
            pb::PartStatus::Unknown | pb::PartStatus::Unspecified => Self::Unknown,
        }
    }
}

impl From<TaskStatus> for pb::TaskStatus {
    fn from(s: TaskStatus) -> Self {
        match s {
            TaskStatus::Running => Self::Running,
            TaskStatus::Failed => Self::Failed,
            TaskStatus::Completed => Self::Completed,
            TaskStatus::Aborted => Self::Aborted,
            TaskStatus::Paused => Self::Paused,
            TaskStatus::Unknown => Self::Unknown,
        }
    }
}

/// A task's type as it travels: the enum, the name where it is another, and
/// whether it only fixes the layout.
#[must_use]
pub fn task_type(t: Option<&TaskType>) -> (pb::TaskType, String, bool) {
    match t {
        None => (pb::TaskType::Unspecified, String::new(), false),
        Some(TaskType::Rebalance { fix_layout }) => (pb::TaskType::Rebalance, String::new(), *fix_layout),
        Some(TaskType::RemoveBrick) => (pb::TaskType::RemoveBrick, String::new(), false),
        Some(TaskType::ReplaceBrick { .. }) => (pb::TaskType::ReplaceBrick, String::new(), false),
        Some(TaskType::Other(name)) => (pb::TaskType::Other, name.clone(), false),
    }
}

/// A task's type that travelled.
#[must_use]
pub fn read_task_type(t: pb::TaskType, name: &str, fix_layout: bool) -> Option<TaskType> {
    match t {
        pb::TaskType::Unspecified => None,
        pb::TaskType::Rebalance => Some(TaskType::Rebalance { fix_layout }),
        pb::TaskType::RemoveBrick => Some(TaskType::RemoveBrick),
        pb::TaskType::ReplaceBrick => Some(TaskType::ReplaceBrick { reset: false }),
        pb::TaskType::Other => Some(TaskType::Other(name.to_owned())),
    }
}

/// Reads bricks as Gluster lists them.
///
/// # Errors
/// Names the field if one is no brick's name.
pub fn brick_names(field: &'static str, names: &[String]) -> Result<Vec<BrickName>, Unreadable> {
    names.iter().map(|n| BrickName::parse(n).map_err(|e| Unreadable::new(field, e.to_string()))).collect()
}

impl From<&VolumeBrick> for pb::Brick {
    fn from(b: &VolumeBrick) -> Self {
        Self {
            host_id: b.brick.as_ref().map(|b| b.host.to_string()).unwrap_or_default(),
            path: b.name.path().to_owned(),
            name: b.name.as_str().to_owned(),
            arbiter: b.arbiter,
        }
    }
}

impl TryFrom<pb::Brick> for VolumeBrick {
    type Error = Unreadable;

    fn try_from(b: pb::Brick) -> Result<Self, Unreadable> {
        let name = BrickName::parse(&b.name).map_err(|e| Unreadable::new("brick.name", e.to_string()))?;
        let brick = if b.host_id.is_empty() {
            None
        } else if b.path != name.path() {
            // Bricks are compared by their paths and shown by their names.
            return Err(Unreadable::new("brick.path", format!("{:?} is not that of {name}", b.path)));
        } else {
            Some(Brick { host: id("brick.host_id", &b.host_id)?, path: b.path })
        };
        Ok(Self { brick, name, arbiter: b.arbiter })
    }
}

impl From<VolumeStatus> for pb::VolumeStatus {
    fn from(s: VolumeStatus) -> Self {
        match s {
            VolumeStatus::Created => Self::Created,
            VolumeStatus::Started => Self::Started,
            VolumeStatus::Stopped => Self::Stopped,
            VolumeStatus::Unknown => Self::Unspecified,
        }
    }
}

impl From<&Volume> for pb::Volume {
    fn from(v: &Volume) -> Self {
        Self {
            id: v.id.to_string(),
            name: v.name.clone(),
            status: pb::VolumeStatus::from(v.status).into(),
            kind: v.kind.clone(),
            distribute_count: v.distribute_count,
            replica_count: v.replica_count,
            arbiter_count: v.arbiter_count,
            disperse_count: v.disperse_count,
            redundancy_count: v.redundancy_count,
            bricks: v.bricks.iter().map(Into::into).collect(),
            options: v.options.clone(),
        }
    }
}

impl TryFrom<pb::Volume> for Volume {
    type Error = Unreadable;

    fn try_from(v: pb::Volume) -> Result<Self, Unreadable> {
        let status = match v.status() {
            pb::VolumeStatus::Created => VolumeStatus::Created,
            pb::VolumeStatus::Started => VolumeStatus::Started,
            pb::VolumeStatus::Stopped => VolumeStatus::Stopped,
            pb::VolumeStatus::Unspecified => VolumeStatus::Unknown,
        };
        Ok(Self {
            id: id("volume.id", &v.id)?,
            name: v.name,
            status,
            kind: v.kind,
            distribute_count: v.distribute_count,
            replica_count: v.replica_count,
            arbiter_count: v.arbiter_count,
            disperse_count: v.disperse_count,
            redundancy_count: v.redundancy_count,
            bricks: v.bricks.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            options: v.options,
        })
    }
}

impl From<&Peer> for pb::Peer {
    fn from(p: &Peer) -> Self {
        Self {
            host_id: p.id.to_string(),
            names: p.names.clone(),
            connected: p.connected,
            state: p.state.clone(),
        }
    }
}

impl TryFrom<pb::Peer> for Peer {
    type Error = Unreadable;

    fn try_from(p: pb::Peer) -> Result<Self, Unreadable> {
        Ok(Self {
            id: id("peer.host_id", &p.host_id)?,
            names: p.names,
            connected: p.connected,
            state: p.state,
        })
    }
}

impl From<&GlusterError> for pb::GlusterError {
    fn from(e: &GlusterError) -> Self {
        use pb::gluster_error::Kind;
        let kind = match e.kind {
            GlusterErrorKind::GlusterdDown => Kind::GlusterdDown,
            GlusterErrorKind::AnotherTransaction => Kind::AnotherTransaction,
            GlusterErrorKind::TimedOut => Kind::TimedOut,
            GlusterErrorKind::NoSuchVolume => Kind::NoSuchVolume,
            GlusterErrorKind::VolumeNotStarted => Kind::VolumeNotStarted,
            GlusterErrorKind::TaskNotStarted => Kind::TaskNotStarted,
            GlusterErrorKind::HostsDisagree => Kind::HostsDisagree,
            GlusterErrorKind::WrongBrick => Kind::WrongBrick,
            GlusterErrorKind::NotDistributed => Kind::NotDistributed,
            GlusterErrorKind::TaskInProgress => Kind::TaskInProgress,
            GlusterErrorKind::NotSupported => Kind::NotSupported,
            GlusterErrorKind::StateWithheld => Kind::StateWithheld,
            GlusterErrorKind::NotReadable => Kind::NotReadable,
            GlusterErrorKind::TooLong => Kind::TooLong,
            GlusterErrorKind::NotRun => Kind::NotRun,
            GlusterErrorKind::Refused => Kind::Refused,
            GlusterErrorKind::NotAsked => Kind::NotAsked,
            GlusterErrorKind::Fenced => Kind::Fenced,
        };
        Self { kind: kind.into(), message: e.message.clone(), op_errno: e.op_errno, hosts: e.hosts.clone() }
    }
}

impl From<pb::GlusterError> for GlusterError {
    fn from(e: pb::GlusterError) -> Self {
        use pb::gluster_error::Kind;
        let kind = match e.kind() {
            Kind::GlusterdDown => GlusterErrorKind::GlusterdDown,
            Kind::AnotherTransaction => GlusterErrorKind::AnotherTransaction,
            Kind::TimedOut => GlusterErrorKind::TimedOut,
            Kind::NoSuchVolume => GlusterErrorKind::NoSuchVolume,
            Kind::VolumeNotStarted => GlusterErrorKind::VolumeNotStarted,
            Kind::TaskNotStarted => GlusterErrorKind::TaskNotStarted,
            Kind::HostsDisagree => GlusterErrorKind::HostsDisagree,
            Kind::WrongBrick => GlusterErrorKind::WrongBrick,
            Kind::NotDistributed => GlusterErrorKind::NotDistributed,
            Kind::TaskInProgress => GlusterErrorKind::TaskInProgress,
            Kind::NotSupported => GlusterErrorKind::NotSupported,
            Kind::StateWithheld => GlusterErrorKind::StateWithheld,
            Kind::NotReadable => GlusterErrorKind::NotReadable,
            Kind::TooLong => GlusterErrorKind::TooLong,
            Kind::NotRun => GlusterErrorKind::NotRun,
            Kind::NotAsked => GlusterErrorKind::NotAsked,
            Kind::Fenced => GlusterErrorKind::Fenced,
            // A kind that a newer agent knows is a refusal in its own words here.
            Kind::Refused | Kind::Unspecified => GlusterErrorKind::Refused,
        };
        Self { kind, message: recordable(e.message), op_errno: e.op_errno, hosts: e.hosts }
    }
}

/// Gluster's words as they can be recorded: a log may hold NULs where a host lost its power.
pub(super) fn recordable(words: String) -> String {
    match words.contains('\0') {
        true => words.replace('\0', "\u{fffd}"),
        false => words,
    }
}
