//! The private PostgreSQL.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;

use hod_coordinator::database::{Database, DatabaseError, Options, PrivatePostgres, latest_version};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{DEADLINE, connect, state_dir, until};

fn alive(process: i32) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), None).is_ok()
}

async fn refused(state_dir: &Path) -> DatabaseError {
    match PrivatePostgres::start(state_dir).await {
        Ok(server) => {
            server.stop().await;
            panic!("it was started");
        }
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            error
        }
    }
}

#[tokio::test]
async fn without_an_address_a_database_is_made_and_found_again() {
    let folder = state_dir();
    let options = Options { address: None, state_dir: folder.path().to_owned(), wait: DEADLINE };
    for start in 1..=2 {
        let database = Database::open(&options).await.unwrap();
        let client = database.pool().get().await.unwrap();
        let versions = "SELECT count(*)::int4 FROM refinery_schema_history";
        assert_eq!(client.query_one(versions, &[]).await.unwrap().get::<_, i32>(0), latest_version());
        client
            .batch_execute("CREATE TABLE IF NOT EXISTS starts (); INSERT INTO starts DEFAULT VALUES")
            .await
            .unwrap();
        let starts: i64 = client.query_one("SELECT count(*) FROM starts", &[]).await.unwrap().get(0);
        assert_eq!(starts, start, "what was written is there after a restart");
        drop(client);
        database.close().await;
    }
}

/// Nobody but its owner reaches it, by a socket in its folder and nothing else, and
/// it never runs as root.
#[tokio::test]
async fn it_listens_on_a_socket_of_its_own_only() {
    let folder = state_dir();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    let client = connect(&server.config()).await;
    let listens: String = client.query_one("SHOW listen_addresses", &[]).await.unwrap().get(0);
    assert_eq!(listens, "");
    let postgres = std::fs::metadata(folder.path().join("postgres")).unwrap();
    assert_eq!(postgres.permissions().mode() & 0o777, 0o700);
    let process = std::fs::metadata(format!("/proc/{}", server.process())).unwrap();
    assert_ne!(process.uid(), 0);
    assert_eq!(process.uid(), postgres.uid());
    let process = server.process();
    server.stop().await;
    assert!(!alive(process));
    assert!(!folder.path().join("postgres/data/postmaster.pid").exists(), "stopped in order");
}

#[tokio::test]
async fn a_second_coordinator_is_kept_out() {
    let folder = state_dir();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, DatabaseError::InUse { .. }), "{error}");
    connect(&server.config()).await.batch_execute("SELECT 1").await.unwrap();
    server.stop().await;
}

/// Not a test of its own: the process that the next one kills.
#[tokio::test]
#[ignore = "started by a_coordinator_that_was_killed_leaves_its_server_to_the_next"]
async fn to_be_killed() {
    let Some(folder) = std::env::var_os("HOD_TEST_STATE_DIR") else {
        return;
    };
    let server = PrivatePostgres::start(Path::new(&folder)).await.unwrap();
    println!("\nserver {}", server.process());
    std::future::pending::<()>().await;
}

/// A coordinator with a private server, in a process of its own; and the server's.
async fn coordinator(folder: &Path) -> (Child, i32) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "private::to_be_killed", "--ignored", "--nocapture"])
        .env("HOD_TEST_STATE_DIR", folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let process = tokio::time::timeout(DEADLINE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(process) = line.strip_prefix("server ") {
                return process.parse().unwrap();
            }
        }
        panic!("it has started no server");
    });
    let process = process.await.unwrap();
    (child, process)
}

#[tokio::test]
async fn a_coordinator_that_was_killed_leaves_its_server_to_the_next() {
    let folder = state_dir();
    let (mut first, process) = coordinator(folder.path()).await;
    first.kill().await.unwrap();
    assert!(alive(process), "the server outlives it");
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    assert_eq!(server.process(), process);
    connect(&server.config()).await.batch_execute("SELECT 1").await.unwrap();
    server.stop().await;
    until("the server to stop", async || (!alive(process)).then_some(())).await;
}

/// The machine went down: the server is gone, its file names another program's process.
#[tokio::test]
async fn a_stale_file_of_a_server_that_is_gone_is_no_hindrance() {
    let folder = state_dir();
    let (mut first, process) = coordinator(folder.path()).await;
    first.kill().await.unwrap();
    let server = nix::unistd::Pid::from_raw(process);
    nix::sys::signal::kill(server, nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the server to be gone", async || (!alive(process)).then_some(())).await;
    let file = folder.path().join("postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(&file).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    // Of the server's user: another's process PostgreSQL does not take for a server.
    let user = std::fs::metadata(&file).unwrap().uid();
    let mut other = Command::new("sleep").arg("600").uid(user).kill_on_drop(true).spawn().unwrap();
    let number = other.id().unwrap();
    std::fs::write(&file, format!("{number}\n{rest}")).unwrap();
    let lock = folder.path().join("postgres/.s.PGSQL.5432.lock");
    std::fs::write(&lock, format!("{number}\n{rest}")).unwrap();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    assert_ne!(server.process(), process);
    other.kill().await.unwrap();
    connect(&server.config()).await.batch_execute("SELECT 1").await.unwrap();
    server.stop().await;
}

/// What was interrupted while it was made is made anew.
#[tokio::test]
async fn half_made_data_is_made_anew() {
    let folder = state_dir();
    let unfinished = folder.path().join("postgres/data.unfinished");
    std::fs::create_dir_all(&unfinished).unwrap();
    std::fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    let server = PrivatePostgres::start(folder.path()).await.unwrap();
    connect(&server.config()).await.batch_execute("SELECT 1").await.unwrap();
    assert!(!unfinished.exists());
    server.stop().await;
}

#[tokio::test]
async fn a_state_folder_that_can_not_be_used_is_named() {
    let folder = state_dir();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let long = folder.path().join("x".repeat(100));
    for state_dir in [&file, &long] {
        let error = refused(state_dir).await;
        assert!(matches!(error, DatabaseError::StateDir { .. }), "{error}");
        assert!(error.to_string().contains(&state_dir.display().to_string()), "{error}");
    }
}

/// A folder that the server's own user can't enter, where the coordinator is root.
#[tokio::test]
async fn a_barred_folder_is_named() {
    let folder = state_dir();
    let barred = folder.path().join("barred");
    std::fs::create_dir(&barred).unwrap();
    std::fs::set_permissions(&barred, std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = refused(&barred.join("state")).await;
    assert!(matches!(error, DatabaseError::StateDir { .. }), "{error}");
    assert!(error.to_string().contains("barred"), "{error}");
}

#[tokio::test]
async fn data_of_a_version_that_is_not_here_names_its_package() {
    let folder = state_dir();
    let data = folder.path().join("postgres/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = refused(folder.path()).await;
    assert!(
        matches!(&error, DatabaseError::NoPrograms { package, .. } if package == "postgresql-9"),
        "{error}"
    );
}

/// The last the server says is told.
#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let folder = state_dir();
    let Err(error) = PrivatePostgres::start_with(folder.path(), &["shared_buffers=colour"]).await else {
        panic!("it was started")
    };
    assert!(error.to_string().contains("shared_buffers"), "{error}");
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
}
