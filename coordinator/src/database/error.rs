//! Why there is no database.

use std::path::PathBuf;
use std::time::Duration;

/// Why there is no database. Each in one line: what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The address makes no sense.
    #[error("the database's address can't be used: {0}")]
    Address(String),
    /// It does not answer, and was waited for.
    #[error("the database at {place} does not answer, after {} s: {cause}", waited.as_secs())]
    NotReached {
        /// Where it was looked for.
        place: String,
        /// How long.
        waited: Duration,
        /// The last error.
        cause: String,
    },
    /// It answers, and refuses.
    #[error("the database at {place} refuses: {cause}")]
    Refused {
        /// Where it is.
        place: String,
        /// In its words.
        cause: String,
    },
    /// It is too old.
    #[error("the database is PostgreSQL {found}; hod needs 13 or later")]
    TooOld {
        /// As it calls itself.
        found: String,
    },
    /// A later hod has been here.
    #[error(
        "the database's schema is of version {found}, and this hod-coordinator knows it up to {known}: \
         a newer one has used it; run that one"
    )]
    NewerSchema {
        /// The schema's version.
        found: i32,
        /// The last one this build has.
        known: i32,
    },
    /// hod's tables are there, but no record of how they came.
    #[error(
        "the database has hod's tables but no refinery_schema_history: they were not made by \
         hod-coordinator, which can't tell their version; name an empty database"
    )]
    NoHistory,
    /// A migration failed.
    #[error("the database can't be brought up to date: {0}")]
    Migration(String),
    /// No server programs.
    #[error(
        "no database was named, and PostgreSQL's server programs{which} are not here (looked in \
         /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin and PATH): install Debian's package {package}, \
         or name a database with --database"
    )]
    NoPrograms {
        /// Of which version, where that matters.
        which: String,
        /// Which package has them.
        package: String,
    },
    /// The state folder can't be used.
    #[error("the state folder {} can't be used: {cause}", path.display())]
    StateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// Another coordinator is at it.
    #[error(
        "the state folder {} is in use by another hod-coordinator: stop it, or choose another --state-dir",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Nobody to run the server as.
    #[error(
        "PostgreSQL never runs as root, and there is no user postgres or hod to run it as: \
         run hod-coordinator as a user of its own, or name a database with --database"
    )]
    NoUser,
    /// The private server could not be made or started.
    #[error("the private PostgreSQL in {} can't be {what}: {cause}", path.display())]
    Private {
        /// Its folder.
        path: PathBuf,
        /// `made`, `started`.
        what: &'static str,
        /// The last it said.
        cause: String,
    },
}

impl DatabaseError {
    /// Whether it comes from how hod was called, rather than from how things are.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Address(_))
    }
}
