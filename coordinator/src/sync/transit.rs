//! How long an agent's words were on their way.
//!
//! What an agent tells has an age, as it was when it was sent. A network that stands still
//! for seconds and then delivers all that it held back would make old words new: a part
//! that has ended would run again, with the counters it once had. So each message also says
//! when it was sent, by the agent's time since the stream was opened, and what it took
//! longer than the fastest one is added to its age.
//!
//! How long the fastest one took is not known, only how long it was from the asking to the
//! first message. Half of that is taken: no word's time is wrong by more than the other
//! half.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

/// By so much of the time that passes two hosts' clocks may differ in their pace: a thousand
/// times what they do. It also forgives, in hours, a host that was suspended for seconds.
const DRIFT: i32 = 1000;

/// What was seen of one stream.
#[derive(Debug)]
pub(super) struct Transit {
    asked: Instant,
    /// The agent's time is behind that since the asking by so much, as far as is known, and
    /// when that was found.
    behind: Option<(Instant, SignedDuration)>,
}

impl Transit {
    /// The stream is asked for now.
    pub(super) fn asked() -> Self {
        Self { asked: Instant::now(), behind: None }
    }

    /// How long a message was on its way that was sent at this time of the stream's and
    /// has come now.
    pub(super) fn took(&mut self, sent: Duration) -> Duration {
        let now = Instant::now();
        let sent = SignedDuration::try_from(sent).unwrap_or(SignedDuration::MAX);
        let came = SignedDuration::try_from(now - self.asked).unwrap_or(SignedDuration::MAX);
        let behind = came.saturating_sub(sent);
        let least = match self.behind {
            None => behind.min(behind / 2),
            Some((found, least)) => {
                let since = SignedDuration::try_from(now - found).unwrap_or(SignedDuration::MAX);
                least.saturating_add(since / DRIFT).min(behind)
            }
        };
        self.behind = Some((now, least));
        Duration::try_from(behind.saturating_sub(least)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_was_held_back_is_as_old_as_it_is() {
        let mut transit = Transit::asked();
        assert_eq!(transit.took(Duration::ZERO), Duration::ZERO);
        advance(seconds(20)).await;
        assert_eq!(transit.took(seconds(20)), Duration::ZERO);
        // Sent at 22, 24 and 26 s, all of them here at 30 s.
        advance(seconds(10)).await;
        for (sent, took) in [(22, 8), (24, 6), (26, 4), (30, 0)] {
            let told = transit.took(seconds(sent));
            assert!(told.abs_diff(seconds(took)) < Duration::from_millis(15), "{sent}: {told:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_is_slow_from_the_beginning_is_found_out() {
        let mut transit = Transit::asked();
        // Three seconds there, three back; the agent waited for two.
        advance(seconds(8)).await;
        assert_eq!(transit.took(seconds(2)), seconds(3));
        advance(seconds(10)).await;
        let told = transit.took(seconds(12));
        assert!(told.abs_diff(seconds(3)) < Duration::from_millis(15), "{told:?}");
        // Now it is fast: what was sent is here at once.
        advance(seconds(10)).await;
        assert!(transit.took(seconds(25)) < Duration::from_millis(15));
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_of_another_pace_do_not_make_words_old() {
        for pace in [0.9999, 1.0001] {
            let mut transit = Transit::asked();
            for minute in 0..10_000 {
                let told = transit.took(seconds(60 * minute).mul_f64(pace));
                assert!(told < Duration::from_millis(7), "{pace}: {told:?} after {minute} min");
                advance(seconds(60)).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_is_borne() {
        let mut transit = Transit::asked();
        transit.took(Duration::MAX);
        advance(seconds(1)).await;
        assert!(transit.took(Duration::ZERO) > seconds(1));
        assert!(transit.took(Duration::MAX) <= seconds(1));
    }
}
