//! Bringing the schema up to date, one at a time however many start at once.

use tokio_postgres::Client;

use super::DatabaseError;
use super::address::with_cause;

mod embedded {
    // refinery generates what it needs here.
    #![allow(missing_docs, unreachable_pub)]
    refinery::embed_migrations!("../migrations");
}

/// "hod" and "migr", as a number: the advisory lock that migrators queue for.
const LOCK: i64 = 0x686f_645f_6d69_6772;

/// The last version of the schema that this build knows.
#[must_use]
pub fn latest_version() -> i32 {
    let versions = embedded::migrations::runner();
    let versions = versions.get_migrations().iter().map(|m| m.version());
    versions.max().unwrap_or(0)
}

/// Applies the migrations that are missing, under an advisory lock.
///
/// # Errors
/// If the server is too old, the schema is newer than this build knows, an applied
/// migration is not this build's, or one fails: then nothing of that one is kept.
pub async fn migrate(client: &mut Client) -> Result<(), DatabaseError> {
    let refused = |e: tokio_postgres::Error| DatabaseError::Migration(with_cause(&e));
    let server = client
        .query_one(
            "SELECT current_setting('server_version_num')::int4, current_setting('server_version')",
            &[],
        )
        .await
        .map_err(refused)?;
    if server.get::<_, i32>(0) < 130_000 {
        return Err(DatabaseError::TooOld { found: server.get(1) });
    }
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(refused)?;
    let done = migrate_alone(client).await;
    // The lock also ends with the connection, should this fail.
    let freed = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await;
    done.and(freed.map(|_| ()).map_err(refused))
}

async fn migrate_alone(client: &mut Client) -> Result<(), DatabaseError> {
    let refused = |e: tokio_postgres::Error| DatabaseError::Migration(with_cause(&e));
    let there = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL, to_regclass('pools') IS NOT NULL",
            &[],
        )
        .await
        .map_err(refused)?;
    let (history, tables): (bool, bool) = (there.get(0), there.get(1));
    if tables && !history {
        return Err(DatabaseError::NoHistory);
    }
    if history {
        let found: Option<i32> = client
            .query_one("SELECT max(version)::int4 FROM refinery_schema_history", &[])
            .await
            .map_err(refused)?
            .get(0);
        let known = latest_version();
        if let Some(found) = found.filter(|found| *found > known) {
            return Err(DatabaseError::NewerSchema { found, known });
        }
    }
    let report = embedded::migrations::runner()
        .run_async(client)
        .await
        .map_err(|e| DatabaseError::Migration(in_words(&e)))?;
    for migration in report.applied_migrations() {
        tracing::info!("the database's schema is now of version {migration}");
    }
    Ok(())
}

/// refinery's errors with what caused them, in one line.
fn in_words(error: &refinery::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text =
            error.downcast_ref::<tokio_postgres::Error>().map_or_else(|| error.to_string(), with_cause);
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words.replace('\n', " ")
}
