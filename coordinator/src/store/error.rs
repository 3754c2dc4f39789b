//! What can go wrong with the store.

use hod_core::id::{JobId, PoolId};

/// What the store returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store did not do what was asked. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What was looked for: `pool`, `volume`, `job`, `step`, `task`.
        what: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// A value can't be right.
    #[error("{message}")]
    Invalid {
        /// The field, by its name in the API.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// It is there already, or claimed by another.
    #[error("{0}")]
    Exists(String),
    /// It is not in a state for that.
    #[error("{0}")]
    Refused(String),
    /// The volume is in another job's hands.
    #[error("volume {volume} is in the hands of job {job}: {doing}")]
    Busy {
        /// The volume's name.
        volume: String,
        /// The job that holds it.
        job: JobId,
        /// What that job does, in words.
        doing: String,
    },
    /// Another coordinator writes for the pool now.
    #[error("pool {pool} is held by {holder} now; this coordinator writes nothing more for it")]
    LeaseLost {
        /// The pool.
        pool: PoolId,
        /// Who holds it; "nobody" if it was given back.
        holder: String,
    },
    /// What is recorded has changed since the plan was made; the next plan will do.
    #[error("{0} has changed since the plan was made")]
    Stale(String),
    /// The database can't be reached, or went away. Whether the last write was
    /// done is not known.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The database refused a query.
    #[error("the database refused the query {query}: {message}")]
    Query {
        /// The query's name.
        query: &'static str,
        /// In the database's words.
        message: String,
        /// The constraint that was broken, if one was.
        constraint: Option<String>,
    },
    /// What is recorded can't be read.
    #[error("the record can't be read: {0}")]
    Unreadable(String),
}

impl StoreError {
    pub(crate) fn not_found(what: &'static str, name: impl std::fmt::Display) -> Self {
        Self::NotFound { what, name: format!("{name}") }
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}
