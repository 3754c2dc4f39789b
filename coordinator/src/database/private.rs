//! A PostgreSQL of hod's own: made in the state folder, reached by a Unix socket
//! only, never run as root, stopped with the coordinator.
//!
//! `<state-dir>/postgres` holds `data`, the socket, `log`, and `lock`, which keeps
//! a second coordinator out. A coordinator that was killed leaves its server
//! running: the next one knows it by `postmaster.pid` and takes it over.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::DatabaseError;
use super::address::with_cause;
use super::connect::{self, Session};
use super::programs::{self, Account};

/// The server's superuser, and hod's database.
const NAME: &str = "hod";
/// A Unix socket's path has at most 107 bytes, `/.s.PGSQL.5432` included.
const LONGEST_FOLDER: usize = 107 - "/.s.PGSQL.5432".len();
/// How often a server that starts or stops is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a server may take to start; after a crash it first reads its journal.
const START: Duration = Duration::from_secs(300);
/// How long it may take to stop before it is told to drop everything.
const STOP: Duration = Duration::from_secs(60);
/// A log longer than this is begun anew at the next start.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// A server that runs. Dropped without [`PrivatePostgres::stop`] it is told to
/// stop, and not waited for.
pub struct PrivatePostgres {
    folder: PathBuf,
    pid: Pid,
    /// `None`: another coordinator's child, taken over.
    child: Option<Child>,
    stopped: bool,
    /// Held as long as the server is this process's.
    _lock: File,
}

impl PrivatePostgres {
    /// Starts the server in a state folder, or takes over the one that runs there.
    ///
    /// # Errors
    /// If the folder can't be used, another coordinator uses it, there are no
    /// server programs, or nobody to run them as, or they fail.
    pub async fn start(state_dir: &Path) -> Result<Self, DatabaseError> {
        Self::start_with(state_dir, &[]).await
    }

    /// The same with settings of one's own, such as `fsync=off` in a test.
    ///
    /// # Errors
    /// As [`PrivatePostgres::start`].
    pub async fn start_with(state_dir: &Path, settings: &[&str]) -> Result<Self, DatabaseError> {
        let place = Place::prepare(state_dir)?;
        let running = match place.running() {
            Some(pid) => place.take_over(pid).await?,
            None => None,
        };
        let mut server = match running {
            Some(pid) => {
                tracing::info!("took over the private PostgreSQL that was left running (process {pid})");
                place.held(pid, None)
            }
            None => {
                let programs = programs::find(place.version())?;
                place.make(&programs).await?;
                let child = place.spawn(&programs, settings)?;
                place.held(pid_of(&child), Some(child))
            }
        };
        server.create_database().await?;
        Ok(server)
    }

    /// How to connect to it.
    #[must_use]
    pub fn config(&self) -> Config {
        config(&self.folder, NAME)
    }

    /// The folder with the socket, for `psql -h FOLDER -U hod hod`.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The server's process.
    #[must_use]
    pub fn process(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Stops it: connections are ended, what is committed is on disk.
    pub async fn stop(mut self) {
        self.stopped = true;
        for (signal, patience) in [(Signal::SIGINT, STOP), (Signal::SIGQUIT, STOP)] {
            let _ = kill(self.pid, signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if self.has_ended() {
                    return;
                }
                sleep(LOOK).await;
            }
        }
        tracing::error!(
            "the private PostgreSQL (process {}) does not stop; its data in {} is safe",
            self.pid,
            self.folder.display()
        );
    }

    /// Whether it has ended by itself; then there is nothing to stop any more.
    pub(super) fn has_died(&mut self) -> bool {
        self.stopped = self.has_ended();
        self.stopped
    }

    /// What the server writes.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            // Also reaps it.
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            // Not by its number alone, which another process may have by now.
            None => !is_at_home(self.pid.as_raw(), &self.folder.join("data")),
        }
    }

    /// Waits until the server answers, and makes hod's database if it is new.
    async fn create_database(&mut self) -> Result<(), DatabaseError> {
        let session = self.answers().await?;
        let there = session.client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&NAME]).await;
        let made = match there {
            Ok(Some(_)) => Ok(()),
            Ok(None) => session.client.batch_execute(&format!("CREATE DATABASE {NAME}")).await,
            Err(error) => Err(error),
        };
        made.map_err(|e| DatabaseError::Private {
            path: self.folder.clone(),
            what: "used",
            cause: with_cause(&e),
        })
    }

    async fn answers(&mut self) -> Result<Session, DatabaseError> {
        let config = config(&self.folder, "postgres");
        let tls = connect::tls();
        let start = Instant::now();
        let mut said = false;
        loop {
            let error = match connect::connect(&config, &tls).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            if self.has_ended() {
                return Err(self.not_started(last_line(&self.folder.join("log"))));
            }
            if start.elapsed() > START {
                return Err(self.not_started(with_cause(&error)));
            }
            if !said && start.elapsed() > Duration::from_secs(5) {
                said = true;
                tracing::warn!("the private PostgreSQL is still starting: {}", with_cause(&error));
            }
            sleep(LOOK).await;
        }
    }

    fn not_started(&self, cause: String) -> DatabaseError {
        DatabaseError::Private { path: self.folder.clone(), what: "started", cause }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if !self.stopped {
            let _ = kill(self.pid, Signal::SIGINT);
        }
    }
}

/// A folder that is ready for a server: there, locked, and its user's.
struct Place {
    folder: PathBuf,
    account: Account,
    lock: File,
}

impl Place {
    fn prepare(state_dir: &Path) -> Result<Self, DatabaseError> {
        let unusable = |path: &Path, cause: &dyn std::fmt::Display| DatabaseError::StateDir {
            path: path.to_owned(),
            cause: cause.to_string(),
        };
        let named = state_dir.join("postgres");
        std::fs::create_dir_all(&named).map_err(|e| unusable(state_dir, &e))?;
        let folder = named.canonicalize().map_err(|e| unusable(&named, &e))?;
        if folder.as_os_str().len() > LONGEST_FOLDER {
            return Err(unusable(
                &folder,
                &format!("its path is longer than the {LONGEST_FOLDER} bytes that a Unix socket allows"),
            ));
        }
        let lock_path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|e| unusable(&folder, &e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DatabaseError::InUse { path: state_dir.to_owned() });
            }
            Err(TryLockError::Error(e)) => return Err(unusable(&lock_path, &e)),
        }
        let account = Account::choose(&folder.join("data"))?;
        let ours = Permissions::from_mode(0o700);
        std::fs::set_permissions(&folder, ours).map_err(|e| unusable(&folder, &e))?;
        if account.switch {
            chown(&folder, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
                .map_err(|e| unusable(&folder, &e))?;
        }
        if let Some(barred) = account.barred_at(&folder) {
            return Err(unusable(
                &folder,
                &format!(
                    "the user {}, whom PostgreSQL runs as, can't enter {}",
                    account.name,
                    barred.display()
                ),
            ));
        }
        Ok(Self { folder, account, lock })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Which PostgreSQL made the data, if there is any.
    fn version(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data().join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    /// The server that runs on the data. A process of that number which is not at
    /// home in the data folder is another program: the file is stale, and PostgreSQL
    /// would take it for a running server. The socket's lock file names the same number:
    /// in a container that was killed it is soon another program's (seen).
    fn running(&self) -> Option<Pid> {
        let file = self.data().join("postmaster.pid");
        let text = std::fs::read_to_string(&file).ok();
        let number = text.as_ref().and_then(|text| text.lines().next()?.trim().parse::<i32>().ok());
        let ours = |n: &i32| *n > 1 && is_at_home(*n, &self.data());
        let pid = number.filter(ours).map(Pid::from_raw);
        if pid.is_none() {
            if text.is_some() {
                tracing::info!("the private PostgreSQL was not stopped in order; it will recover");
            }
            // Where they can't be removed PostgreSQL says what is wrong.
            let _ = std::fs::remove_file(&file);
            let _ = std::fs::remove_file(self.folder.join(".s.PGSQL.5432.lock"));
        }
        pid
    }

    /// Waits until a server that was left behind answers. `None`: it has ended.
    async fn take_over(&self, pid: Pid) -> Result<Option<Pid>, DatabaseError> {
        let (config, tls) = (config(&self.folder, "postgres"), connect::tls());
        let deadline = Instant::now() + START;
        while is_at_home(pid.as_raw(), &self.data()) {
            let error = match connect::connect(&config, &tls).await {
                Ok(_) => return Ok(Some(pid)),
                Err(error) => error,
            };
            if Instant::now() > deadline {
                return Err(DatabaseError::Private {
                    path: self.folder.clone(),
                    what: "taken over",
                    cause: format!("process {pid}: {}", with_cause(&error)),
                });
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Makes the data, if there is none: beside its place, then moved there, so that
    /// what was interrupted is never taken for whole.
    async fn make(&self, programs: &Path) -> Result<(), DatabaseError> {
        if self.version().is_some() {
            return Ok(());
        }
        let failed =
            |cause: String| DatabaseError::Private { path: self.folder.clone(), what: "made", cause };
        let unfinished = self.folder.join("data.unfinished");
        match std::fs::remove_dir_all(&unfinished) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(e.to_string()));
            }
            _ => {}
        }
        let mut command = self.command(&programs.join("initdb"));
        command
            .arg("-D")
            .arg(&unfinished)
            .args(["--username", NAME])
            // Whoever can open the socket is let in: only the folder's owner can.
            .args(["--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
        let output = tokio::task::spawn_blocking(move || command.stdout(Stdio::null()).output())
            .await
            .map_err(|e| failed(e.to_string()))?
            .map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(said.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        std::fs::rename(&unfinished, self.data()).map_err(|e| failed(e.to_string()))
    }

    fn spawn(&self, programs: &Path, settings: &[&str]) -> Result<Child, DatabaseError> {
        let failed = |e: std::io::Error| DatabaseError::Private {
            path: self.folder.clone(),
            what: "started",
            cause: e.to_string(),
        };
        let path = self.folder.join("log");
        if std::fs::metadata(&path).is_ok_and(|m| m.len() > LOG_BYTES) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let mut command = self.command(&programs.join("postgres"));
        command.arg("-D").arg(self.data());
        // The setting is a list; in quotes a folder's name may hold a comma.
        let folder = self.folder.display().to_string().replace('"', "\"\"");
        let socket = format!("unix_socket_directories=\"{folder}\"");
        for setting in ["listen_addresses=", &socket, "unix_socket_permissions=0700"]
            .iter()
            // Statements can be long; the coordinator names what failed.
            .chain(&["log_min_error_statement=panic", "log_checkpoints=off"])
            .chain(settings)
        {
            command.arg("-c").arg(setting);
        }
        let also = log.try_clone().map_err(failed)?;
        command.stdout(log).stderr(also).spawn().map_err(failed)
    }

    /// A program that runs as the server's user, out of the way of signals that a
    /// terminal sends to the coordinator.
    #[expect(clippy::disallowed_methods, reason = "PostgreSQL's own programs, not gluster")]
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .process_group(0);
        if self.account.switch {
            command.uid(self.account.uid.as_raw()).gid(self.account.gid.as_raw());
        }
        command
    }

    fn held(self, pid: Pid, child: Option<Child>) -> PrivatePostgres {
        PrivatePostgres { folder: self.folder, pid, child, stopped: false, _lock: self.lock }
    }
}

/// Whether a process is a server on this data: PostgreSQL's working folder is its
/// data. A zombie has none.
fn is_at_home(process: i32, data: &Path) -> bool {
    std::fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|cwd| cwd == data)
}

fn pid_of(child: &Child) -> Pid {
    // Linux's process numbers end at 4,194,304; no process has the other number.
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

fn config(folder: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config
        .host_path(folder)
        .user(NAME)
        .dbname(database)
        .ssl_mode(SslMode::Disable)
        .connect_timeout(Duration::from_secs(5))
        .application_name("hod-coordinator");
    config
}

/// The last line of the log that says more than that it ended.
fn last_line(log: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |m| m.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(4096)));
        let _ = file.read_to_string(&mut text);
    }
    let telling = |line: &&str| line.contains("FATAL") || line.contains("PANIC");
    let line = text.lines().rev().find(telling).or(text.lines().last());
    line.map_or_else(|| "it ended without a word".to_owned(), str::to_owned)
}
