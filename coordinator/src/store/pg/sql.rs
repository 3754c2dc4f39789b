//! Queries by name: every one goes through here, is prepared once for each
//! connection, and is measured.

use std::time::Instant;

use deadpool_postgres::GenericClient;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::measure;
use crate::store::error::{Result, StoreError};

/// A query's parameters.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A query and its name, by which errors and measurements call it.
pub(super) struct Sql {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

impl Sql {
    pub(super) const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text }
    }

    /// All rows.
    pub(super) async fn rows<C: GenericClient>(&self, client: &C, params: Params<'_>) -> Result<Vec<Row>> {
        self.measured(async {
            let statement = client.prepare_cached(self.text).await?;
            client.query(&statement, params).await
        })
        .await
    }

    /// The row, if there is one.
    pub(super) async fn maybe<C: GenericClient>(
        &self,
        client: &C,
        params: Params<'_>,
    ) -> Result<Option<Row>> {
        self.measured(async {
            let statement = client.prepare_cached(self.text).await?;
            client.query_opt(&statement, params).await
        })
        .await
    }

    /// The one row.
    pub(super) async fn row<C: GenericClient>(&self, client: &C, params: Params<'_>) -> Result<Row> {
        self.measured(async {
            let statement = client.prepare_cached(self.text).await?;
            client.query_one(&statement, params).await
        })
        .await
    }

    /// How many rows it changed.
    pub(super) async fn execute<C: GenericClient>(&self, client: &C, params: Params<'_>) -> Result<u64> {
        self.measured(async {
            let statement = client.prepare_cached(self.text).await?;
            client.execute(&statement, params).await
        })
        .await
    }

    async fn measured<T>(&self, query: impl Future<Output = std::result::Result<T, Error>>) -> Result<T> {
        let start = Instant::now();
        let result = query.await;
        measure::ran(self.name, start.elapsed(), result.is_ok());
        tracing::trace!(
            target: "hod_coordinator::sql",
            query = self.name,
            seconds = start.elapsed().as_secs_f64(),
            ok = result.is_ok(),
        );
        result.map_err(|error| refusal(self.name, &error))
    }
}

/// What the database's error means for the caller.
pub(super) fn refusal(query: &'static str, error: &Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        // A value that does not fit its column is this program's fault; anything
        // else without the database's word is the connection's.
        return if error.is_closed() || is_io(error) {
            StoreError::Unavailable(in_words(error))
        } else {
            StoreError::Query { query, message: in_words(error), constraint: None }
        };
    };
    let gone = [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::CANNOT_CONNECT_NOW,
        &SqlState::TOO_MANY_CONNECTIONS,
        // Another transaction has it for too long.
        &SqlState::LOCK_NOT_AVAILABLE,
        // A standby that was taken for the server that takes writes.
        &SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    if gone.contains(&db.code()) || db.code().code().starts_with("08") {
        return StoreError::Unavailable(db.message().to_owned());
    }
    let detail = db.detail().map(|d| format!(" ({d})")).unwrap_or_default();
    StoreError::Query {
        query,
        message: format!("{}{detail}", db.message()),
        constraint: db.constraint().map(str::to_owned),
    }
}

fn is_io(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

pub(super) fn in_words(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
