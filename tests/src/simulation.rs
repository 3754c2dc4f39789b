//! Plays seeds of the simulation (`hod-simulate`), each in a process and a database of its
//! own, on one PostgreSQL that is kept for all of them.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use hod_coordinator::database::{Database, PrivatePostgres};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

/// A database that need not outlive the machine's fall, and does nothing by itself.
const SETTINGS: [&str; 7] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
    "plan_cache_mode=force_generic_plan",
    "max_connections=200",
];

/// No seed takes longer, or it hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// What seeds are played on.
pub struct Simulation {
    // Dropped in this order: the server before its folder.
    server: PrivatePostgres,
    folder: TempDir,
    program: PathBuf,
}

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Played {
    /// The seed.
    pub seed: u64,
    /// Whether everything held.
    pub held: bool,
    /// What it printed: one line, before it the story where it was asked for or something
    /// did not hold.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

impl Simulation {
    /// Starts the server and makes the database that each seed begins with.
    ///
    /// # Errors
    /// If there is no PostgreSQL, or it does not start.
    pub async fn start(program: PathBuf) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hod-simulation-").tempdir_in(in_memory())?;
        // PostgreSQL's own user passes through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let server = PrivatePostgres::start_with(folder.path(), &SETTINGS).await?;
        let simulation = Self { server, folder, program };
        simulation.make_template().await?;
        Ok(simulation)
    }

    /// The schema, over a clock that a file tells.
    async fn make_template(&self) -> Result<()> {
        let clock = self.clock("template")?;
        self.administrator().await?.batch_execute("CREATE DATABASE template_of_seeds").await?;
        let mut config = self.server.config();
        config.dbname("template_of_seeds");
        connect(&config)
            .await?
            .batch_execute(
                "CREATE SCHEMA sim;
                 CREATE FUNCTION sim.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
                     SELECT pg_catalog.to_timestamp(
                         pg_catalog.pg_read_file(pg_catalog.current_setting('sim.clock'))::float8 / 1000)
                 $$;
                 CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
                     SELECT sim.now()
                 $$;",
            )
            .await?;
        config.options(format!("-c search_path=public,sim,pg_catalog -c sim.clock={}", clock.display()));
        Database::ready(config, PATIENCE).await?.close().await;
        Ok(())
    }

    /// A file for a database's time, which begins with 2026.
    fn clock(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(format!("clock-{name}"));
        std::fs::write(&path, "1767225600000\n")?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        Ok(path)
    }

    async fn administrator(&self) -> Result<Client> {
        let mut config = self.server.config();
        config.dbname("postgres");
        connect(&config).await
    }

    /// Plays one seed.
    ///
    /// # Errors
    /// If it can't be played at all.
    pub async fn play(&self, seed: u64, story: bool) -> Result<Played> {
        let database = format!("seed_{seed}");
        let administrator = self.administrator().await?;
        let (drop, create) = (
            format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            format!("CREATE DATABASE {database} TEMPLATE template_of_seeds STRATEGY wal_log"),
        );
        administrator.batch_execute(&drop).await?;
        administrator.batch_execute(&create).await?;
        let clock = self.clock(&database)?;
        let begun = Instant::now();
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--seed={seed}"))
            .arg(format!("--database={database}"))
            .arg(format!("--clock={}", clock.display()))
            .arg(format!("--socket={}", self.server.socket_folder().display()))
            .args(story.then_some("--story"))
            .env("TMPDIR", in_memory())
            .kill_on_drop(true);
        let played = match timeout(PATIENCE, command.output()).await {
            Ok(output) => {
                let output = output.with_context(|| format!("{} can't be run", self.program.display()))?;
                let said = [output.stdout, output.stderr].concat();
                Played {
                    seed,
                    held: output.status.success(),
                    output: String::from_utf8_lossy(&said).into_owned(),
                    took: begun.elapsed(),
                }
            }
            Err(_) => Played {
                seed,
                held: false,
                output: format!("seed {seed}: no end within {PATIENCE:?}"),
                took: begun.elapsed(),
            },
        };
        administrator.batch_execute(&drop).await?;
        std::fs::remove_file(clock)?;
        Ok(played)
    }

    /// Plays seeds side by side, one a core, and tells of each as it ends; those that did
    /// not hold are returned.
    ///
    /// # Errors
    /// If one can't be played at all.
    pub async fn play_all(&self, seeds: Range<u64>, tell: impl Fn(&Played)) -> Result<Vec<Played>> {
        ensure!(!seeds.is_empty(), "no seed is to be played");
        let next = AtomicU64::new(seeds.start);
        let workers = std::thread::available_parallelism()?.get();
        let work = || async {
            let mut failed = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if !seeds.contains(&seed) {
                    return anyhow::Ok(failed);
                }
                let played = self.play(seed, false).await?;
                tell(&played);
                if !played.held {
                    failed.push(played);
                }
            }
        };
        Ok(try_join_all((0..workers).map(|_| work())).await?.into_iter().flatten().collect())
    }

    /// Stops the server.
    pub async fn end(self) {
        self.server.stop().await;
    }
}

async fn connect(config: &tokio_postgres::Config) -> Result<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Where the databases and the hosts' files are: many, small, and soon gone.
fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}
