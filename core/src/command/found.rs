//! Replacements of bricks that were typed into Gluster's own command line.
//!
//! Gluster makes no task of a `replace-brick … commit force` (from 3.7 on): only the
//! host's command history, the volume's new brick and the heals that are pending
//! tell of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::brick::{BrickName, TaskBrick};
use crate::history::HistoryEntry;
use crate::id::{HostId, PoolId, TaskId, VolumeId};
use crate::observation::Observation;
use crate::volume::{Volume, VolumeBrick};

/// A replacement or reset of a brick that a host's history tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundReplacement {
    /// An id made from where it was found, so that finding it twice makes one job.
    pub task: TaskId,
    /// The volume.
    pub volume: VolumeId,
    /// The volume's name.
    pub volume_name: String,
    /// The brick that went; the same as `brick` for a reset.
    pub old: BrickName,
    /// The volume's brick that is to be healed.
    pub brick: TaskBrick,
    /// Whether it is the same brick anew.
    pub reset: bool,
    /// The host whose history tells of it.
    pub host: HostId,
}

/// The replacements that were run in the last `young` and whose brick is still in its
/// volume. Those that hod ran itself stand in the same histories: the caller knows them.
#[must_use]
pub fn replacements(
    pool: PoolId,
    observed: &Observation,
    names_of: &BTreeMap<HostId, Vec<String>>,
    now: Timestamp,
    young: Duration,
) -> Vec<FoundReplacement> {
    let mut found = Vec::new();
    for (host, view) in &observed.hosts {
        let Some(picture) = &view.picture else { continue };
        let Some(volumes) = picture.volumes.seen() else { continue };
        let is_young = |at| Duration::try_from(now.duration_since(at)).unwrap_or_default() <= young;
        for entry in picture.history.iter().filter(|e| e.succeeded && is_young(e.at)) {
            let Some(read) = read(entry) else { continue };
            let Some(volume) = volumes.iter().find(|v| v.name == read.volume) else { continue };
            let Some(brick) = find(volume, &read.new, names_of) else { continue };
            found.push(FoundReplacement {
                task: task_id(pool, *host, &entry.position),
                volume: volume.id,
                volume_name: volume.name.clone(),
                old: read.old,
                brick: TaskBrick { name: brick.name.clone(), brick: brick.brick.clone() },
                reset: read.reset,
                host: *host,
            });
        }
    }
    found
}

fn task_id(pool: PoolId, host: HostId, position: &str) -> TaskId {
    let name = format!("{host}/{position}");
    TaskId::from_untyped_uuid(Uuid::new_v5(pool.as_untyped_uuid(), name.as_bytes()))
}

/// The brick by its name, or by any name of its host.
fn find<'v>(
    volume: &'v Volume,
    name: &BrickName,
    names_of: &BTreeMap<HostId, Vec<String>>,
) -> Option<&'v VolumeBrick> {
    let same_path = || volume.bricks.iter().filter(|b| b.name.path() == name.path());
    same_path().find(|b| b.name == *name).or_else(|| {
        same_path().find(|b| {
            let names = b.brick.as_ref().and_then(|b| names_of.get(&b.host));
            names.is_some_and(|names| names.iter().any(|n| n.eq_ignore_ascii_case(name.host())))
        })
    })
}

struct Read {
    volume: String,
    old: BrickName,
    new: BrickName,
    reset: bool,
}

/// `volume replace-brick V OLD NEW commit force`, `volume reset-brick V OLD NEW commit force`.
fn read(entry: &HistoryEntry) -> Option<Read> {
    let words: Vec<&str> = entry.command.split_whitespace().collect();
    let (verb, volume, old, new) = match words.as_slice() {
        ["volume", verb, volume, old, new, "commit"] => (verb, volume, old, new),
        ["volume", verb, volume, old, new, "commit", "force"] => (verb, volume, old, new),
        _ => return None,
    };
    let reset = match *verb {
        "replace-brick" => false,
        "reset-brick" => true,
        _ => return None,
    };
    let (old, new) = (BrickName::parse(old).ok()?, BrickName::parse(new).ok()?);
    Some(Read { volume: (*volume).to_owned(), old, new, reset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(command: &str) -> HistoryEntry {
        HistoryEntry {
            position: "1:0".into(),
            at: Timestamp::UNIX_EPOCH,
            stamp: String::new(),
            command: command.into(),
            succeeded: true,
            message: String::new(),
        }
    }

    #[test]
    fn reads_what_gluster_writes() {
        let replace = read(&entry("volume replace-brick r a:/b c:/d commit force")).unwrap();
        assert_eq!((replace.volume.as_str(), replace.reset), ("r", false));
        assert_eq!((replace.old.as_str(), replace.new.as_str()), ("a:/b", "c:/d"));
        assert!(read(&entry("volume reset-brick r a:/b a:/b commit force")).unwrap().reset);
        assert!(read(&entry("volume reset-brick r a:/b a:/b commit")).unwrap().reset);
        for other in [
            "volume reset-brick r a:/b start",
            "volume replace-brick r a:/b c:/d status",
            "volume remove-brick r a:/b c:/d commit force",
            "volume replace-brick r b d commit force",
        ] {
            assert!(read(&entry(other)).is_none(), "{other}");
        }
    }
}
