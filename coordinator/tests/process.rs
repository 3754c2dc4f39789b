//! The coordinator as a process: what it says and returns where it can't start.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use hod_proto::coordinator::v1::ListPoolsRequest;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Runs the coordinator until it ends by itself; its exit code and what it says.
async fn run(args: &[&str]) -> (i32, String) {
    run_on("127.0.0.1:0", args).await
}

async fn run_on(listen: &str, args: &[&str]) -> (i32, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_hod-coordinator"))
        .args(["--listen", listen, "--web-listen", "127.0.0.1:0"])
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), child).await.expect("it ends").unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().expect("no signal"), said)
}

/// One line, under the program's name, and no backtrace.
fn one_line(said: &str) -> &str {
    let line = said.strip_suffix('\n').unwrap();
    assert!(line.starts_with("hod-coordinator: ") && !line.contains('\n'), "{said}");
    line
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("coordinator.toml");
    std::fs::write(&file, "# mine\nlissten = \"127.0.0.1:1\"\n").unwrap();
    let (code, said) = run(&["--config", file.to_str().unwrap()]).await;
    assert_eq!(code, 2, "{said}");
    let line = one_line(&said);
    assert!(line.contains("coordinator.toml: line 2: unknown field `lissten`"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let (code, said) = run(&["--config", "/nowhere/coordinator.toml"]).await;
    assert_eq!(code, 2, "{said}");
    assert!(one_line(&said).contains("/nowhere/coordinator.toml"), "{said}");
}

#[tokio::test]
async fn plain_text_beyond_loopback_is_refused() {
    let (code, said) = run_on("0.0.0.0:0", &[]).await;
    assert_eq!(code, 2, "{said}");
    assert!(one_line(&said).contains("--plaintext"), "{said}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = run_on(&address, &[]).await;
    assert_eq!(code, 1, "{said}");
    assert!(one_line(&said).contains(&address), "{said}");
}

#[tokio::test]
async fn a_database_that_is_down_is_waited_for_and_named() {
    // Nobody listens on a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let database = format!("postgres://hod@127.0.0.1:{port}/hod");
    let (code, said) = run(&["--database", &database, "--database-wait", "1s"]).await;
    assert_eq!(code, 1, "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("hod-coordinator: ") && last.contains(&format!("127.0.0.1:{port}")), "{said}");
}

#[tokio::test]
async fn a_database_address_that_makes_no_sense_is_a_usage_error() {
    let (code, said) = run(&["--database", "mysql://x"]).await;
    assert_eq!(code, 2, "{said}");
    one_line(&said);
}

#[tokio::test]
async fn a_state_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let state = file.join("state");
    let (code, said) = run(&["--state-dir", state.to_str().unwrap()]).await;
    assert_eq!(code, 1, "{said}");
    assert!(one_line(&said).contains(file.to_str().unwrap()), "{said}");
}

/// A coordinator with a private database, and where its gRPC listens.
async fn start(state: &std::path::Path) -> (tokio::process::Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hod-coordinator"))
        .args(["--listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0", "--state-dir"])
        .arg(state)
        .env("RUST_LOG", "info")
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it runs");
            if let Some((_, rest)) = line.split_once("grpc=") {
                return rest.split_whitespace().next().unwrap().to_owned();
            }
        }
    };
    let grpc = tokio::time::timeout(Duration::from_secs(60), listens).await.expect("it starts");
    // What it says later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, grpc)
}

async fn end(child: &mut tokio::process::Child, signal: Signal) -> std::process::ExitStatus {
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    kill(pid, signal).unwrap();
    tokio::time::timeout(Duration::from_secs(60), child.wait()).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn killed_it_starts_again_and_told_to_stop_it_ends_well() {
    let state = tempfile::Builder::new().prefix("hod-test-").tempdir().unwrap();
    let pools = async |grpc: &str| {
        let mut client = PoolsClient::connect(format!("http://{grpc}")).await.unwrap();
        client.list_pools(ListPoolsRequest {}).await.unwrap().into_inner().pools.len()
    };
    let (mut child, grpc) = start(state.path()).await;
    assert_eq!(pools(&grpc).await, 0);
    assert_eq!(end(&mut child, Signal::SIGKILL).await.code(), None);

    let (mut child, grpc) = start(state.path()).await;
    assert_eq!(pools(&grpc).await, 0);
    assert_eq!(end(&mut child, Signal::SIGTERM).await.code(), Some(0));
}
