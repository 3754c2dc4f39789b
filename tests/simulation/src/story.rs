//! What happened, in order, to be read when something did not hold.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;

/// The story so far. Clones tell the same one.
#[derive(Clone)]
pub(crate) struct Story {
    clock: Clock,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Story {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, lines: Arc::default() }
    }

    /// Adds what happens now.
    pub(crate) fn tell(&self, line: impl std::fmt::Display) {
        let at = self.clock.milliseconds();
        let line = format!("{:>8}.{:03} {line}", at / 1000, at % 1000);
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Adds a line that tells its own time.
    pub(crate) fn tell_as_told(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// A number that is the same only for the same story.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).hash(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn print(&self) {
        for line in self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            println!("{line}");
        }
    }
}
