//! gRPC over turmoil's network.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use hod_coordinator::network::{Connection, Connector, Network};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::Uri;
use tonic::transport::server::Connected;
use tower::util::BoxCloneSyncService;
use turmoil::net::{TcpListener, TcpStream};

/// Reaches whom an address names in the simulation.
pub(crate) fn network() -> Network {
    Network::by(connector())
}

pub(crate) fn connector() -> Connector {
    BoxCloneSyncService::new(tower::service_fn(|uri: Uri| async move {
        let host = uri.host().unwrap_or_default().to_owned();
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or_default())).await?;
        let connection: Pin<Box<dyn Connection>> = Box::pin(stream);
        Ok::<_, io::Error>(TokioIo::new(connection))
    }))
}

/// Whoever comes in on a port of this host.
///
/// # Errors
/// If the port is taken.
pub(crate) async fn listen(port: u16) -> io::Result<impl Stream<Item = io::Result<Incoming>> + Send> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    Ok(futures::stream::unfold(listener, |listener| async {
        let accepted = listener.accept().await.map(|(stream, _)| Incoming(stream));
        Some((accepted, listener))
    }))
}

/// A connection that came in.
pub(crate) struct Incoming(TcpStream);

impl Connected for Incoming {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Incoming {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
