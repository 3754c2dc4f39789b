//! The event port: Gluster's processes send each event to it as one datagram.
//!
//! They send to the first address of loopback, IPv4 or IPv6 as the host has it; bricks
//! and clients send to the host's own name, and what they tell is of no use here. So
//! the port is bound on loopback alone, and nobody reaches it from another host.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::eventsd::Files;
use super::{Hearing, Source};
use crate::gluster::Version;
use crate::gluster::read::event;

/// The port from 9.6 and from 10 on (source: `EVENT_PORT`; seen on 10.3 and 11.1).
const PORT: u16 = 55_555;

/// The port before that (seen on 9.2).
const PORT_BEFORE_9_6: u16 = 24_009;

/// No datagram is longer.
const DATAGRAM_MAX: usize = 65_535;

/// At most so many datagrams are read in [`MEANWHILE`]; of a flood the kernel drops the
/// rest. A host of Gluster's sends some tens where a volume of a hundred bricks is
/// stopped.
const AT_ONCE: usize = 100;
const MEANWHILE: Duration = Duration::from_millis(100);

/// Where to listen on a host with this version.
pub(crate) fn addresses(version: &Version) -> Vec<SocketAddr> {
    let port = if version.is_at_least(9, 6) { PORT } else { PORT_BEFORE_9_6 };
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .map(|ip| SocketAddr::new(ip, port))
        .into()
}

/// What the port is heard by.
pub(crate) struct Ear {
    pub(crate) hearing: Hearing,
    pub(crate) eventsd: Files,
    /// Where to listen instead of where Gluster sends to.
    pub(crate) listen: Option<SocketAddr>,
    /// How often to look whether the port may be had, or is to be let go.
    pub(crate) look_every: Duration,
}

impl Ear {
    /// Hears until cancelled, whenever the port may be had.
    pub(crate) async fn run(self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            never = self.hear_on() => match never {},
        }
    }

    async fn hear_on(self) -> Infallible {
        let mut told = String::new();
        loop {
            let why = match self.wanted() {
                Ok(addresses) => match self.hear(&addresses, &mut told).await {
                    Err(error) => format!("{error}: another program may hear them"),
                    // The port is to be let go: why is told with the next turn.
                    Ok(()) => continue,
                },
                Err(why) => why,
            };
            // Said once, and again only when it is another reason.
            if told != why {
                tracing::info!(why, "Gluster's event port is not listened on");
                told = why;
            }
            tokio::time::sleep(self.look_every).await;
        }
    }

    /// Where to listen now, or why not.
    fn wanted(&self) -> Result<Vec<SocketAddr>, String> {
        if let Some(means) = self.eventsd.meant_to_run() {
            return Err(means.to_string());
        }
        if let Some(address) = self.listen {
            return Ok(vec![address]);
        }
        let identity = self.hearing.board.picture().identity;
        let version = identity.and_then(|identity| Version::parse(&identity.gluster_version));
        version
            .map(|version| addresses(&version))
            .ok_or_else(|| "Gluster's version is not known yet".to_owned())
    }

    /// Hears until the port is to be let go.
    ///
    /// # Errors
    /// If it can't be had, or heard on any more.
    async fn hear(&self, addresses: &[SocketAddr], told: &mut String) -> io::Result<()> {
        let sockets = bind(addresses).await?;
        let listening = format!("listening on {addresses:?}");
        if *told != listening {
            tracing::info!(?addresses, "listening for Gluster's events");
            *told = listening;
        }
        let _listening = self.hearing.metrics.listening(Source::Port.code());
        let hearing = sockets.iter().map(|socket| self.hear_socket(socket));
        let look = async {
            loop {
                tokio::time::sleep(self.look_every).await;
                if self.wanted().as_deref() != Ok(addresses) {
                    return;
                }
            }
        };
        tokio::select! {
            () = look => Ok(()),
            (ended, ..) = futures::future::select_all(hearing.map(Box::pin)) => match ended {
                Ok(never) => match never {},
                Err(error) => Err(error),
            }
        }
    }

    async fn hear_socket(&self, socket: &UdpSocket) -> io::Result<Infallible> {
        let mut bytes = vec![0; DATAGRAM_MAX];
        loop {
            let until = Instant::now() + MEANWHILE;
            for _ in 0..AT_ONCE {
                let length = socket.recv(&mut bytes).await?;
                self.hearing.take(Source::Port, &event::datagram(&bytes[..length]));
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

/// Binds every address that this host has.
///
/// # Errors
/// If one of them is taken, or there is none.
async fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    let mut lacking = None;
    for address in addresses {
        match UdpSocket::bind(address).await {
            Ok(socket) => sockets.push(socket),
            // A host without IPv6, or without IPv4.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => lacking = Some(error),
            Err(error) if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => lacking = Some(error),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{address}: {error}"))),
        }
    }
    match lacking {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_goes_by_the_version() {
        for (version, port) in
            [("3.12.15", 24_009), ("9.2", 24_009), ("9.6", 55_555), ("10.3", 55_555), ("11.1", 55_555)]
        {
            let addresses = addresses(&Version::parse(version).unwrap());
            let expected = [format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
            assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{version}");
        }
    }

    #[tokio::test]
    async fn an_address_that_the_host_lacks_is_left_out_and_one_that_is_taken_is_not() {
        let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        // TEST-NET-1, which no host has.
        let lacking: SocketAddr = "192.0.2.1:55555".parse().unwrap();
        let sockets = bind(&[lacking, free]).await.unwrap();
        assert_eq!(sockets.len(), 1);
        assert!(bind(&[lacking]).await.is_err());
        assert_eq!(bind(&[free]).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
