//! A database that was named.

use std::time::{Duration, Instant};

use hod_coordinator::database::{Database, DatabaseError, Options, PrivatePostgres};

use crate::{DEADLINE, connect, state_dir};

fn options(address: String, wait: Duration) -> Options {
    Options { address: Some(address), state_dir: "/nonexistent".into(), wait }
}

async fn refused(options: &Options) -> DatabaseError {
    match Database::open(options).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            error
        }
    }
}

#[tokio::test]
async fn it_is_opened_by_address_and_left_running() {
    let folder = state_dir();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    let socket = server.socket_folder().display().to_string();
    let database =
        Database::open(&options(format!("host={socket} user=hod dbname=hod"), DEADLINE)).await.unwrap();
    assert!(database.place().contains(&socket));
    database.close().await;
    let client = connect(&server.config()).await;
    client.query_one("SELECT count(*) FROM pools", &[]).await.unwrap();
    server.stop().await;
}

/// A database that starts later than the coordinator is waited for.
#[tokio::test]
async fn one_that_is_down_is_waited_for() {
    let folder = state_dir();
    // Made, and stopped again.
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    let socket = server.socket_folder().display().to_string();
    server.stop().await;
    let options = options(format!("host={socket} user=hod dbname=hod"), DEADLINE);
    let opening = tokio::spawn(async move { Database::open(&options).await.map(|d| d.place()) });
    assert!(!opening.is_finished());
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    opening.await.unwrap().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn one_that_stays_down_is_named_after_the_limit() {
    let wait = Duration::from_millis(600);
    let start = Instant::now();
    // Port 1 of loopback: nobody listens there.
    let error = refused(&options("postgres://hod:secret@127.0.0.1:1/hod".into(), wait)).await;
    assert!(matches!(error, DatabaseError::NotReached { .. }), "{error}");
    assert!(start.elapsed() < DEADLINE);
    let words = error.to_string();
    assert!(words.contains("127.0.0.1:1") && !words.contains("secret"), "{words}");
}

/// What waiting does not mend is told at once.
#[tokio::test]
async fn a_refusal_is_told_at_once() {
    let folder = state_dir();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    let socket = server.socket_folder().display().to_string();
    for address in
        [format!("host={socket} user=hod dbname=nothing"), format!("host={socket} user=nobody dbname=hod")]
    {
        let error = refused(&options(address, Duration::from_secs(3600))).await;
        assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_makes_no_sense_is_refused() {
    let error = refused(&options("colour=red".into(), DEADLINE)).await;
    assert!(error.is_usage(), "{error}");
}
