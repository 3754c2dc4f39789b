//! `volume info --xml`: the volumes with their bricks and options.

use std::collections::BTreeMap;

use hod_core::brick::{Brick, BrickName};
use hod_core::error::GlusterError;
use hod_core::volume::{Volume, VolumeBrick, VolumeStatus};

use super::xml::{Item, Tag, Xml};
use super::{Unreadable, id, reply, value};
use crate::gluster::process::Output;

/// Reads `volume info`, of one volume or all.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn read(output: &Output) -> Result<Vec<Volume>, GlusterError> {
    let reply = reply::read(output, "volInfo", |xml| {
        let mut volumes = None;
        xml.children(|xml, tag| match tag.name() {
            "volumes" => {
                volumes = Some(read_volumes(xml)?);
                Ok(())
            }
            _ => xml.skip(tag),
        })?;
        volumes.ok_or_else(|| Unreadable::missing("<volumes>"))
    })?;
    Ok(reply.body("volInfo")?)
}

fn read_volumes(xml: &mut Xml<'_>) -> Result<Vec<Volume>, Unreadable> {
    let mut volumes = Vec::new();
    let mut count: Option<usize> = None;
    xml.children(|xml, tag| {
        match tag.name() {
            "volume" => volumes.push(read_volume(xml)?),
            "count" => count = Some(xml.value(tag)?),
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    match count {
        Some(count) if count != volumes.len() => {
            Err(Unreadable::new(format!("it counts {count} volumes and lists {}", volumes.len())))
        }
        _ => Ok(volumes),
    }
}

#[derive(Default)]
struct Counts {
    bricks: Option<usize>,
    distribute: u32,
    stripe: u32,
    replica: u32,
    arbiter: u32,
    disperse: u32,
    redundancy: u32,
}

impl Counts {
    /// How many sets there are. Old versions write the size of a set into
    /// `distCount` (source), so it is worked out from the bricks.
    fn sets(&self, bricks: usize) -> u32 {
        let size = if self.disperse > 0 {
            self.disperse
        } else {
            self.replica.max(1).saturating_mul(self.stripe.max(1))
        };
        match u32::try_from(bricks) {
            Ok(bricks) if bricks > 0 && bricks % size == 0 => bricks / size,
            _ => self.distribute,
        }
    }
}

fn read_volume(xml: &mut Xml<'_>) -> Result<Volume, Unreadable> {
    let mut name = None;
    let mut volume_id = None;
    let mut number = None;
    let mut word = None;
    let mut kind = String::new();
    let mut counts = Counts::default();
    let mut bricks = Vec::new();
    let mut options = BTreeMap::new();
    xml.children(|xml, tag| {
        match tag.name() {
            "name" => name = Some(xml.text()?.into_owned()),
            "id" => volume_id = id(&xml.text()?, "a volume's <id>")?,
            "status" => number = Some(xml.value::<i64>(tag)?),
            "statusStr" => word = Some(xml.text()?),
            "typeStr" => kind = xml.text()?.into_owned(),
            "brickCount" => counts.bricks = Some(xml.value(tag)?),
            "distCount" => counts.distribute = xml.value(tag)?,
            "stripeCount" => counts.stripe = xml.value(tag)?,
            "replicaCount" => counts.replica = xml.value(tag)?,
            "arbiterCount" => counts.arbiter = xml.value(tag)?,
            "disperseCount" => counts.disperse = xml.value(tag)?,
            "redundancyCount" => counts.redundancy = xml.value(tag)?,
            "bricks" => xml.children(|xml, tag| match tag.name() {
                "brick" => {
                    bricks.push(read_brick(xml, tag)?);
                    Ok(())
                }
                _ => xml.skip(tag),
            })?,
            "options" => xml.children(|xml, tag| match tag.name() {
                "option" => {
                    let (name, value) = read_option(xml)?;
                    options.insert(name, value);
                    Ok(())
                }
                _ => xml.skip(tag),
            })?,
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let name = name.ok_or_else(|| Unreadable::missing("name of a volume"))?;
    if let Some(count) = counts.bricks
        && count != bricks.len()
    {
        return Err(Unreadable::new(format!(
            "it counts {count} bricks of volume {name} and lists {}",
            bricks.len()
        )));
    }
    Ok(Volume {
        id: volume_id.ok_or_else(|| Unreadable::missing(&format!("id of volume {name}")))?,
        name,
        status: status(number, word.as_deref()),
        kind,
        distribute_count: counts.sets(bricks.len()),
        replica_count: counts.replica.max(1),
        arbiter_count: counts.arbiter,
        disperse_count: counts.disperse,
        redundancy_count: counts.redundancy,
        bricks,
        options,
    })
}

fn status(number: Option<i64>, word: Option<&str>) -> VolumeStatus {
    match (word, number) {
        (Some("Created"), _) | (None, Some(0)) => VolumeStatus::Created,
        (Some("Started"), _) | (None, Some(1)) => VolumeStatus::Started,
        (Some("Stopped"), _) | (None, Some(2)) => VolumeStatus::Stopped,
        _ => VolumeStatus::Unknown,
    }
}

/// A brick's name stands as its own text, and from 3.6 on in `<name>` too. Its host
/// is told from 3.6 on.
fn read_brick(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<VolumeBrick, Unreadable> {
    let mut host = match tag.attribute("uuid")? {
        Some(text) => id(&text, "a brick's uuid")?,
        None => None,
    };
    let mut own_text = String::new();
    let mut name = None;
    let mut arbiter = false;
    while let Some(item) = xml.next()? {
        match item {
            Item::Text(text) => own_text.push_str(&text),
            Item::Element(tag) => match tag.name() {
                "name" => name = Some(xml.text()?),
                "hostUuid" => host = id(&xml.text()?, "a brick's <hostUuid>")?,
                "isArbiter" => arbiter = &*xml.text()? == "1",
                _ => xml.skip(&tag)?,
            },
        }
    }
    let name = name.as_deref().unwrap_or(own_text.trim());
    let name = BrickName::parse(name).map_err(|e| Unreadable::new(e.to_string()))?;
    let brick = host.map(|host| Brick { host, path: name.path().to_owned() });
    Ok(VolumeBrick { brick, name, arbiter })
}

fn read_option(xml: &mut Xml<'_>) -> Result<(String, String), Unreadable> {
    let mut name = None;
    let mut setting = String::new();
    xml.children(|xml, tag| {
        match tag.name() {
            "name" => name = Some(value(&xml.text()?, "an option's <name>")?),
            "value" => setting = xml.text()?.into_owned(),
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let name = name.ok_or_else(|| Unreadable::missing("name of an option"))?;
    Ok((name, setting))
}
