//! Where a coordinator listens.

use std::fmt;
use std::str::FromStr;

use hod_proto::COORDINATOR_PORT;
use tonic::transport::{Endpoint, Uri};

/// HOST or HOST:PORT; IPv6 hosts with a port stand in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    shown: String,
    uri: Uri,
}

impl Address {
    /// Where to connect to.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from(self.uri.clone())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let refused = || {
            format!(
                "{text:?} is not HOST or HOST:PORT (an IPv6 address with a port: [::1]:{COORDINATOR_PORT})"
            )
        };
        let bare = text.strip_prefix("http://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        // A bare IPv6 address has colons of its own, and no port.
        let host_and_port = if bare.parse::<std::net::Ipv6Addr>().is_ok() {
            format!("[{bare}]:{COORDINATOR_PORT}")
        } else {
            let after_host = bare.rfind(']').map_or(bare, |end| &bare[end..]);
            match after_host.rsplit_once(':') {
                Some((_, port)) => {
                    port.parse::<u16>().ok().filter(|&port| port > 0).ok_or_else(refused)?;
                    bare.to_owned()
                }
                None => format!("{bare}:{COORDINATOR_PORT}"),
            }
        };
        if host_and_port.contains(['/', '@', '?', '#']) {
            return Err(refused());
        }
        let uri: Uri = format!("http://{host_and_port}").parse().map_err(|_| refused())?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(refused());
        }
        Ok(Self { shown: host_and_port, uri })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, shown) in [
            ("127.0.0.1:7470", "127.0.0.1:7470"),
            ("storage.example.com", "storage.example.com:7470"),
            ("http://storage:7000/", "storage:7000"),
            ("[::1]:7000", "[::1]:7000"),
            ("[::1]", "[::1]:7470"),
            ("fe80::1", "[fe80::1]:7470"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", ":7470", "host:", "host:port", "host:0", "host:70000", "a b", "host/path", "me@host"]
        {
            let refusal = text.parse::<Address>().unwrap_err();
            assert!(refusal.contains("HOST:PORT"), "{text:?}: {refusal}");
        }
    }
}
