//! A program of the project, run by a test and ended with it.

use std::fs::File;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::binary::built;

/// A process, its output in a file. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Daemon {
    /// Starts a program of the project; `name` tells it from others in the folder.
    ///
    /// # Errors
    /// If it has not been built, or cannot be started.
    pub fn start(program: &str, name: &str, folder: &Path, args: Vec<String>) -> Result<Self> {
        let program = built(program)?;
        let log = folder.join(format!("{name}.log"));
        let child = spawn(&program, &args, &log)?;
        Ok(Self { name: name.to_owned(), program, args, log, child })
    }

    /// Starts it again after it was ended.
    ///
    /// # Errors
    /// If it still runs, or cannot be started.
    pub fn start_again(&mut self) -> Result<()> {
        if self.is_running()? {
            bail!("{} still runs", self.name);
        }
        self.child = spawn(&self.program, &self.args, &self.log)?;
        Ok(())
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends it a signal: SIGSTOP freezes it, SIGCONT thaws it.
    ///
    /// # Errors
    /// If it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).with_context(|| format!("{} to {}", signal, self.name))
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// If that fails.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits for that; past the deadline it is killed.
    ///
    /// # Errors
    /// If it had to be killed.
    pub fn end(&mut self, deadline: Duration) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let begun = Instant::now();
        while self.is_running()? {
            if begun.elapsed() > deadline {
                self.kill()?;
                bail!("{} did not end within {deadline:?} of SIGTERM", self.name);
            }
            pause();
        }
        Ok(())
    }

    /// The memory that it holds, in KiB.
    ///
    /// # Errors
    /// If it is gone.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Daemon {
    /// The end of its output, for a test that failed.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(60);
        format!("--- {}\n{}\n", self.name, lines[last..].join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.kill();
    }
}

#[expect(clippy::disallowed_methods, reason = "the project's own programs, run by a test")]
fn spawn(program: &Path, args: &[String], log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    Command::new(program)
        .args(args)
        // What the machine is set to must not reach it.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUST_LOG", std::env::var("SCRIPTED_RUST_LOG").unwrap_or("info,hod_agent=debug".into()))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

#[expect(clippy::disallowed_methods, reason = "waits for a process's end on a test's own thread")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// A part of the loopback network that is this test's own as long as the socket is
/// held, so that every daemon can have its usual port there.
///
/// # Errors
/// If none was free in a hundred tries.
pub fn own_network() -> Result<([u8; 3], UdpSocket)> {
    for _ in 0..100 {
        let [a, b, ..] = *uuid::Uuid::new_v4().as_bytes();
        let network = [127, a.max(1), b];
        let last = Ipv4Addr::new(127, network[1], network[2], 254);
        if let Ok(held) = UdpSocket::bind((last, 7460)) {
            return Ok((network, held));
        }
    }
    bail!("no part of the loopback network is free")
}
