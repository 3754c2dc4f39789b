//! The answers of `volume rebalance`, `volume remove-brick` and (up to 3.6)
//! `volume replace-brick` to `start`, `status`, `stop` and `commit`.

use hod_core::error::GlusterError;
use hod_core::id::{HostId, TaskId};
use hod_core::task::{Counters, PartStatus};

use super::xml::Xml;
use super::{Unreadable, id, reply, seconds};
use crate::gluster::process::Output;
use crate::gluster::status::PartWord;

/// What Gluster says of a volume's task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskReply {
    /// Gluster's id.
    pub id: Option<TaskId>,
    /// Whether it was said to be a fix-layout. Told by the parts' statuses (23), and
    /// by the answer to a start (22).
    pub fix_layout: bool,
    /// The hosts that Gluster told of: in `status` and `stop` only. Disconnected
    /// hosts are missing, and hosts whose part has not started (52).
    pub parts: Vec<HostPart>,
    /// What Gluster says beside it, such as "Remove Brick start successful".
    pub message: String,
}

/// One host's part of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPart {
    /// The host. 3.4 does not tell it.
    pub host: Option<HostId>,
    /// The host's name; "localhost" for the one asked, and differing with the host
    /// that is asked (14, 15).
    pub name: String,
    /// How the part stands.
    pub status: PartStatus,
    /// What it has done.
    pub counters: Counters,
}

/// Reads an answer of `volume rebalance`.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn rebalance(output: &Output) -> Result<TaskReply, GlusterError> {
    read(output, "volRebalance")
}

/// Reads an answer of `volume remove-brick`.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn remove_brick(output: &Output) -> Result<TaskReply, GlusterError> {
    read(output, "volRemoveBrick")
}

/// Reads the answer to a command that changes a volume. What Gluster did is done
/// also where the answer tells nothing of a task.
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn change(output: &Output, body_tag: &str) -> Result<TaskReply, GlusterError> {
    let reply = reply::read(output, body_tag, read_task)?;
    Ok(TaskReply { message: reply.message, ..reply.body.unwrap_or_default() })
}

/// The number for `fix-layout start` in `<op>` (22).
const OP_FIX_LAYOUT: i64 = 4;

fn read(output: &Output, body_tag: &str) -> Result<TaskReply, GlusterError> {
    let reply = reply::read(output, body_tag, read_task)?;
    let message = reply.message.clone();
    Ok(TaskReply { message, ..reply.body(body_tag)? })
}

fn read_task(xml: &mut Xml<'_>) -> Result<TaskReply, Unreadable> {
    let mut task = TaskReply::default();
    xml.children(|xml, tag| {
        match tag.name() {
            "task-id" => task.id = id(&xml.text()?, "<task-id>")?,
            "op" => task.fix_layout |= xml.value::<i64>(tag)? == OP_FIX_LAYOUT,
            "node" => {
                let (part, fix_layout) = read_part(xml)?;
                task.fix_layout |= fix_layout;
                task.parts.push(part);
            }
            // The aggregate speaks for the hosts that were reached only, and
            // ranks only statuses below 5: it is worked out from the hosts.
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    Ok(task)
}

fn read_part(xml: &mut Xml<'_>) -> Result<(HostPart, bool), Unreadable> {
    let mut host = None;
    let mut name = String::new();
    let mut number = None;
    let mut word = None;
    let mut counters = Counters::default();
    xml.children(|xml, tag| {
        match tag.name() {
            "id" => host = id(&xml.text()?, "a host's <id>")?,
            "nodeName" => name = xml.text()?.into_owned(),
            "files" => counters.files = xml.value(tag)?,
            "size" => counters.bytes = xml.value(tag)?,
            "lookups" => counters.scanned = xml.value(tag)?,
            "failures" => counters.failed = xml.value(tag)?,
            "skipped" => counters.skipped = xml.value(tag)?,
            "runtime" => counters.run_time = Some(seconds(&xml.text()?, "<runtime>")?),
            "status" => number = Some(xml.value(tag)?),
            "statusStr" => word = Some(xml.text()?),
            _ => xml.skip(tag)?,
        }
        Ok(())
    })?;
    let word = PartWord::from_xml(number, word.as_deref());
    let part = HostPart { host, name, status: word.status, counters };
    Ok((part, word.fix_layout))
}

/// What Gluster up to 3.6 says of a replace-brick. It runs on the old brick's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceBrickReply {
    /// Gluster's id, where told.
    pub id: Option<TaskId>,
    /// How it stands.
    pub status: PartStatus,
    /// Files moved.
    pub files: u64,
    /// The file that is being moved.
    pub current_file: Option<String>,
}

/// Reads an answer of `volume replace-brick` of 3.5 and 3.6, or the sentence of
/// 3.4: "Number of files migrated = 3\tCurrent file = /x" (source).
///
/// # Errors
/// Gluster's refusal by its kind, or that the answer can't be read.
pub fn replace_brick(output: &Output) -> Result<ReplaceBrickReply, GlusterError> {
    let reply = reply::read(output, "volReplaceBrick", |xml| {
        let mut answer =
            ReplaceBrickReply { id: None, status: PartStatus::Unknown, files: 0, current_file: None };
        xml.children(|xml, tag| {
            match tag.name() {
                "task-id" => answer.id = id(&xml.text()?, "<task-id>")?,
                // Whether it has ended, not one of the numbers of a rebalance.
                "status" => {
                    answer.status = match xml.value::<i64>(tag)? {
                        0 => PartStatus::InProgress,
                        1 => PartStatus::Completed,
                        _ => PartStatus::Unknown,
                    }
                }
                "files" => answer.files = xml.value(tag)?,
                "currentFile" => answer.current_file = Some(xml.text()?.into_owned()),
                _ => xml.skip(tag)?,
            }
            Ok(())
        })?;
        Ok(answer)
    })?;
    match reply.body {
        Some(answer) => Ok(answer),
        None => Ok(replace_brick_sentence(&reply.message)?),
    }
}

fn replace_brick_sentence(sentence: &str) -> Result<ReplaceBrickReply, Unreadable> {
    let rest = sentence
        .strip_prefix("Number of files migrated = ")
        .ok_or_else(|| Unreadable::missing("<volReplaceBrick>"))?;
    let (files, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let current_file = rest.trim().strip_prefix("Current file =");
    Ok(ReplaceBrickReply {
        id: None,
        status: match current_file {
            Some(_) => PartStatus::InProgress,
            None if rest.contains("Migration complete") => PartStatus::Completed,
            None => PartStatus::Unknown,
        },
        files: super::value(files, "the number of files migrated")?,
        current_file: current_file.map(|file| file.trim().to_owned()),
    })
}
