//! The PostgreSQL that the store is in: one that was named, or a private one.
//!
//! [`Database::open`] does all there is to do before the store can be used: it
//! reads the address ([`address`]) or starts a private server ([`private`]), which
//! is kept alive ([`keeper`]), waits
//! until it answers ([`connect`]), and brings the schema up to date ([`migrate`]).

mod address;
mod connect;
mod error;
mod keeper;
mod migrate;
mod private;
mod programs;

use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use keeper::Keeper;

pub use connect::Tls;
pub use error::DatabaseError;
pub use migrate::{latest_version, migrate};
pub use private::PrivatePostgres;

/// Connections kept open to the database at most. Sync writes for one pool at a
/// time, the rest is reading.
const CONNECTIONS: usize = 16;

/// Kept apart from these for what is short and must not wait, such as keeping leases.
const RESERVED: usize = 2;

/// How long a call waits for a free connection, or for a new one, before it says
/// that the database does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A coordinator that is frozen in the middle of a transaction must not keep what it has
/// locked: the database ends it before its leases run out, and another can take over.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '5s'";

/// Which database, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `postgres://…`, or words as in `host=… dbname=…`. `None`: a private one.
    pub address: Option<String>,
    /// Where a private one is kept, in the folder `postgres`.
    pub state_dir: PathBuf,
    /// How long a database that is down is waited for.
    pub wait: Duration,
}

/// A database that answers and has this build's schema.
pub struct Database {
    config: tokio_postgres::Config,
    tls: Tls,
    pool: Pool,
    reserved: Pool,
    private: Option<Keeper>,
}

impl Database {
    /// Connects to the database that was named, or starts a private one, and
    /// migrates it.
    ///
    /// # Errors
    /// Each says in one line what is wrong and what to do.
    pub async fn open(options: &Options) -> Result<Self, DatabaseError> {
        let (config, private) = match &options.address {
            Some(address) => (address::parse(address)?, None),
            None => {
                let server = PrivatePostgres::start(&options.state_dir).await?;
                (server.config(), Some(server))
            }
        };
        match Self::ready(config, options.wait).await {
            Ok(mut database) => {
                database.private = private.map(|server| Keeper::of(server, options.state_dir.clone()));
                Ok(database)
            }
            Err(error) => {
                if let Some(server) = private {
                    server.stop().await;
                }
                Err(error)
            }
        }
    }

    /// The database behind a configuration, once it answers and is migrated.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn ready(config: tokio_postgres::Config, wait: Duration) -> Result<Self, DatabaseError> {
        let tls = connect::tls();
        let mut session = connect::wait_for(&config, &tls, wait).await?;
        migrate(&mut session.client).await?;
        let connections = |size| {
            let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), how))
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .post_create(Hook::async_fn(|client, _| {
                    Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
                }))
                .wait_timeout(Some(PATIENCE))
                .create_timeout(Some(PATIENCE))
                .recycle_timeout(Some(PATIENCE))
                .build()
                .map_err(|e| DatabaseError::Address(e.to_string()))
        };
        let (pool, reserved) = (connections(CONNECTIONS)?, connections(RESERVED)?);
        Ok(Self { config, tls, pool, reserved, private: None })
    }

    /// Connections to be borrowed.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.pool.clone()
    }

    /// Connections for what is short and must not wait for others.
    #[must_use]
    pub fn reserved(&self) -> Pool {
        self.reserved.clone()
    }

    /// What a connection of one's own is made with.
    #[must_use]
    pub fn config(&self) -> (tokio_postgres::Config, Tls) {
        (self.config.clone(), self.tls.clone())
    }

    /// Where it is, in words for the log; never with a password.
    #[must_use]
    pub fn place(&self) -> String {
        address::place(&self.config)
    }

    /// Closes the connections, and stops the server if it is a private one.
    pub async fn close(self) {
        self.pool.close();
        self.reserved.close();
        if let Some(server) = self.private {
            server.stop().await;
        }
    }
}
