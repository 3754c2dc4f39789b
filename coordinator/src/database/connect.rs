//! Connecting, and waiting for a database that is down.

use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DatabaseError;
use super::address::{place, with_cause};

/// Makes connections encrypted where the configuration asks for it.
pub type Tls = MakeRustlsConnect;

/// How long after one attempt the next is made.
const AGAIN: Duration = Duration::from_millis(250);

/// Trusts the machine's certificates; `SSL_CERT_FILE` names others.
pub(super) fn tls() -> Tls {
    let mut roots = RootCertStore::empty();
    // Where none can be read, encrypted connections fail with a word of their own.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
    // ring carries all of rustls' default versions; there is nothing to fail on.
    #[expect(clippy::expect_used, reason = "a property of the build, not of a run")]
    MakeRustlsConnect::new(config.expect("ring speaks TLS 1.2 and 1.3"))
}

/// A connection, and the task that carries it.
pub(super) struct Session {
    pub(super) client: Client,
    carrier: tokio::task::JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// One attempt.
pub(super) async fn connect(config: &Config, tls: &Tls) -> Result<Session, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls.clone()).await?;
    let carrier = tokio::spawn(async move {
        // An error here shows at the client's next call.
        let _ = connection.await;
    });
    Ok(Session { client, carrier })
}

/// Attempts until it answers. A refusal that waiting does not mend (a wrong
/// password, no such database) is told at once.
pub(super) async fn wait_for(config: &Config, tls: &Tls, wait: Duration) -> Result<Session, DatabaseError> {
    let start = Instant::now();
    let mut said = false;
    loop {
        let error = match connect(config, tls).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let cause = with_cause(&error);
        if !may_pass(&error) {
            return Err(DatabaseError::Refused { place: place(config), cause });
        }
        if start.elapsed() + AGAIN > wait {
            return Err(DatabaseError::NotReached { place: place(config), waited: start.elapsed(), cause });
        }
        if !said {
            said = true;
            tracing::warn!(
                "the database at {} does not answer ({cause}); waiting for it for up to {} s",
                place(config),
                wait.as_secs()
            );
        }
        sleep(AGAIN).await;
    }
}

/// Whether waiting may mend it: no answer at all, one that starts or stops, one
/// with no connection free.
fn may_pass(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => {
            *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::TOO_MANY_CONNECTIONS
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN
        }
    }
}
