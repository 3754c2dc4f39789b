//! The lines for grpcurl that README gives work as they stand there.

use anyhow::{Context, Result, ensure};
use hod_tests::pool::{Pool, Version, with_pool};
use tokio::process::Command;

/// As README names them.
const AGENT: &str = "node-a:7460";
const COORDINATOR: &str = "localhost:7470";

#[tokio::test]
async fn the_lines_in_readme_work() {
    with_pool(Version::V10, async |pool| {
        pool.create_volume("photos", &[], &["node-a:/bricks/p", "node-b:/bricks/p"]).await?;
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
        let readme = std::fs::read_to_string(readme).context("reading README.md")?;
        let lines: Vec<&str> =
            readme.lines().map(str::trim).filter(|line| line.starts_with("grpcurl ")).collect();
        for address in [AGENT, COORDINATOR] {
            for what in [" list", ".v1."] {
                let shown = lines.iter().any(|line| line.contains(address) && line.contains(what));
                ensure!(shown, "README has no line for grpcurl with {address} and {what:?}");
            }
        }
        for line in lines {
            let answer = run(pool, line).await?;
            ensure!(!answer.trim().is_empty(), "{line} answered nothing");
        }
        Ok(())
    })
    .await;
}

async fn run(pool: &Pool, line: &str) -> Result<String> {
    let agent = format!("{}:7460", pool.a().address().await?);
    let coordinator = format!("{}:7470", pool.coordinator.address().await?);
    let line = line.replace(AGENT, &agent).replace(COORDINATOR, &coordinator);
    let out = Command::new("sh").args(["-c", &line]).output().await?;
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    ensure!(out.status.success(), "{line}: {stdout}{}", String::from_utf8_lossy(&out.stderr));
    Ok(stdout)
}
