//! Readers: Gluster's output into core's types.
//!
//! Each reads one kind of answer, in one pass, in any order of its elements. What is
//! missing is unknown; what is broken, or cut short, is an error and never a
//! shorter list.

pub mod event;
pub mod get_state;
pub mod heal;
pub mod history;
pub mod node_state;
pub mod pool;
pub mod reply;
pub mod task_list;
pub mod task_status;
pub mod volume_info;
mod xml;

use std::str::FromStr;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use newtype_uuid::{GenericUuid as _, TypedUuid, TypedUuidKind};
use uuid::Uuid;

/// Why an answer could not be read: what in it, and what is wrong with that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Gluster's answer can't be read: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    fn missing(what: &str) -> Self {
        Self(format!("there is no {what}"))
    }
}

impl From<Unreadable> for GlusterError {
    fn from(unreadable: Unreadable) -> Self {
        Self {
            kind: GlusterErrorKind::NotReadable,
            message: unreadable.to_string(),
            op_errno: 0,
            hosts: Vec::new(),
        }
    }
}

/// Reads a value, and says which it was where it can't be read.
fn value<T: FromStr>(text: &str, what: &str) -> Result<T, Unreadable> {
    text.trim().parse().map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Unreadable(format!("{what} is {shown:?}"))
    })
}

/// Reads an id. Gluster writes zeros, or "-", where there is none.
fn id<K: TypedUuidKind>(text: &str, what: &str) -> Result<Option<TypedUuid<K>>, Unreadable> {
    if text.trim() == "-" {
        return Ok(None);
    }
    let id: Uuid = value(text, what)?;
    Ok((!id.is_nil()).then(|| TypedUuid::from_untyped_uuid(id)))
}

/// Reads a time in seconds with decimals, such as "42.00".
fn seconds(text: &str, what: &str) -> Result<Duration, Unreadable> {
    let seconds: f64 = value(text, what)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| Unreadable(format!("{what} is {seconds}")))
}

/// The text of an answer.
fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes)
        .map_err(|e| Unreadable(format!("it is no UTF-8 from byte {} on", e.valid_up_to())))
}
