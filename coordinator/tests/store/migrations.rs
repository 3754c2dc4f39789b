//! The schema comes about in the same way by hod-coordinator and by plain psql.

use std::path::{Path, PathBuf};

use hod_coordinator::database::{Database, DatabaseError, latest_version, migrate};
use tokio::process::Command;

use crate::support::{DEADLINE, Empty};

fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    files.sort();
    files
}

async fn run(program: &str, database: &Empty, arguments: &[&str]) -> String {
    let socket = database.server.socket_folder();
    let output = Command::new(program)
        .args(["-h", socket.to_str().unwrap(), "-U", "hod", "-d", &database.name])
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn schema(database: &Empty) -> String {
    let dump = run("pg_dump", database, &["--schema-only", "--exclude-table=refinery_schema_history"]).await;
    // Newer versions of pg_dump frame a dump by a key of its own.
    dump.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn plain_psql_runs_them_in_the_order_of_their_names() {
    let (by_psql, by_hod) = (Empty::new().await, Empty::new().await);
    let files = migrations();
    assert_eq!(files.len(), usize::try_from(latest_version()).unwrap());
    for file in &files {
        let file = file.to_str().unwrap();
        run("psql", &by_psql, &["-v", "ON_ERROR_STOP=1", "-q", "-f", file]).await;
    }
    migrate(&mut by_hod.client().await).await.unwrap();
    assert_eq!(schema(&by_psql).await, schema(&by_hod).await);
    let transitions = ["-Atc", "SELECT * FROM status_transitions ORDER BY 1, 2"];
    assert_eq!(run("psql", &by_psql, &transitions).await, run("psql", &by_hod, &transitions).await);
    // hod-coordinator can't tell what version that is, and says so.
    let error = migrate(&mut by_psql.client().await).await.unwrap_err();
    assert!(matches!(error, DatabaseError::NoHistory), "{error}");
}

/// Coordinators that start at once each find the database migrated, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_at_once_migrate_once() {
    let empty = Empty::new().await;
    let runners: Vec<_> = (0..8)
        .map(|_| {
            let config = empty.config.clone();
            tokio::spawn(async move { Database::ready(config, DEADLINE).await.map(|_| ()) })
        })
        .collect();
    for runner in runners {
        runner.await.unwrap().unwrap();
    }
    let rows = empty
        .client()
        .await
        .query("SELECT version::int4 FROM refinery_schema_history ORDER BY version", &[])
        .await
        .unwrap();
    let applied: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(applied, (1..=latest_version()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let empty = Empty::new().await;
    let mut client = empty.client().await;
    migrate(&mut client).await.unwrap();
    migrate(&mut client).await.unwrap();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 SELECT max(version) + 1, 'of_tomorrow', max(applied_on), '1' FROM refinery_schema_history";
    client.batch_execute(newer).await.unwrap();
    let Err(error) = Database::ready(empty.config.clone(), DEADLINE).await else { panic!("it was taken") };
    let known = latest_version();
    assert!(matches!(error, DatabaseError::NewerSchema { found, .. } if found == known + 1), "{error}");
    let words = error.to_string();
    assert!(words.contains(&format!("version {}", known + 1)) && words.lines().count() == 1, "{words}");
}

/// An applied migration that was edited since is not this build's schema.
#[tokio::test]
async fn an_edited_migration_is_refused() {
    let empty = Empty::new().await;
    let mut client = empty.client().await;
    migrate(&mut client).await.unwrap();
    client
        .batch_execute("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1")
        .await
        .unwrap();
    let error = migrate(&mut client).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Migration(_)), "{error}");
}
