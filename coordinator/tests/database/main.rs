//! The database that a coordinator opens: a private one, or one that was named.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod named;
mod private;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tempfile::TempDir;

/// How long a test waits for anything before it says that it does not come.
const DEADLINE: Duration = Duration::from_secs(60);

/// A state folder. PostgreSQL runs as a user of its own where the tests run as root.
fn state_dir() -> TempDir {
    let open = Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("hod-database-").permissions(open).tempdir().unwrap()
}

async fn connect(config: &tokio_postgres::Config) -> tokio_postgres::Client {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Waits until something is there.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
