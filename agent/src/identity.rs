//! Who this host is.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use hod_core::host::HostIdentity;
use hod_core::id::HostId;

use crate::gluster::Version;

/// Tells the host's names, the one that it is called by first, then others that it may
/// be known by. Asked again each time: addresses come and go.
pub type Names = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// Who this host is, by glusterd's id of it and Gluster's version.
pub(crate) fn of_this_host(id: HostId, names: Vec<String>, version: &Version) -> HostIdentity {
    HostIdentity {
        id,
        names,
        gluster_version: version.as_str().to_owned(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The id that glusterd keeps in `glusterd.info`: known also while it is down. Where
/// the file can't be read, it is known when glusterd answers.
pub(crate) fn id_in_file(glusterd: &Path) -> Option<HostId> {
    std::fs::read_to_string(glusterd.join("glusterd.info"))
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("UUID="))
        .and_then(|id| id.trim().parse().ok())
}

/// The host's name, then its addresses that others may know it by.
pub(crate) fn names() -> Vec<String> {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let addresses: BTreeSet<IpAddr> = nix::ifaddrs::getifaddrs()
        .into_iter()
        .flatten()
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
            let v6 = address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip()));
            v4.or(v6)
        })
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        })
        .collect();
    name.into_iter().chain(addresses.iter().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_s_name_comes_first() {
        let name = nix::unistd::gethostname().unwrap().into_string().unwrap();
        assert_eq!(names().first(), Some(&name));
        assert!(!names().iter().any(|n| n == "127.0.0.1" || n == "::1"));
    }

    #[test]
    fn the_id_is_read_from_glusterd_s_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(id_in_file(folder.path()), None);
        let text = "UUID=cec76de0-026a-4656-9832-e0198b88aaf6\noperating-version=100000\n";
        std::fs::write(folder.path().join("glusterd.info"), text).unwrap();
        let id = "cec76de0-026a-4656-9832-e0198b88aaf6".parse().unwrap();
        assert_eq!(id_in_file(folder.path()), Some(id));
    }
}
