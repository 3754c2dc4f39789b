//! What can be a name, by Gluster's own rules (source). What can't be is told to who
//! asked, before anything is looked up or run.

use std::net::IpAddr;

use crate::brick::BrickName;

/// The longest name of a volume (source: `GD_VOLUME_NAME_MAX` less its end).
const VOLUME_NAME_MAX: usize = 255;

/// The longest path (`PATH_MAX` less its end).
const PATH_MAX: usize = 4095;

/// A text that can't be the name it is given for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadName(String);

/// Reads a volume's name: letters, digits, `_` and `-`, not beginning with `-`, and
/// not "all".
///
/// # Errors
/// Says what is wrong with it.
pub fn volume(text: &str) -> Result<&str, BadName> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let problem = match text {
        "" => "is needed: name the volume".to_owned(),
        "all" => "all is no volume's name for Gluster: name one volume".to_owned(),
        _ if text.len() > VOLUME_NAME_MAX => "is too long for a volume's name".to_owned(),
        _ if text.starts_with('-') || !text.chars().all(allowed) => format!(
            "{:?} can't be a volume's name: it has letters, digits, _ and -, and does not begin with -",
            shown(text)
        ),
        _ => return Ok(text),
    };
    Err(BadName(problem))
}

/// Reads a brick's name: `HOST:/PATH`, the path as `volume info` tells it. Brackets
/// around an IPv6 address are left out, as Gluster knows none. Gluster takes what
/// follows the last colon for the path and a space for the end of the name, and
/// would take doubled slashes out by itself (seen): then names could not be compared.
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
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).filter(|h| h.contains(':'));
    let host = bracketed.unwrap_or(host);
    if !is_host(host) {
        return bad("what stands before the path is neither a host's name nor an address");
    }
    if path.len() > PATH_MAX {
        return bad("its path is too long");
    }
    if path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return bad("its path has to be written as `volume info` tells it, without //, . and .. in it");
    }
    BrickName::parse(&format!("{host}:{path}")).or_else(|error| bad(&error.to_string()))
}

/// A name by the rules of DNS, with the underscore that many a network has, or an address.
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
        for name in ["", "all", "-x", "a b", "a/b", "a;b", "vö", "a\n", "$(x)", &long] {
            assert!(volume(name).is_err(), "{name:?}");
        }
        for name in ["a", "_a-1", "0", &long[1..]] {
            assert_eq!(volume(name), Ok(name));
        }
    }

    #[test]
    fn a_brick_is_a_host_and_a_folder() {
        let read = |text| brick(text).map(|b| b.as_str().to_owned());
        for name in ["node-a:/b", "node_a.example.org:/b", "10.0.0.3:/b/i1", "fd00::3:/b", "fe80::1%eth0:/b"]
        {
            assert_eq!(read(name), Ok(name.to_owned()));
        }
        assert_eq!(read("[fd00::3]:/b"), Ok("fd00::3:/b".to_owned()));
        for name in [
            "",
            "/b",
            ":/b",
            "node-a",
            "node-a:b",
            "node-a:/",
            "node-a:/b/",
            "node-a://b",
            "a:/b/../c",
            "a:/./b",
            "a:/a b",
            "a:/a\n",
            "a:/a:b",
            "a:/x:/y",
            "--help:/b",
            "[a]:/b",
            "a..b:/b",
            "a;b:/c",
        ] {
            assert!(brick(name).unwrap_err().to_string().contains("names no brick"), "{name:?}");
        }
    }
}
