//! What can be a name, by Gluster's own rules. What can't be never reaches a command.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hod_core::brick::BrickName;
use hod_core::error::{GlusterError, GlusterErrorKind};

/// The longest name of a volume (source: `GD_VOLUME_NAME_MAX` less its end).
const VOLUME_NAME_MAX: usize = 255;

/// The longest path (`PATH_MAX` less its end).
const PATH_MAX: usize = 4095;

/// A text that can't be the name it is given for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadName(String);

/// Whether a text can be a volume's name by Gluster's own rules (source): letters,
/// digits, `_` and `-`, not beginning with `-`, and not "all".
///
/// # Errors
/// As [`GlusterErrorKind::NoSuchVolume`]: there can be no such volume.
pub fn check_volume_name(name: &str) -> Result<(), GlusterError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty()
        || name.len() > VOLUME_NAME_MAX
        || name.starts_with('-')
        || name == "all"
        || !name.chars().all(allowed)
    {
        return Err(GlusterError {
            kind: GlusterErrorKind::NoSuchVolume,
            message: format!("{:?} can't be the name of a Gluster volume", shown(name)),
            op_errno: 0,
            hosts: Vec::new(),
        });
    }
    Ok(())
}

/// Reads the name of a brick as a command takes it: `HOST:/PATH`, the path as
/// `volume info` tells it. Gluster takes what follows the last colon for the path,
/// and a space for the end of the name (source); it would take `.` and doubled
/// slashes out of the path by itself, after which a name could no longer be compared.
///
/// # Errors
/// Says what is wrong with it.
pub fn brick(text: &str) -> Result<BrickName, BadName> {
    let bad = |problem: &str| Err(BadName(format!("{:?} names no brick: {problem}", shown(text))));
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return bad("it holds a space or a control character");
    }
    let Some((host, path)) = text.rsplit_once(':').filter(|(_, path)| path.starts_with('/')) else {
        return bad("a brick is HOST:/PATH, without a colon in the path");
    };
    if !is_host(host) {
        return bad("what stands before the path is neither a host's name nor an address");
    }
    if path.len() > PATH_MAX {
        return bad("its path is too long");
    }
    if path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return bad("its path has to be written as `volume info` tells it, without //, . and .. in it");
    }
    BrickName::parse(text).or_else(|error| bad(&error.to_string()))
}

/// Reads the names of a command's bricks.
///
/// # Errors
/// If there is none, one is named twice, or can't be a brick's name.
pub fn bricks(texts: &[String]) -> Result<Vec<BrickName>, BadName> {
    if texts.is_empty() {
        return Err(BadName("no brick is named".into()));
    }
    let mut seen = BTreeSet::new();
    texts
        .iter()
        .map(|text| {
            let name = brick(text)?;
            if !seen.insert(name.clone()) {
                return Err(BadName(format!("{name} is named twice")));
            }
            Ok(name)
        })
        .collect()
}

/// A name by the rules of DNS, with the underscore that many a network has, or an
/// address. Brackets around an IPv6 address are no part of it for Gluster.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    // A link-local address may carry its interface.
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<IpAddr>().is_ok() || (host.len() <= 253 && host.split('.').all(label))
}

/// As much of a text as fits into a message.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_letters_digits_and_two_signs() {
        let long = "v".repeat(256);
        for name in ["", "all", "-x", "a b", "a/b", "a;b", "vö", "a\n", &long] {
            let error = check_volume_name(name).unwrap_err();
            assert_eq!(error.kind, GlusterErrorKind::NoSuchVolume, "{name:?}");
        }
        for name in ["a", "_a-1", "0", &long[1..]] {
            assert_eq!(check_volume_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_brick_is_a_host_and_a_folder() {
        for name in [
            "node-a:/bricks/b1",
            "node_a.example.org:/b",
            "172.29.0.3:/bricks/i1",
            "fd00::3:/bricks/i1",
            "::1:/b",
            "fe80::1%eth0:/b",
            "node-a:/bricks/-x/größe;rm",
        ] {
            assert_eq!(brick(name).map(|b| b.as_str().to_owned()), Ok(name.to_owned()));
        }
        for name in [
            "",
            "/bricks/b1",
            ":/bricks/b1",
            "node-a",
            "node-a:bricks",
            "node-a:/",
            "node-a:/bricks/",
            "node-a://bricks",
            "node-a:/bricks/../b1",
            "node-a:/bricks/./b1",
            "node-a:/bricks/a b",
            "node-a:/bricks/a\n",
            "node-a:/bricks/a\0",
            "node-a:/bricks/a:b",
            "a:/x:/y",
            "--help:/b",
            "-a:/b",
            "[fd00::3]:/b",
            "no de:/b",
            "a..b:/b",
        ] {
            let error = brick(name).unwrap_err();
            assert!(error.to_string().contains("names no brick"), "{name:?}: {error}");
        }
        let long = format!("a:/{}", "x".repeat(5000));
        assert!(brick(&long).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn bricks_are_some_and_each_of_them_once() {
        let names = |texts: &[&str]| bricks(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["a:/b", "a:/c"]).unwrap().len(), 2);
        assert!(names(&[]).unwrap_err().to_string().contains("no brick"));
        assert!(names(&["a:/b", "b:/b", "a:/b"]).unwrap_err().to_string().contains("a:/b is named twice"));
        assert!(names(&["a:/b", "x"]).is_err());
    }
}
