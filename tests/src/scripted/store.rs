//! The pool's state: in its folder as one JSON file under a file lock, so that every
//! host's calls and the test itself see one pool, or in memory, under a clock that
//! whoever plays it sets.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use super::scene::Scene;
use super::state::Pool;

/// Where a pool's state is kept.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    played: Option<Arc<Mutex<Played>>>,
}

/// A pool in memory.
#[derive(Debug)]
struct Played {
    pool: Pool,
    /// Unix time in milliseconds.
    now: u64,
}

impl Store {
    /// The state in this folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), played: None }
    }

    /// A pool that is played within this process. The files that its hosts leave are in
    /// this folder all the same.
    #[must_use]
    pub fn played(root: &Path, pool: Pool) -> Self {
        Self { root: root.to_owned(), played: Some(Arc::new(Mutex::new(Played { pool, now: 0 }))) }
    }

    /// Sets the clock of a played pool: unix time in milliseconds.
    pub fn set_clock(&self, now: u64) {
        if let Some(played) = &self.played {
            played.lock().unwrap_or_else(PoisonError::into_inner).now = now;
        }
    }

    /// The pool's clock: unix time in milliseconds.
    #[must_use]
    pub fn clock(&self) -> u64 {
        match &self.played {
            Some(played) => played.lock().unwrap_or_else(PoisonError::into_inner).now,
            None => now(),
        }
    }

    /// Writes a pool's first state.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create(&self, pool: &Pool) -> Result<()> {
        fs::create_dir_all(&self.root).with_context(|| format!("cannot make {}", self.root.display()))?;
        File::create(self.root.join("lock"))?;
        self.write(pool)
    }

    /// Lets what is due happen, then does `step` on the state, and keeps what it
    /// made of it; all under the lock, so `step` must not wait.
    ///
    /// # Errors
    /// If the state cannot be read or written (it is gone once the test is over).
    pub fn update<T>(&self, step: impl FnOnce(&mut Scene<'_>) -> Result<T>) -> Result<T> {
        if let Some(played) = &self.played {
            let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
            let Played { pool, now } = &mut *played;
            let mut scene = Scene::new(pool, &self.root, *now);
            scene.settle()?;
            return step(&mut scene);
        }
        let lock = File::open(self.root.join("lock"))
            .with_context(|| format!("{} holds no scripted pool", self.root.display()))?;
        lock.lock()?;
        ensure!(self.exists(), "the scripted pool is gone");
        let text = fs::read_to_string(self.state())?;
        let mut pool: Pool = serde_json::from_str(&text).context("the pool's state is damaged")?;
        let mut scene = Scene::new(&mut pool, &self.root, now());
        scene.settle()?;
        let result = step(&mut scene)?;
        let after = serde_json::to_string_pretty(&pool)?;
        if after != text {
            self.replace(&after)?;
        }
        Ok(result)
    }

    fn state(&self) -> PathBuf {
        self.root.join("state.json")
    }

    fn write(&self, pool: &Pool) -> Result<()> {
        self.replace(&serde_json::to_string_pretty(pool)?)
    }

    /// In one step: a process killed while it writes leaves the old state.
    fn replace(&self, text: &str) -> Result<()> {
        let new = self.root.join("state.json.new");
        fs::write(&new, text)?;
        fs::rename(&new, self.state())?;
        Ok(())
    }

    /// Ends the pool: whoever comes after this finds none, and writes nothing.
    pub fn close(&self) {
        let path = self.root.join("lock");
        // Without a lock there is no pool that could be written to.
        if let Ok(lock) = File::open(&path)
            && lock.lock().is_ok()
        {
            let _ = fs::remove_file(path);
        }
    }

    /// Whether the pool is still there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.root.join("lock").exists()
    }
}

/// Unix time in milliseconds.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
