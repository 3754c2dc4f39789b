//! The PostgreSQL that the store is in: one that was named, or a private one.

use std::path::PathBuf;
use std::time::Duration;

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
