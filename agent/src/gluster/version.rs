//! Gluster's version, as `gluster --version` tells it.

use std::fmt;

/// A version of Gluster, such as 10.3 or 3.12.15.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    text: String,
    major: u32,
    minor: u32,
}

impl Version {
    /// Reads the first line of `gluster --version`: `glusterfs 10.3`, or
    /// `glusterfs 3.12.15 built on …`. `None` if there is no version in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.lines().next()?.trim();
        let word = text.strip_prefix("glusterfs").unwrap_or(text).split_whitespace().next()?;
        let mut parts = word.split('.').map(leading_number);
        Some(Self {
            text: word.to_owned(),
            major: parts.next()??,
            minor: parts.next().flatten().unwrap_or(0),
        })
    }

    /// Whether it is this version or a later one.
    #[must_use]
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// As printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The number that a text such as "6rc1" begins with.
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_versions_print() {
        for (text, as_str, ten, three_eight) in [
            ("glusterfs 10.3\nRepository revision: …", "10.3", true, true),
            ("glusterfs 9.2", "9.2", false, true),
            ("glusterfs 11.1", "11.1", true, true),
            ("glusterfs 3.12.15 built on Oct 1 2018", "3.12.15", false, true),
            ("glusterfs 3.5.9 built on Feb 1 2016", "3.5.9", false, false),
            ("glusterfs 6.0rc1", "6.0rc1", false, true),
        ] {
            let version = Version::parse(text).unwrap();
            assert_eq!(version.as_str(), as_str);
            assert_eq!(version.is_at_least(10, 0), ten, "{text}");
            assert_eq!(version.is_at_least(3, 8), three_eight, "{text}");
        }
        for text in ["", "glusterfs", "bash: gluster: not found"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
