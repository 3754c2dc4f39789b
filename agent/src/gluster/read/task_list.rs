//! `volume status … tasks --xml`: the tasks that the asked host knows of.

use hod_core::brick::BrickName;
use hod_core::error::GlusterError;
use hod_core::id::TaskId;
use hod_core::task::{PartStatus, TaskType};

use super::xml::Xml;
use super::{Unreadable, id, reply};
use crate::gluster::process::Output;
use crate::gluster::status::PartWord;

/// A volume in a task list. A volume that is missing from the list says nothing
/// about its task: it may be stopped, locked or failing (05, 63).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeTasks {
    /// The volume's name.
    pub volume: String,
    /// Its tasks: none, one, or (up to 3.6) several.
    pub tasks: Vec<ListedTask>,
}

/// A task in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTask {
    /// Gluster's id.
    pub id: TaskId,
    /// What it does. A list does not tell a fix-layout from a rebalance (25), so
    /// `fix_layout` is never set here.
    pub task_type: TaskType,
    /// How the task stands, summed up by Gluster over the hosts that were connected:
    /// a hint, no host's own word.
    pub status: PartStatus,
    /// For a remove-brick the bricks named; for a replace-brick (up to 3.6) the old
    /// brick and the new one.
    pub bricks: Vec<BrickName>,
}

/// Reads `volume status … tasks`, of one volume or all.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn read(output: &Output) -> Result<Vec<VolumeTasks>, GlusterError> {
    let reply = reply::read(output, "volStatus", |xml| {
        let mut volumes = None;
        xml.children(|xml, tag| match tag.name() {
            "volumes" => {
                let volumes = volumes.get_or_insert_with(Vec::new);
                xml.children(|xml, tag| match tag.name() {
                    "volume" => {
                        volumes.extend(read_volume(xml)?);
                        Ok(())
                    }
                    _ => xml.skip(tag),
                })
            }
            _ => xml.skip(tag),
        })?;
        volumes.ok_or_else(|| Unreadable::missing("<volumes>"))
    })?;
    Ok(reply.body("volStatus")?)
}

/// A volume without `<tasks>` tells nothing of its tasks: it is left out.
fn read_volume(xml: &mut Xml<'_>) -> Result<Option<VolumeTasks>, Unreadable> {
    let mut volume = None;
    let mut tasks = None;
    xml.children(|xml, tag| {
        match tag.name() {
            "volName" => volume = Some(xml.text()?.into_owned()),
            "tasks" => {
                let tasks = tasks.get_or_insert_with(Vec::new);
                xml.children(|xml, tag| match tag.name() {
                    "task" => {
                        tasks.push(read_task(xml)?);
                        Ok(())
                    }
                    _ => xml.skip(tag),
                })?;
            }
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let volume = volume.ok_or_else(|| Unreadable::missing("name of a volume"))?;
    Ok(tasks.map(|tasks| VolumeTasks { volume, tasks }))
}

fn read_task(xml: &mut Xml<'_>) -> Result<ListedTask, Unreadable> {
    let mut task_type = None;
    let mut task_id = None;
    let mut number = None;
    let mut word = None;
    let mut params = Params::default();
    xml.children(|xml, tag| {
        match tag.name() {
            "type" => task_type = Some(type_of(&xml.text()?)),
            "id" => task_id = id(&xml.text()?, "a task's <id>")?,
            "status" => number = Some(xml.value(tag)?),
            "statusStr" => word = Some(xml.text()?),
            "params" => params.read(xml)?,
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    Ok(ListedTask {
        id: task_id.ok_or_else(|| Unreadable::missing("id of a task"))?,
        task_type: task_type.ok_or_else(|| Unreadable::missing("type of a task"))?,
        status: PartWord::from_xml(number, word.as_deref()).status,
        bricks: params.into_bricks(),
    })
}

/// Gluster's name of a task's type. One that is not known is kept.
fn type_of(name: &str) -> TaskType {
    match name.to_ascii_lowercase().as_str() {
        "rebalance" => TaskType::Rebalance { fix_layout: false },
        "remove brick" => TaskType::RemoveBrick,
        "replace brick" => TaskType::ReplaceBrick { reset: false },
        _ => TaskType::Other(name.to_owned()),
    }
}

#[derive(Default)]
struct Params {
    bricks: Vec<BrickName>,
    source: Option<BrickName>,
    target: Option<BrickName>,
}

impl Params {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Unreadable> {
        xml.children(|xml, tag| {
            match tag.name() {
                "brick" => self.bricks.push(read_brick(xml)?),
                "srcBrick" => self.source = Some(read_brick(xml)?),
                "dstBrick" => self.target = Some(read_brick(xml)?),
                _ => xml.skip(tag)?,
            }
            Ok(())
        })
    }

    fn into_bricks(mut self) -> Vec<BrickName> {
        self.bricks.extend(self.source);
        self.bricks.extend(self.target);
        self.bricks
    }
}

fn read_brick(xml: &mut Xml<'_>) -> Result<BrickName, Unreadable> {
    BrickName::parse(&xml.text()?).map_err(|e| Unreadable::new(e.to_string()))
}
