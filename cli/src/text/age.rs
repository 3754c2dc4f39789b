//! Times for a person: how long, how long ago.

use std::time::Duration;

use jiff::Timestamp;

/// A length of time in its largest whole unit: "12 s", "2 min", "3 h", "5 d".
#[must_use]
pub fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A run time as a clock shows it: "0:07", "12:34", "1:02:03".
#[must_use]
pub fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

/// How long ago: "12 s ago". What lies in the future (the clocks of two machines
/// differ) is given as the time itself, since an age would be a lie.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match since(then, now) {
        Some(length) => format!("{} ago", span(length)),
        None => stamp(then),
    }
}

/// How long since: `None` where `then` lies in the future by more than the few
/// seconds that clocks may differ.
#[must_use]
pub fn since(then: Timestamp, now: Timestamp) -> Option<Duration> {
    const TOLERATED: Duration = Duration::from_secs(5);
    let length = now.duration_since(then);
    if length.is_negative() {
        (length.unsigned_abs() <= TOLERATED).then_some(Duration::ZERO)
    } else {
        Some(length.unsigned_abs())
    }
}

/// A point in time to the second, in UTC: "2026-01-31 12:34:56 UTC".
#[must_use]
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A point in time as it came over the wire. `None` where it is absent, or no time
/// that exists.
#[must_use]
pub fn time(told: Option<&pbjson_types::Timestamp>) -> Option<Timestamp> {
    let told = told?;
    Timestamp::new(told.seconds, told.nanos).ok()
}

/// A length of time as it came over the wire. `None` where it is absent or negative.
#[must_use]
pub fn length(told: Option<&pbjson_types::Duration>) -> Option<Duration> {
    let told = told?;
    Some(Duration::new(u64::try_from(told.seconds).ok()?, u32::try_from(told.nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_in_their_largest_unit() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn run_times_read_as_a_clock() {
        for (seconds, text) in [(7, "0:07"), (754, "12:34"), (3723, "1:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_time_to_come_is_given_as_the_time() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(ago("2026-01-31T11:58:00Z".parse().unwrap(), now), "2 min ago");
        assert_eq!(ago("2026-01-31T12:00:02Z".parse().unwrap(), now), "0 s ago");
        assert_eq!(ago("2026-01-31T13:00:00Z".parse().unwrap(), now), "2026-01-31 13:00:00 UTC");
    }

    #[test]
    fn what_is_no_time_is_none() {
        assert_eq!(time(None), None);
        let absurd = pbjson_types::Timestamp { seconds: i64::MAX, nanos: 0 };
        assert_eq!(time(Some(&absurd)), None);
        let negative = pbjson_types::Duration { seconds: -1, nanos: 0 };
        assert_eq!(length(Some(&negative)), None);
    }
}
