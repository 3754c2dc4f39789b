//! Running the gluster command: a deadline, bounded output, and a process group of
//! its own, so that nothing it started outlives the wait for it.
//!
//! Killing it ends nothing in glusterd: a call that holds a volume's lock goes on
//! holding it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hod_core::error::{GlusterError, GlusterErrorKind};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// The most that is kept of standard output, and of standard error: 64 MiB.
pub const OUTPUT_MAX: usize = 64 << 20;

/// What a process said and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The exit status; `None` where a signal ended it.
    pub exit: Option<i32>,
}

/// Runs gluster.
pub trait Run: Send + Sync {
    /// Runs it with these arguments to its end. If the returned future is dropped
    /// before that, what was run is ended.
    ///
    /// The future's errors are those of [`run`].
    fn run<'a>(
        &'a self,
        arguments: &'a [OsString],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Output, GlusterError>>;
}

/// A binary that is run as a process.
#[derive(Clone, Debug)]
pub struct Binary(pub PathBuf);

impl Run for Binary {
    fn run<'a>(
        &'a self,
        arguments: &'a [OsString],
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Output, GlusterError>> {
        run(&self.0, arguments, deadline).boxed()
    }
}

/// Runs a command to its end. If the returned future is dropped before that, the
/// command's whole process group is killed.
///
/// # Errors
/// [`GlusterErrorKind::NotRun`] if it can't be started, [`GlusterErrorKind::TimedOut`]
/// past the deadline, [`GlusterErrorKind::TooLong`] if it says more than is kept,
/// [`GlusterErrorKind::NotReadable`] if what it says can't be read.
pub async fn run(binary: &Path, arguments: &[OsString], deadline: Duration) -> Result<Output, GlusterError> {
    run_bounded(binary, arguments, deadline, OUTPUT_MAX).await
}

async fn run_bounded(
    binary: &Path,
    arguments: &[OsString],
    deadline: Duration,
    output_max: usize,
) -> Result<Output, GlusterError> {
    let mut running = Running::start(binary, arguments)
        .map_err(|e| error(GlusterErrorKind::NotRun, format!("{} can't be run: {e}", binary.display())))?;
    match tokio::time::timeout(deadline, running.finish(output_max)).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(Failure::TooLong)) => Err(error(
            GlusterErrorKind::TooLong,
            format!("{} said more than {output_max} bytes and was stopped", binary.display()),
        )),
        // It has been run: unlike one that could not be, it may have done something.
        Ok(Err(Failure::Io(e))) => {
            let message = format!("what {} said can't be read: {e}", binary.display());
            Err(error(GlusterErrorKind::NotReadable, message))
        }
        Err(_) => Err(timed_out(binary, deadline)),
    }
}

/// There was no answer by the deadline.
#[must_use]
pub fn timed_out(binary: &Path, deadline: Duration) -> GlusterError {
    error(
        GlusterErrorKind::TimedOut,
        format!(
            "no answer from {} within {} s; what it was asked for may still happen",
            binary.display(),
            deadline.as_secs_f32()
        ),
    )
}

/// A running process. The group is declared first: it is killed while the child is
/// not yet waited for, so that its number can't have become another group's.
struct Running {
    group: Group,
    child: Child,
}

impl Running {
    fn start(binary: &Path, arguments: &[OsString]) -> std::io::Result<Self> {
        let child = Command::new(binary)
            .args(arguments)
            // Refusals are told apart by their English words.
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
        Ok(Self { group, child })
    }

    /// Both streams are read to their end before the child is waited for: it can't
    /// hang on a full pipe, and its group's number stays its own meanwhile.
    async fn finish(&mut self, output_max: usize) -> Result<Output, Failure> {
        let (stdout, stderr) = tokio::try_join!(
            read(self.child.stdout.take(), output_max),
            read(self.child.stderr.take(), output_max),
        )?;
        let status: ExitStatus = self.child.wait().await?;
        self.group.ended();
        Ok(Output { stdout, stderr, exit: status.code() })
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>, max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        stream.take(limit).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > max {
        return Err(Failure::TooLong);
    }
    Ok(bytes)
}

enum Failure {
    TooLong,
    Io(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A process group that is killed when this goes, unless it has ended.
struct Group(Option<Pid>);

impl Group {
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // It may be gone already, which is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

fn error(kind: GlusterErrorKind, message: String) -> GlusterError {
    GlusterError { kind, message, op_errno: 0, hosts: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    async fn sh(script: &str, deadline: Duration, max: usize) -> Result<Output, GlusterError> {
        let arguments = ["-c".into(), script.into()];
        run_bounded(Path::new("/bin/sh"), &arguments, deadline, max).await
    }

    const LONG: Duration = Duration::from_secs(30);

    /// Whether a process is there and not a zombie.
    fn lives(pid: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
    }

    /// Waits until a file tells a number.
    async fn number_in(path: &Path) -> i32 {
        let end = Instant::now() + LONG;
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Ok(number) = text.trim().parse() {
                return number;
            }
            assert!(Instant::now() < end, "{} tells no number", path.display());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn dies(pid: i32) {
        let end = Instant::now() + LONG;
        while lives(pid) {
            assert!(Instant::now() < end, "process {pid} lives on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn keeps_both_streams_and_the_exit_status() {
        let output = sh("echo out; echo err >&2; echo $LC_ALL; exit 3", LONG, 100).await.unwrap();
        assert_eq!(output.stdout, b"out\nC\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.exit, Some(3));
    }

    #[tokio::test]
    async fn a_signal_leaves_no_exit_status() {
        let output = sh("kill -9 $$", LONG, 100).await.unwrap();
        assert_eq!(output.exit, None);
    }

    #[tokio::test]
    async fn drains_both_streams_at_once() {
        // More than a pipe holds on each, the second one first.
        let script = "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero";
        let output = sh(script, LONG, 1 << 20).await.unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    }

    #[tokio::test]
    async fn too_much_is_an_error_and_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec cat /dev/zero", pid.display());
        let error = sh(&script, LONG, 1000).await.unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::TooLong);
        dies(number_in(&pid).await).await;
        let exact = sh("printf 12345", LONG, 5).await.unwrap();
        assert_eq!(exact.stdout, b"12345");
    }

    #[tokio::test]
    async fn past_the_deadline_its_children_are_killed_too() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let error = sh(&script, Duration::from_millis(300), 100).await.unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::TimedOut);
        dies(number_in(&pid).await).await;
    }

    #[tokio::test]
    async fn a_dropped_wait_kills_the_group() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let wait = tokio::spawn(async move { sh(&script, LONG, 100).await });
        let child = number_in(&pid).await;
        assert!(lives(child));
        wait.abort();
        dies(child).await;
    }

    #[tokio::test]
    async fn a_binary_that_is_not_there_is_named() {
        let binary = PathBuf::from("/nonexistent/gluster");
        let error = run(&binary, &[], LONG).await.unwrap_err();
        assert_eq!(error.kind, GlusterErrorKind::NotRun);
        assert!(error.message.contains("/nonexistent/gluster"), "{error}");
    }
}
