//! When a followed volume is asked again: pure reckoning.

use std::time::Duration;

use crate::config::Paces;

/// A call's share of the time that the volume may be locked by it: one part in
/// this many. What strangers ask for has no greater share of the host.
pub(crate) const SHARE: u32 = 10;

/// How a call ended, as far as the next one depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    /// It told of a task that has run this long.
    Told { run_time: Duration },
    /// It was refused.
    Refused,
}

/// How long to wait before one volume is asked again.
#[derive(Debug)]
pub(crate) struct Pace {
    paces: Paces,
    last: Duration,
}

impl Pace {
    pub(crate) fn new(paces: Paces) -> Self {
        Self { paces, last: paces.follow }
    }

    /// The wait after a call that ended so and took this long.
    ///
    /// A task's figures matter less by the second the longer it has run, and each
    /// call locks the volume for everyone, so the wait grows with the run time.
    /// After a refusal it doubles: whoever holds the lock is not to be crowded.
    pub(crate) fn after(&mut self, ended: Ended, took: Duration) -> Duration {
        let Paces { follow, follow_long, .. } = self.paces;
        self.last = match ended {
            Ended::Told { run_time } => (run_time / 60).max(took * SHARE),
            Ended::Refused => self.last * 2,
        }
        .clamp(follow, follow_long);
        self.last
    }
}

/// A time with up to a fifth taken off or added, so that many agents do not ask
/// in step.
pub(crate) fn jittered(time: Duration) -> Duration {
    time.mul_f64(rand::random_range(0.8..=1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn pace() -> Pace {
        Pace::new(Paces {
            look: secs(60),
            look_unwatched: secs(5),
            follow: secs(5),
            follow_long: secs(60),
            rest: secs(200),
            alive: secs(5),
        })
    }

    #[test]
    fn a_task_that_runs_long_is_asked_for_less_often() {
        let mut pace = pace();
        for (run_time, wait) in [(0, 5), (300, 5), (600, 10), (3600, 60), (90_000, 60)] {
            let run_time = secs(run_time);
            let ended = Ended::Told { run_time };
            assert_eq!(pace.after(ended, Duration::ZERO), secs(wait));
        }
    }

    #[test]
    fn a_slow_call_is_made_less_often() {
        let ended = Ended::Told { run_time: Duration::ZERO };
        assert_eq!(pace().after(ended, secs(2)), secs(20));
        assert_eq!(pace().after(ended, secs(20)), secs(60));
    }

    #[test]
    fn refusals_double_the_wait_until_an_answer() {
        let mut pace = pace();
        let refused = Ended::Refused;
        let waits: Vec<_> = (0..5).map(|_| pace.after(refused, Duration::ZERO).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 60, 60]);
        let told = Ended::Told { run_time: Duration::ZERO };
        assert_eq!(pace.after(told, Duration::ZERO), secs(5));
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..1000 {
            let time = jittered(secs(10));
            assert!(time >= secs(8) && time <= secs(12), "{time:?}");
        }
    }
}
