//! How the agent starts and stops, and what it says when it can't.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hod_tests::binary::built;
use hod_tests::scripted::{ScriptedAgent, ScriptedPool};

#[expect(clippy::disallowed_methods, reason = "the project's own program, run by a test")]
fn run(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(built("hod-agent")?).args(arguments).env_clear().output()?)
}

/// It says one clear line and ends so.
fn says(arguments: &[&str], code: i32, words: &[&str]) -> Result<()> {
    let output = run(arguments)?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(code), "{arguments:?}: {}: {text}", output.status);
    ensure!(text.lines().count() == 1, "{arguments:?}: {text}");
    for word in words {
        ensure!(text.contains(word), "{arguments:?}: {word:?} is not in {text}");
    }
    Ok(())
}

#[test]
fn what_it_cannot_do_it_says_in_one_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("agent.toml");
    let file = file.to_str().context("a path")?;
    std::fs::write(file, "listen = \"127.0.0.1:0\"\nspeed = 3\n")?;
    says(&["--config", file], 2, &[file, "line 2", "unknown field `speed`"])?;
    says(&["--config", "/nowhere/agent.toml"], 2, &["/nowhere/agent.toml", "No such file"])?;
    says(&["--listen", "0.0.0.0:0"], 2, &["0.0.0.0:0", "--plaintext"])?;

    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let state = folder.path().join("state");
    let state = format!("--state-dir={}", state.display());
    says(&["--listen", &address, &state], 1, &[&address, "gRPC", "in use"])?;
    let metrics = ["--listen=127.0.0.1:0", "--metrics-listen", &address, &state];
    says(&metrics, 1, &[&address, "metrics", "in use"])?;

    let no_folder = format!("--state-dir={file}");
    let arguments = ["--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", &no_folder];
    says(&arguments, 1, &[file, "--state-dir"])?;

    let output = run(&["--listen=here"])?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    let output = run(&["--version"])?;
    ensure!(output.status.success() && output.stdout.starts_with(b"hod-agent "), "{output:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_told_also_with_a_watcher() -> Result<()> {
    let pool = ScriptedPool::new(&["node-a"])?;
    let mut agent = ScriptedAgent::start(&pool, "node-a", &[]).await?;
    let mut watch = agent.watch(false).await?;
    watch.until("the picture", |_| Some(())).await?;
    agent.daemon.end(Duration::from_secs(10))?;
    ensure!(agent.daemon.log().contains("stopped"), "{}", agent.daemon.log());
    while watch.next().await.is_ok() {}
    Ok(())
}
