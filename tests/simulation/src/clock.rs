//! The simulation's time, which the database's `now()` tells too.
//!
//! The programs see it through turmoil. The database reads it from a file, by functions
//! of the schema `sim` that stand before PostgreSQL's own: written before every word that
//! goes to it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};

/// When the database's time begins: 2026-01-01, in milliseconds. The hosts' clocks begin
/// in 1970, so that whoever takes one for the other is found out.
const DATABASE_BEGINS: u64 = 1_767_225_600_000;

/// The time since the simulation began. Clones tell the same.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Inner>);

struct Inner {
    /// Between two steps: when the last one ended.
    now: AtomicU64,
    file: File,
    written: AtomicU64,
}

impl Clock {
    pub(crate) fn new(file: &Path) -> Result<Self> {
        let file = File::options().write(true).open(file).context("the clock's file")?;
        let clock = Self(Arc::new(Inner { now: AtomicU64::new(0), file, written: AtomicU64::new(u64::MAX) }));
        clock.tell_database()?;
        Ok(clock)
    }

    /// A step has ended.
    pub(crate) fn set(&self, milliseconds: u64) {
        self.0.now.store(milliseconds, Ordering::Relaxed);
    }

    /// Milliseconds since the simulation began.
    pub(crate) fn milliseconds(&self) -> u64 {
        match turmoil::in_simulation() {
            true => turmoil::sim_elapsed()
                .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
            false => self.0.now.load(Ordering::Relaxed),
        }
    }

    /// Lets the database know what time it is.
    pub(crate) fn tell_database(&self) -> Result<()> {
        let now = self.milliseconds();
        if self.0.written.swap(now, Ordering::Relaxed) != now {
            let text = format!("{:016}", DATABASE_BEGINS + now);
            self.0.file.write_all_at(text.as_bytes(), 0)?;
        }
        Ok(())
    }
}
