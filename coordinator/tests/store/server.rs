//! One PostgreSQL for all test processes that run at the same time.
//!
//! The first to come starts it, the last to go stops it and takes its folder away.
//! A server that killed tests left behind is used, and stopped, by the next ones:
//! locks on files tell who is there, and those end with their process.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hod_coordinator::database::PrivatePostgres;
use tokio_postgres::{Client, Config, NoTls};

/// The server, where this process started it.
static STARTED: Mutex<Option<PrivatePostgres>> = Mutex::new(None);

/// Being among those who use the server.
pub struct Server {
    pub config: Config,
    folder: PathBuf,
    /// Locked by all who use the server, together.
    users: File,
}

impl Server {
    pub async fn join() -> Self {
        let folder = folder();
        let coming = lock_file(&folder, "coming");
        coming.lock().unwrap();
        let users = lock_file(&folder, "users");
        users.lock_shared().unwrap();
        let config = config(&folder);
        if config.connect(NoTls).await.is_err() {
            let settings =
                ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400"];
            let server = PrivatePostgres::start_with(&folder, &settings).await.unwrap();
            *STARTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        }
        Self { config, folder, users }
    }

    pub fn socket_folder(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub async fn client(&self) -> Client {
        connect(&self.config).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let coming = lock_file(&self.folder, "coming");
        coming.lock().unwrap();
        self.users.unlock().unwrap();
        if self.users.try_lock().is_err() {
            return;
        }
        let folder = self.folder.clone();
        // The test's own runtime may be gone by now.
        let stopped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let started = STARTED.lock().unwrap_or_else(PoisonError::into_inner).take();
                let server = match started {
                    Some(server) => server,
                    // Another process's: taken over.
                    None => PrivatePostgres::start(&folder).await.unwrap(),
                };
                server.stop().await;
            });
            std::fs::remove_dir_all(folder.join("postgres")).unwrap();
        });
        stopped.join().unwrap();
    }
}

/// By the checkout, so that two of them do not meet.
fn folder() -> PathBuf {
    let checkout = env!("CARGO_MANIFEST_DIR").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let folder = std::env::temp_dir().join(format!("hod-store-tests{checkout}"));
    std::fs::create_dir_all(&folder).unwrap();
    // PostgreSQL runs as a user of its own where the tests run as root.
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    folder.canonicalize().unwrap()
}

fn lock_file(folder: &Path, name: &str) -> File {
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(name)).unwrap()
}

fn config(folder: &Path) -> Config {
    let mut config = Config::new();
    config.host_path(folder.join("postgres")).user("hod").dbname("hod");
    config
}

pub async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
