//! What one agent may tell at most.
//!
//! An agent that is broken, or in the hands of somebody else, must not take more of a
//! coordinator than its share. The bounds are far above what a pool of 10,000 volumes
//! tells: that is 3 MB for its volumes and as much for its tasks. What is above a bound is
//! refused as a whole and by name; nothing is cut short, since half a list would be a lie.

use std::time::Duration;

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::agent::v1 as pb;
use crate::agent::v1::watch_tasks_response::Event;
use crate::convert::Unreadable;
use crate::types::v1 as types;

/// Bytes of one message of a stream.
pub const MESSAGE: usize = 16 << 20;
/// Bytes of a whole picture, as they travel.
pub const PICTURE: usize = 32 << 20;
/// Bytes of an answer to a single question: about one volume, or the pool's hosts.
pub const ANSWER: usize = 2 << 20;
/// Volumes that a host tells of, has looked at, or follows.
pub const VOLUMES: usize = 20_000;
/// Hosts that a host tells of; a task has as many parts at most.
pub const HOSTS: usize = 5_000;
/// Bricks, options and other parts of all that one message lists.
pub const PARTS: usize = 1_000_000;
/// Commands of a host's history: as many as the agent keeps.
pub const HISTORY: usize = 1_000;
/// Bytes of all of them: above it the oldest are forgotten, as they are above their number.
pub const HISTORY_BYTES: usize = 4 << 20;
/// Bytes of a name: a brick's has a host's name and a path of up to 4,096 bytes.
pub const NAME: usize = 8 << 10;
/// Bytes of a command or of Gluster's words.
pub const WORDS: usize = 64 << 10;
/// Nothing that is told is older than a hundred years, or lasts longer.
pub const AGE: Duration = Duration::from_secs(100 * 366 * 24 * 3600);
/// No counter is larger: what is recorded holds no more.
pub const COUNT: u64 = i64::MAX as u64;

/// A message that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It tells more than is taken.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// An agent tells more than is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{told} {what}, of which at most {at_most} are taken")]
pub struct TooMuch {
    /// Of what.
    pub what: &'static str,
    /// How much it told.
    pub told: usize,
    /// How much is taken.
    pub at_most: usize,
}

pub(super) fn at_most(what: &'static str, told: usize, at_most: usize) -> Result<(), TooMuch> {
    match told <= at_most {
        true => Ok(()),
        false => Err(TooMuch { what, told, at_most }),
    }
}

/// Looks at a message of a stream as it travels, before anything is made of it: in memory an
/// empty entry of a list takes a hundred times the two bytes it travels in.
///
/// # Errors
/// If it lists more than is taken. What is no message at all is left to its reader.
pub fn before_reading(message: &[u8]) -> Result<(), TooMuch> {
    let mut entries = 0;
    let mut parts = 0;
    for_each_part(message, |report| {
        for_each_part(report, |entry| {
            entries += 1;
            for_each_part(entry, |_| parts += 1);
        });
    });
    at_most("entries of a list", entries, VOLUMES)?;
    at_most("bricks, options and names", parts, PARTS)
}

/// Every part of a message that has a length of its own; up to where it is no message.
fn for_each_part(mut message: &[u8], mut each: impl FnMut(&[u8])) {
    while !message.is_empty() {
        let Ok((_, wire_type)) = decode_key(&mut message) else { return };
        let length = match wire_type {
            WireType::Varint => match decode_varint(&mut message) {
                Ok(_) => 0,
                Err(_) => return,
            },
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => match decode_varint(&mut message).map(usize::try_from) {
                Ok(Ok(length)) => length,
                _ => return,
            },
            WireType::StartGroup | WireType::EndGroup => 0,
        };
        let Some((part, rest)) = message.split_at_checked(length) else { return };
        if wire_type == WireType::LengthDelimited {
            each(part);
        }
        message = rest;
    }
    debug_assert!(!message.has_remaining());
}

/// Whether a message that was read is within the bounds.
pub(super) fn check(message: &pb::WatchTasksResponse) -> Result<(), NotTaken> {
    match &message.event {
        Some(Event::Host(host)) => {
            names("names of a host", &host.names)?;
            name("bytes of a version", &[&host.host_id, &host.gluster_version, &host.agent_version])
        }
        Some(Event::Peers(report)) => {
            at_most("hosts", report.peers.len(), HOSTS)?;
            error(report.error.as_ref())?;
            report.peers.iter().try_for_each(|peer| {
                names("names of a host", &peer.names)?;
                name("bytes of a host's state", &[&peer.host_id, &peer.state])
            })
        }
        Some(Event::Volumes(report)) => {
            at_most("volumes", report.volumes.len(), VOLUMES)?;
            error(report.error.as_ref())?;
            report.volumes.iter().try_for_each(volume)
        }
        Some(Event::Own(report)) => {
            at_most("volumes looked at", report.looks.len(), VOLUMES)?;
            error(report.error.as_ref())?;
            report.looks.iter().try_for_each(|look| {
                look.bricks.iter().try_for_each(|brick| name("bytes of a brick's name", &[brick]))?;
                name("bytes of a volume's name", &[&look.volume_id, &look.volume_name])?;
                name("bytes of a task's type", &[&look.task_id, &look.task_type_name])
            })
        }
        Some(Event::Followed(report)) => {
            error(report.error.as_ref())?;
            name("bytes of a volume's id", &[&report.volume_id])?;
            report.task.as_ref().map_or(Ok(()), |task| {
                at_most("hosts of a task", task.parts.len(), HOSTS)?;
                task.bricks.iter().try_for_each(|brick| name("bytes of a brick's name", &[brick]))?;
                name("bytes of a task's type", &[&task.task_id, &task.task_type_name])
            })
        }
        Some(Event::History(report)) => {
            at_most("commands of its history at once", report.entries.len(), HISTORY)?;
            report.entries.iter().try_for_each(|entry| {
                name("bytes of a line's stamp", &[&entry.position, &entry.stamp])?;
                words("bytes of a command", &[&entry.command, &entry.message])
            })
        }
        Some(Event::PictureComplete(_) | Event::SignOfLife(_)) | None => Ok(()),
    }
}

fn volume(volume: &types::Volume) -> Result<(), NotTaken> {
    name("bytes of a volume's name", &[&volume.id, &volume.name, &volume.kind])?;
    volume
        .bricks
        .iter()
        .try_for_each(|brick| name("bytes of a brick's name", &[&brick.host_id, &brick.path, &brick.name]))?;
    volume.options.iter().try_for_each(|(option, value)| {
        name("bytes of an option's name", &[option])?;
        words("bytes of an option", &[value])
    })
}

fn error(error: Option<&types::GlusterError>) -> Result<(), NotTaken> {
    error.map_or(Ok(()), |error| {
        words("bytes of Gluster's words", &[&error.message])?;
        names("hosts of an error", &error.hosts)
    })
}

fn names(what: &'static str, names: &[String]) -> Result<(), NotTaken> {
    at_most(what, names.len(), HOSTS)?;
    names.iter().try_for_each(|text| name("bytes of a host's name", &[text]))
}

/// A name is recorded as it is, and a NUL can't be.
fn name(what: &'static str, texts: &[&String]) -> Result<(), NotTaken> {
    texts.iter().try_for_each(|text| match text.contains('\0') {
        true => Err(Unreadable::new(what, "one is NUL, which no name has").into()),
        false => Ok(at_most(what, text.len(), NAME)?),
    })
}

fn words(what: &'static str, texts: &[&String]) -> Result<(), NotTaken> {
    texts.iter().try_for_each(|text| Ok(at_most(what, text.len(), WORDS)?))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn message(event: Event) -> Vec<u8> {
        pb::WatchTasksResponse { event: Some(event), ..Default::default() }.encode_to_vec()
    }

    fn volumes(count: usize, volume: &types::Volume) -> Vec<u8> {
        let volumes = vec![volume.clone(); count];
        message(Event::Volumes(pb::VolumesReport { volumes, error: None }))
    }

    #[test]
    fn ten_thousand_large_volumes_are_taken() {
        let brick = types::Brick {
            host_id: "3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10".into(),
            path: "/bricks/disk-7/photographs".into(),
            name: "storage-17.example.org:/bricks/disk-7/photographs".into(),
            arbiter: false,
        };
        let option = |n| (format!("performance.option-{n}"), "on".to_owned());
        let volume = types::Volume {
            id: "8a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20".into(),
            name: "photographs".into(),
            kind: "Distributed-Replicate".into(),
            bricks: vec![brick; 6],
            options: (0..10).map(option).collect(),
            ..types::Volume::default()
        };
        let told = volumes(10_000, &volume);
        assert!(told.len() < MESSAGE, "{}", told.len());
        before_reading(&told).unwrap();
        check(&pb::WatchTasksResponse::decode(told.as_slice()).unwrap()).unwrap();
    }

    #[test]
    fn a_list_of_nothing_is_counted_before_it_is_read() {
        let error = before_reading(&volumes(1_000_000, &types::Volume::default())).unwrap_err();
        assert_eq!((error.told, error.at_most), (1_000_000, VOLUMES));
        let bricks = vec![types::Brick::default(); PARTS + 1];
        let error = before_reading(&volumes(1, &types::Volume { bricks, ..Default::default() }));
        assert_eq!(error.unwrap_err().told, PARTS + 1);
    }

    #[test]
    fn what_is_no_message_is_left_to_its_reader() {
        for nonsense in
            [&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x0a\x7f", b"\x0b\x0b\x0b", b"\x0a"]
        {
            before_reading(nonsense).unwrap();
        }
    }
}
