//! Runs `hod` as a script does, or as a person does at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fake::Fake;

/// No run takes longer, on a machine that is busy with other tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// How a run went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What went wrong, in a single line.
    pub(crate) fn complaint(&self) -> &str {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.err.trim_end().strip_prefix("hod: ").unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// The command, with nothing of this process's settings.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hod"));
    command
        .args(args)
        .env_remove("HOD_COORDINATOR")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(crate) async fn run(mut command: Command) -> Ran {
    let output = timeout(DEADLINE, command.output()).await.expect("ends in time").unwrap();
    Ran {
        code: output.status.code().expect("ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it against this coordinator.
pub(crate) async fn hod(fake: &Fake, args: &[&str]) -> Ran {
    run(against(fake, args)).await
}

/// The command with this coordinator's address.
pub(crate) fn against(fake: &Fake, args: &[&str]) -> Command {
    let mut command = command(args);
    command.env("HOD_COORDINATOR", fake.address.to_string());
    command
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: String,
}

impl Running {
    /// Starts it against this coordinator.
    pub(crate) fn start(fake: &Fake, args: &[&str]) -> Self {
        let mut child = against(fake, args).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        Self { child, lines: BufReader::new(out).lines(), seen: String::new() }
    }

    /// Waits for a line that has this in it.
    pub(crate) async fn line(&mut self, wanted: &str) -> String {
        loop {
            let line = timeout(DEADLINE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no {wanted:?} in {}", self.seen));
            let Some(line) = line.unwrap() else {
                panic!("ended without {wanted:?}: {}", self.seen);
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// Waits for its end: what it wrote, and how it ended.
    pub(crate) async fn end(mut self) -> Ran {
        while let Some(line) = timeout(DEADLINE, self.lines.next_line()).await.expect("ends").unwrap() {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        let output = timeout(DEADLINE, self.child.wait_with_output()).await.expect("ends").unwrap();
        Ran {
            code: output.status.code().expect("ends by itself"),
            out: self.seen,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::SIGINT).unwrap();
    }
}

/// Runs it at a terminal of 80 columns, types this, and gives what stood on the
/// terminal, without colours and cursor movements.
pub(crate) async fn at_terminal(command: Command, typed: &str) -> Ran {
    let mut ran = raw_at_terminal(command, typed).await;
    ran.out = console::strip_ansi_codes(&ran.out).into_owned();
    ran
}

/// The same with what the terminal was sent.
pub(crate) async fn raw_at_terminal(command: Command, typed: &str) -> Ran {
    let mut terminal = Terminal::start(command);
    terminal.keys.write_all(typed.as_bytes()).unwrap();
    terminal.end().await
}

/// A run under way at a terminal of 80 columns.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    sent: watch::Receiver<String>,
}

impl Terminal {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        let size = nix::pty::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = nix::pty::openpty(Some(&size), None).unwrap();
        let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
        let child =
            command.stdin(end(&pty.slave)).stdout(end(&pty.slave)).stderr(end(&pty.slave)).spawn().unwrap();
        let keys = File::from(pty.master);
        let mut screen = keys.try_clone().unwrap();
        let (sender, sent) = watch::channel(String::new());
        tokio::task::spawn_blocking(move || {
            let mut seen = Vec::new();
            let mut some = [0; 4096];
            // Once nobody has the terminal open, reading it is an error.
            while let Ok(length @ 1..) = screen.read(&mut some) {
                seen.extend_from_slice(&some[..length]);
                sender.send_replace(String::from_utf8_lossy(&seen).into_owned());
            }
        });
        Self { child, keys, sent }
    }

    /// Waits until this has been sent to the terminal, colours and movements aside.
    pub(crate) async fn wait_for(&mut self, wanted: &str) {
        let has = |sent: &String| console::strip_ansi_codes(sent).contains(wanted);
        let found = timeout(DEADLINE, self.sent.wait_for(has)).await;
        if !found.is_ok_and(|found| found.is_ok()) {
            let sent = console::strip_ansi_codes(&self.sent.borrow()).into_owned();
            let end = sent.len().saturating_sub(2000);
            panic!("no {wanted:?} at the terminal; its end: {:?}", sent.get(end..));
        }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ran {
        let status = timeout(DEADLINE, self.child.wait()).await.expect("ends in time").unwrap();
        // The sender goes when all has been read.
        let rest = timeout(DEADLINE, self.sent.wait_for(|_| false)).await;
        assert!(rest.expect("ends in time").is_err());
        let out = self.sent.borrow().clone();
        Ran { code: status.code().expect("ends by itself"), out, err: String::new() }
    }
}
