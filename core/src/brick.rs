//! Bricks: as Gluster prints them, and resolved.

use serde::{Deserialize, Serialize};

use crate::id::HostId;

/// A brick that is known for sure: a folder of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Brick {
    /// The host, by glusterd's UUID.
    pub host: HostId,
    /// The folder on it.
    pub path: String,
}

/// A brick as Gluster prints it: `HOST:/PATH`. HOST may be a name or an address,
/// and the same brick is printed by name here and by address there (fixtures 101
/// and 102 of 10.3), so names are never compared to tell bricks apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrickName(String);

/// A text that is no brick's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} names no brick: a brick is HOST:/PATH")]
pub struct NotABrick(String);

impl BrickName {
    /// Reads `HOST:/PATH`.
    ///
    /// # Errors
    /// If there is no host, or no absolute path after it.
    pub fn parse(text: &str) -> Result<Self, NotABrick> {
        match text.find(":/") {
            Some(at) if at > 0 => Ok(Self(text.to_owned())),
            _ => Err(NotABrick(text.to_owned())),
        }
    }

    /// As printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host's name or address. An IPv6 address holds colons itself, so the
    /// host ends where the path's slash follows a colon.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split_once(":/").map_or("", |(host, _)| host).trim_matches(['[', ']'])
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.find(":/").map_or("", |at| &self.0[at + 1..])
    }
}

impl std::fmt::Display for BrickName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A brick of a task: its name as the task lists it, and what it was resolved to
/// when first seen. One that could not be resolved is unknown, never gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskBrick {
    /// As the task lists it.
    pub name: BrickName,
    /// The brick it is.
    pub brick: Option<Brick>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_names_addresses_and_ipv6() {
        for (text, host, path) in [
            ("node-b:/bricks/d2", "node-b", "/bricks/d2"),
            ("172.29.0.3:/bricks/i1", "172.29.0.3", "/bricks/i1"),
            ("fd00::3:/bricks/i1", "fd00::3", "/bricks/i1"),
            ("[fd00::3]:/bricks/i1", "fd00::3", "/bricks/i1"),
        ] {
            let name = BrickName::parse(text).unwrap();
            assert_eq!((name.host(), name.path()), (host, path));
        }
        for text in ["", ":/x", "node-b", "node-b:bricks"] {
            assert!(BrickName::parse(text).is_err(), "{text}");
        }
    }
}
