//! How others are reached: over this machine's TCP, or, in a simulation, over a network
//! that a test made.

use std::fmt;
use std::pin::Pin;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint, Error, Uri};
use tower::util::BoxCloneSyncService;

/// A connection's two directions.
pub trait Connection: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Connection for T {}

/// Connects to what an address names.
pub type Connector = BoxCloneSyncService<Uri, TokioIo<Pin<Box<dyn Connection>>>, std::io::Error>;

/// How others are reached. Clones reach them the same way.
#[derive(Clone)]
pub struct Network {
    /// Whether plain text may leave loopback.
    plaintext: bool,
    /// `None`: this machine's TCP.
    connector: Option<Connector>,
}

impl Network {
    /// This machine's own. `plaintext` allows plain text beyond loopback.
    #[must_use]
    pub fn of_machine(plaintext: bool) -> Self {
        Self { plaintext, connector: None }
    }

    /// A network that is reached by this alone, with names of its own. Nothing leaves
    /// the process, so plain text is allowed.
    #[must_use]
    pub fn by(connector: Connector) -> Self {
        Self { plaintext: true, connector: Some(connector) }
    }

    /// Whether plain text may leave loopback.
    #[must_use]
    pub fn allows_plaintext(&self) -> bool {
        self.plaintext
    }

    /// Connects.
    ///
    /// # Errors
    /// If there is no connection within the endpoint's time, or none at all.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<Channel, Error> {
        match &self.connector {
            None => endpoint.connect().await,
            Some(connector) => endpoint.connect_with_connector(connector.clone()).await,
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("plaintext", &self.plaintext)
            .field("of_machine", &self.connector.is_none())
            .finish()
    }
}
