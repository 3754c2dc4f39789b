//! Who runs this command: it travels with each call, down to the event.

use tonic::metadata::{Ascii, MetadataValue};

/// user@host, of the process and the machine.
#[must_use]
pub fn identity() -> MetadataValue<Ascii> {
    let id = nix::unistd::geteuid();
    let user =
        nix::unistd::User::from_uid(id).ok().flatten().map_or_else(|| format!("uid {id}"), |user| user.name);
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "unknown host".to_owned());
    carried(&format!("{user}@{host}"))
}

/// Metadata carries visible ASCII only: what is none becomes a question mark.
fn carried(identity: &str) -> MetadataValue<Ascii> {
    let visible: String =
        identity.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    visible.parse().unwrap_or_else(|_| MetadataValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_can_always_be_carried() {
        assert_eq!(carried("jörg@node-a\n"), "j?rg@node-a?");
        let identity = identity();
        assert!(identity.to_str().unwrap().contains('@'));
    }
}
