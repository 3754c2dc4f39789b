//! Containers and networks, by docker's own command line.
//!
//! Everything is labelled with the process that made it, so that what a killed test left behind
//! is found and taken away ([`sweep`]), while pools of other tests run on beside it.

use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OnceCell;

/// The label that names the process a container or network belongs to.
const OWNER: &str = "hod-tests.owner";

/// Runs docker with these arguments and returns what it printed, trimmed; an error carries its words.
pub async fn docker<I, S>(args: I) -> Result<String>
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let out = output(&args).await?;
    ensure!(
        out.status.success(),
        "docker {} failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&out.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Runs a command in a container. A command that fails is no error here: its exit status tells.
pub async fn exec(container: &str, command: &[&str]) -> Result<Output> {
    let args: Vec<String> = ["exec", container].iter().chain(command).map(|arg| (*arg).to_owned()).collect();
    output(&args).await
}

/// What a command in a container prints, line by line, for as long as this is kept.
#[derive(Debug)]
pub struct Lines {
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
    _docker: Child,
}

impl Lines {
    /// Runs the command.
    pub fn of(container: &str, command: &[&str]) -> Result<Self> {
        let mut docker = Command::new("docker")
            .args(["exec", container])
            .args(command)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("running docker (./x test installs it)")?;
        let stdout = docker.stdout.take().context("no standard output")?;
        Ok(Self { lines: BufReader::new(stdout).lines(), _docker: docker })
    }

    /// The next line; none where the command has ended.
    pub async fn next(&mut self) -> Result<Option<String>> {
        Ok(self.lines.next_line().await?)
    }
}

async fn output(args: &[String]) -> Result<Output> {
    Command::new("docker")
        .args(args)
        .kill_on_drop(true)
        .output()
        .await
        .context("running docker (./x test installs it)")
}

/// `--label …` for what this process makes.
pub fn owned() -> String {
    format!("--label={OWNER}={}", owner(std::process::id()).unwrap_or_default())
}

/// A process for good: its number alone is used again after it ended, not so with the time it
/// started at. None where there is no such process.
fn owner(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold spaces.
    let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.to_owned();
    Some(format!("{pid}-{started}"))
}

/// Removes containers and networks whose process is no more. Once a process is enough.
pub async fn sweep() -> Result<()> {
    static SWEPT: OnceCell<()> = OnceCell::const_new();
    SWEPT
        .get_or_try_init(|| async {
            let format = format!("{{{{.ID}}}} {{{{.Label \"{OWNER}\"}}}}");
            let filter = format!("label={OWNER}");
            let containers = docker(["ps", "-a", "--filter", &filter, "--format", &format]).await?;
            for id in orphans(&containers) {
                // Another test may be sweeping too: what it took away is no failure here.
                let _ = docker(["rm", "-fv", &id]).await;
            }
            let networks = docker(["network", "ls", "--filter", &filter, "--format", &format]).await?;
            for id in orphans(&networks) {
                let _ = docker(["network", "rm", &id]).await;
            }
            anyhow::Ok(())
        })
        .await?;
    Ok(())
}

/// Of lines "ID OWNER" the ids of those whose owner is no more.
fn orphans(listed: &str) -> Vec<String> {
    listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, label)| {
            let pid = label.split('-').next().and_then(|pid| pid.parse().ok());
            pid.and_then(owner).as_deref() != Some(*label)
        })
        .map(|(id, _)| id.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_process_of_the_past_made_is_an_orphan() {
        let mine = owner(std::process::id()).unwrap();
        let pid = std::process::id();
        assert_eq!(orphans(&format!("a {mine}\nb {pid}-1\nc 4294967295-1\nd ")), ["b", "c", "d"]);
    }
}
