//! The database's time, between two askings of the database.

use std::sync::{PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the database's time, so that every stored time comes from one clock, that
/// of the database, wherever a coordinator runs. This machine's own wall clock is
/// never read; only the time that has passed is.
#[derive(Debug)]
pub struct Clock(RwLock<(Instant, Timestamp)>);

impl Clock {
    /// A clock, set to the time that the database has told just now.
    #[must_use]
    pub fn new(database: Timestamp) -> Self {
        Self(RwLock::new((Instant::now(), database)))
    }

    /// Sets the clock to the time that the database has told just now.
    pub fn set(&self, database: Timestamp) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), database);
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time at a moment of this process.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        let (set, time) = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let since = SignedDuration::try_from(moment.saturating_duration_since(set));
        let before = SignedDuration::try_from(set.saturating_duration_since(moment));
        let shift = since.unwrap_or_default() - before.unwrap_or_default();
        // Out of range only if the database's clock stands at the end of all time.
        time.checked_add(shift).unwrap_or(time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn goes_on_from_what_the_database_said() {
        let start = Instant::now();
        tokio::time::advance(Duration::from_secs(5)).await;
        let clock = Clock::new(Timestamp::UNIX_EPOCH);
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(clock.now().as_second(), 7);
        assert_eq!(clock.at(start).as_second(), -5);
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now().as_second(), 0);
    }
}
