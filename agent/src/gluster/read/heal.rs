//! `volume heal … info summary --xml`: what is still to be healed, brick by brick.

use hod_core::brick::BrickName;
use hod_core::error::GlusterError;
use hod_core::id::HostId;

use super::xml::{Tag, Xml};
use super::{Unreadable, id, reply, value};
use crate::gluster::process::Output;

/// What is to be healed on a volume's bricks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealSummary {
    /// In Gluster's order.
    pub bricks: Vec<HealBrick>,
}

/// What is to be healed, as one brick tells it. A figure is `None` where Gluster
/// does not tell it: a brick that could not be asked is not healed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealBrick {
    /// The brick as printed.
    pub name: BrickName,
    /// Its host; `None` where Gluster writes "-" because it is not connected.
    pub host: Option<HostId>,
    /// Gluster's own words: "Connected", or why the brick could not be asked.
    pub status: String,
    /// Entries in all.
    pub total: Option<u64>,
    /// Entries that wait to be healed.
    pub pending: Option<u64>,
    /// Entries in split-brain.
    pub split_brain: Option<u64>,
    /// Entries that are perhaps being healed.
    pub healing: Option<u64>,
}

impl HealBrick {
    /// Whether the brick was asked.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.status == "Connected"
    }
}

/// Reads `volume heal … info summary`, or `volume heal … info`, which tells the
/// total only.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn read(output: &Output) -> Result<HealSummary, GlusterError> {
    let reply = reply::read(output, "healInfo", |xml| {
        let mut bricks = None;
        xml.children(|xml, tag| match tag.name() {
            "bricks" => {
                let bricks = bricks.get_or_insert_with(Vec::new);
                xml.children(|xml, tag| match tag.name() {
                    "brick" => {
                        bricks.push(read_brick(xml, tag)?);
                        Ok(())
                    }
                    _ => xml.skip(tag),
                })
            }
            _ => xml.skip(tag),
        })?;
        bricks.ok_or_else(|| Unreadable::missing("<bricks>"))
    })?;
    Ok(HealSummary { bricks: reply.body("healInfo")? })
}

fn read_brick(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<HealBrick, Unreadable> {
    let host = match tag.attribute("hostUuid")? {
        Some(text) => id(&text, "a brick's hostUuid")?,
        None => None,
    };
    let mut name = None;
    let mut status = String::new();
    let (mut total, mut pending, mut split_brain, mut healing) = (None, None, None, None);
    xml.children(|xml, tag| {
        match tag.name() {
            "name" => name = Some(xml.text()?),
            "status" => status = without_slipped_count(&xml.text()?).to_owned(),
            "totalNumberOfEntries" | "numberOfEntries" => total = figure(xml, tag)?,
            "numberOfEntriesInHealPending" => pending = figure(xml, tag)?,
            "numberOfEntriesInSplitBrain" => split_brain = figure(xml, tag)?,
            "numberOfEntriesPossiblyHealing" => healing = figure(xml, tag)?,
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let name = name.ok_or_else(|| Unreadable::missing("name of a brick"))?;
    Ok(HealBrick {
        name: BrickName::parse(&name).map_err(|e| Unreadable::new(e.to_string()))?,
        host,
        status,
        total,
        pending,
        split_brain,
        healing,
    })
}

/// A figure, or "-" where there is none.
fn figure(xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<Option<u64>, Unreadable> {
    match &*xml.text()? {
        "-" | "" => Ok(None),
        text => value(text, tag.name()).map(Some),
    }
}

/// With a dead host the count slips into the status, as
/// "…not connected)totalNumberOfEntries0" (54). It counts nothing.
fn without_slipped_count(status: &str) -> &str {
    status.find("totalNumberOfEntries").map_or(status, |at| status[..at].trim_end())
}
