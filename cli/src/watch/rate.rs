//! How fast a host's part goes, from what its counters said one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// What is looked back at.
const WINDOW: Duration = Duration::from_secs(60);

/// A task that runs long is asked for every minute: what is older tells of no
/// speed that holds now.
const STALE: Duration = Duration::from_secs(150);

/// The last counts of bytes of one part, with the times at which they were seen.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    samples: VecDeque<(Timestamp, u64)>,
}

impl Meter {
    /// Takes up a count. Only a later time with another count is news; a lower count
    /// is a new beginning.
    pub fn take(&mut self, at: Timestamp, bytes: u64) {
        if let Some(&(last_at, last)) = self.samples.back() {
            if at <= last_at || bytes == last {
                return;
            }
            if bytes < last {
                self.samples.clear();
            }
        }
        self.samples.push_back((at, bytes));
        // The newest and one more are always kept.
        while self.samples.len() > 2 && older(self.samples[0].0, at, WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Bytes in a second. `None` while it is not known: too little was seen, or too
    /// long ago.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> Option<u64> {
        let &(first_at, first) = self.samples.front()?;
        let &(last_at, last) = self.samples.back()?;
        if older(last_at, now, STALE) {
            return None;
        }
        let millis = u64::try_from(last_at.duration_since(first_at).as_millis()).ok()?;
        let moved = u128::from(last - first) * 1000;
        u64::try_from(moved.checked_div(u128::from(millis))?).ok()
    }
}

fn older(then: Timestamp, now: Timestamp, limit: Duration) -> bool {
    let age = now.duration_since(then);
    !age.is_negative() && age.unsigned_abs() > limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn meter(samples: &[(i64, u64)]) -> Meter {
        let mut meter = Meter::default();
        for &(seconds, bytes) in samples {
            meter.take(at(seconds), bytes);
        }
        meter
    }

    #[test]
    fn a_rate_needs_two_counts() {
        assert_eq!(meter(&[]).rate(at(0)), None);
        assert_eq!(meter(&[(0, 7)]).rate(at(0)), None);
        assert_eq!(meter(&[(0, 0), (5, 5000)]).rate(at(5)), Some(1000));
    }

    #[test]
    fn the_same_said_again_changes_nothing() {
        let meter = meter(&[(0, 0), (5, 5000), (5, 5000), (9, 5000), (3, 9)]);
        assert_eq!(meter.rate(at(9)), Some(1000));
    }

    #[test]
    fn only_the_last_minute_counts() {
        let meter = meter(&[(0, 0), (10, 1_000_000), (65, 1_055_000), (70, 1_060_000)]);
        assert_eq!(meter.rate(at(70)), Some(1000));
    }

    #[test]
    fn counts_that_went_back_begin_anew() {
        assert_eq!(meter(&[(0, 900), (5, 1000), (10, 50)]).rate(at(10)), None);
        assert_eq!(meter(&[(0, 900), (10, 50), (11, 150)]).rate(at(11)), Some(100));
    }

    #[test]
    fn what_is_long_ago_tells_no_speed() {
        let meter = meter(&[(0, 0), (5, 5000)]);
        assert_eq!(meter.rate(at(100)), Some(1000));
        assert_eq!(meter.rate(at(1000)), None);
    }
}
