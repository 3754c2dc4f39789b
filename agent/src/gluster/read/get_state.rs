//! The file that `gluster get-state … detail` writes: what the host's own glusterd
//! knows, read without any lock.
//!
//! Lines of `key: value` under headings in brackets, the keys numbered:
//! `Volume1.Brick2.path: node-b:/bricks/d1`.

use std::time::Duration;

use hod_core::brick::BrickName;
use hod_core::host::Peer;
use hod_core::id::{HostId, TaskId, VolumeId};
use hod_core::task::{Counters, PartStatus};
use hod_core::volume::VolumeStatus;

use super::{Unreadable, id, utf8, value};
use crate::gluster::status::PartWord;

/// What a host's glusterd knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetState {
    /// The host asked.
    pub host: HostId,
    /// The operating version of the pool, such as 100000.
    pub op_version: Option<u32>,
    /// The other hosts of the pool.
    pub peers: Vec<Peer>,
    /// The pool's volumes, stopped ones included.
    pub volumes: Vec<StateVolume>,
}

/// A volume, as a host's glusterd knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateVolume {
    /// Gluster's id.
    pub id: VolumeId,
    /// Its name.
    pub name: String,
    /// Whether it serves.
    pub status: VolumeStatus,
    /// The volume's task, or what is left of the last one.
    pub task: StateTask,
    /// The bricks on the host asked.
    pub local_bricks: Vec<LocalBrick>,
    /// Geo-replication sessions from the volume. `None` where the version does not tell.
    pub geo_replication_sessions: Option<u32>,
}

/// What a host's glusterd knows of a volume's task: its own part only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTask {
    /// Gluster's id. `None`: the host holds no task; the rest then tells how its part
    /// of the last one ended, until the next start (93).
    pub id: Option<TaskId>,
    /// How the host's part stands. Not started, with an id: the host takes no part.
    pub status: PartStatus,
    /// Whether the status was one of a fix-layout. It is not with 10.3, for which a
    /// fix-layout is "started" and "completed" as well.
    pub fix_layout: bool,
    /// What the host's part has done, as of the last status call and the end. The
    /// bytes are rounded, as [`Self::bytes_rounded`] tells; there is no run time.
    pub counters: Counters,
    /// Whether the bytes are rounded: from 1 KiB on one decimal is told ("4.5KB").
    pub bytes_rounded: bool,
    /// The time left by Gluster's estimate, which is withheld for the first minutes.
    pub time_left: Option<Duration>,
}

/// A brick on the host asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalBrick {
    /// The brick as printed.
    pub name: BrickName,
    /// Whether its process runs.
    pub started: bool,
    /// Whether its process has told where it listens; `None` where the version does
    /// not tell.
    pub port_registered: Option<bool>,
    /// Bytes free on its filesystem.
    pub space_free: Option<u64>,
    /// Bytes of its filesystem.
    pub space_total: Option<u64>,
}

impl LocalBrick {
    /// Whether clients can reach it.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.started && self.port_registered.unwrap_or(true)
    }
}

/// Reads the file.
///
/// # Errors
/// If it is cut short, or can't be read.
pub fn read(bytes: &[u8]) -> Result<GetState, Unreadable> {
    let mut state = Draft::default();
    let mut complete = false;
    for line in utf8(bytes)?.lines() {
        // The last heading: what stands before it is there as a whole.
        if line == "[Misc]" {
            complete = true;
            break;
        }
        if let Some((key, value)) = line.split_once(": ") {
            state.line(key, value.trim())?;
        }
    }
    if !complete {
        return Err(Unreadable::new("it ends in the middle: there is no [Misc]"));
    }
    state.finish()
}

#[derive(Default)]
struct Draft {
    host: Option<HostId>,
    op_version: Option<u32>,
    peers: Vec<PeerDraft>,
    volumes: Vec<VolumeDraft>,
}

#[derive(Default)]
struct PeerDraft {
    number: usize,
    id: Option<HostId>,
    names: Vec<String>,
    connected: bool,
    state: String,
}

#[derive(Default)]
struct VolumeDraft {
    number: usize,
    id: Option<VolumeId>,
    name: Option<String>,
    status: Option<VolumeStatus>,
    brick_count: Option<usize>,
    bricks: Vec<BrickDraft>,
    rebalance_id: Option<Option<TaskId>>,
    rebalance_status: Option<PartWord>,
    counters: Counters,
    bytes_rounded: bool,
    time_left: Option<Duration>,
    geo_replication: Option<u32>,
}

#[derive(Default)]
struct BrickDraft {
    number: usize,
    name: Option<BrickName>,
    /// Told of bricks on the host asked only.
    status: Option<bool>,
    port_registered: Option<bool>,
    space_free: Option<u64>,
    space_total: Option<u64>,
}

/// Splits "Volume12.name" into 12 and "name", for "Volume".
fn numbered<'a>(key: &'a str, kind: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = key.strip_prefix(kind)?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// The entry of that number. Numbers come in order, so it is the last, or new.
macro_rules! entry {
    ($list:expr, $number:expr) => {{
        let (list, number) = (&mut $list, $number);
        if list.last().is_none_or(|last| last.number != number) {
            list.push(Default::default());
        }
        match list.last_mut() {
            Some(last) => {
                last.number = number;
                last
            }
            None => return Ok(()),
        }
    }};
}

impl Draft {
    fn line(&mut self, key: &str, text: &str) -> Result<(), Unreadable> {
        if let Some((number, key)) = numbered(key, "Volume") {
            return entry!(self.volumes, number).line(key, text);
        }
        if let Some((number, key)) = numbered(key, "Peer") {
            return entry!(self.peers, number).line(key, text);
        }
        match key {
            "MYUUID" => self.host = id(text, key)?,
            "op-version" => self.op_version = Some(value(text, key)?),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<GetState, Unreadable> {
        Ok(GetState {
            host: self.host.ok_or_else(|| Unreadable::missing("MYUUID"))?,
            op_version: self.op_version,
            // A host without a UUID is just being probed: no member yet.
            peers: self.peers.into_iter().filter_map(PeerDraft::finish).collect(),
            volumes: self.volumes.into_iter().map(VolumeDraft::finish).collect::<Result<_, _>>()?,
        })
    }
}

impl PeerDraft {
    fn line(&mut self, key: &str, text: &str) -> Result<(), Unreadable> {
        match key {
            "primary_hostname" => self.names.insert(0, text.to_owned()),
            "othernames" => {
                let names = text.split([',', ' ']).filter(|name| !name.is_empty());
                self.names.extend(names.map(str::to_owned));
            }
            "uuid" => self.id = id(text, "a peer's uuid")?,
            "state" => text.clone_into(&mut self.state),
            "connected" => self.connected = text == "Connected",
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Option<Peer> {
        Some(Peer { id: self.id?, names: self.names, connected: self.connected, state: self.state })
    }
}

impl VolumeDraft {
    fn line(&mut self, key: &str, text: &str) -> Result<(), Unreadable> {
        if let Some((number, key)) = numbered(key, "Brick") {
            return entry!(self.bricks, number).line(key, text);
        }
        match key {
            "name" => self.name = Some(text.to_owned()),
            "id" => self.id = id(text, "a volume's id")?,
            "status" => self.status = Some(status(text)),
            "brickcount" => self.brick_count = Some(value(text, key)?),
            "rebalance.id" => self.rebalance_id = Some(id(text, key)?),
            "rebalance.status" => self.rebalance_status = Some(PartWord::from_get_state(text)),
            "rebalance.failures" => self.counters.failed = value(text, key)?,
            "rebalance.skipped" => self.counters.skipped = value(text, key)?,
            "rebalance.lookedup" => self.counters.scanned = value(text, key)?,
            "rebalance.files" => self.counters.files = value(text, key)?,
            "rebalance.data" => (self.counters.bytes, self.bytes_rounded) = size(text, key)?,
            "gsync_count" => self.geo_replication = Some(value(text, key)?),
            "time_left" => self.time_left = time_left(text, key)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<StateVolume, Unreadable> {
        let name = self.name.ok_or_else(|| Unreadable::missing("name of a volume"))?;
        if let Some(count) = self.brick_count
            && count != self.bricks.len()
        {
            return Err(Unreadable::new(format!(
                "it counts {count} bricks of volume {name} and lists {}",
                self.bricks.len()
            )));
        }
        let missing = |what| Unreadable::missing(&format!("{what} of volume {name}"));
        let part = self.rebalance_status.ok_or_else(|| missing("rebalance.status"))?;
        Ok(StateVolume {
            id: self.id.ok_or_else(|| missing("id"))?,
            status: self.status.unwrap_or(VolumeStatus::Unknown),
            task: StateTask {
                id: self.rebalance_id.ok_or_else(|| missing("rebalance.id"))?,
                status: part.status,
                fix_layout: part.fix_layout,
                counters: self.counters,
                bytes_rounded: self.bytes_rounded,
                time_left: self.time_left,
            },
            geo_replication_sessions: self.geo_replication,
            local_bricks: self.bricks.into_iter().filter_map(BrickDraft::finish).collect(),
            name,
        })
    }
}

impl BrickDraft {
    fn line(&mut self, key: &str, text: &str) -> Result<(), Unreadable> {
        match key {
            "path" => {
                let name = BrickName::parse(text).map_err(|e| Unreadable::new(e.to_string()))?;
                self.name = Some(name);
            }
            "status" => self.status = Some(text == "Started"),
            "port_registered" => self.port_registered = Some(text == "1"),
            "spacefree" => self.space_free = Some(size(text, key)?.0),
            "spacetotal" => self.space_total = Some(size(text, key)?.0),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Option<LocalBrick> {
        Some(LocalBrick {
            started: self.status?,
            port_registered: self.port_registered,
            name: self.name?,
            space_free: self.space_free,
            space_total: self.space_total,
        })
    }
}

fn status(word: &str) -> VolumeStatus {
    match word {
        "Created" => VolumeStatus::Created,
        "Started" => VolumeStatus::Started,
        "Stopped" => VolumeStatus::Stopped,
        _ => VolumeStatus::Unknown,
    }
}

/// Zero is no estimate: Gluster withholds it, or there is nothing to estimate.
fn time_left(text: &str, key: &str) -> Result<Option<Duration>, Unreadable> {
    let seconds: i64 = value(text, key)?;
    Ok(u64::try_from(seconds).ok().filter(|s| *s > 0).map(Duration::from_secs))
}

/// Reads "145Bytes" or "4.5KB", and whether it is rounded.
fn size(text: &str, key: &str) -> Result<(u64, bool), Unreadable> {
    const UNITS: [(&str, u32); 5] = [("KB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("PB", 50)];
    if let Some(bytes) = text.strip_suffix("Bytes") {
        return Ok((value(bytes, key)?, false));
    }
    let Some((number, shift)) =
        UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
    else {
        return Ok((value(text, key)?, false));
    };
    // In whole tenths, so that no float is needed.
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = value(whole, key)?;
    let tenths: u64 = value(tenths, key)?;
    if tenths > 9 {
        return Err(Unreadable::new(format!("{key} is {text:?}")));
    }
    let bytes = whole.saturating_mul(10).saturating_add(tenths).saturating_mul(1 << shift) / 10;
    Ok((bytes, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_and_without_units() {
        for (text, bytes, rounded) in [
            ("0Bytes", 0, false),
            ("145Bytes", 145, false),
            ("253769953280Bytes", 253_769_953_280, false),
            ("4.5KB", 4608, true),
            ("2.0MB", 2 << 20, true),
            ("1.5TB", 3 << 39, true),
            ("7", 7, false),
        ] {
            assert_eq!(size(text, "data").unwrap(), (bytes, rounded), "{text}");
        }
        for text in ["", "KB", "xKB", "1.äKB", "1.23KB", "-1Bytes"] {
            assert!(size(text, "data").is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_left_of_zero_is_no_estimate() {
        assert_eq!(time_left("0", "t").unwrap(), None);
        assert_eq!(time_left("-1", "t").unwrap(), None);
        let told = time_left("754", "t").unwrap();
        assert_eq!(told, Some(Duration::from_secs(754)));
    }
}
