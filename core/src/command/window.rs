//! When a rebalance may run: by weekday and hour, in a time zone.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// Hours in which a rebalance may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins; none: every day.
    pub weekdays: Vec<Weekday>,
    /// When it begins.
    pub begin: Time,
    /// When it ends; on the next day if that is not after the begin.
    pub end: Time,
    /// Whose clock.
    pub zone: TimeZone,
}

/// A window that can't be read: the field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct NotAWindow {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Window {
    /// Reads a window: weekdays 1 (Monday) to 7, times `HH:MM`. The zone is looked up
    /// by the caller, since that reads the machine's time zone files.
    ///
    /// # Errors
    /// Names the field that can't be read.
    pub fn read(weekdays: &[u32], begin: &str, end: &str, zone: TimeZone) -> Result<Self, NotAWindow> {
        let wrong = |field, problem: String| NotAWindow { field, problem };
        let weekdays = weekdays
            .iter()
            .map(|d| {
                let day = i8::try_from(*d).ok().and_then(|d| Weekday::from_monday_one_offset(d).ok());
                day.ok_or_else(|| wrong("weekdays", format!("{d} is no weekday: 1 is Monday, 7 Sunday")))
            })
            .collect::<Result<_, _>>()?;
        let time = |field, text: &str| {
            Time::strptime("%H:%M", text).map_err(|_| wrong(field, format!("{text:?} is no time: HH:MM")))
        };
        Ok(Self { weekdays, begin: time("begin", begin)?, end: time("end", end)?, zone })
    }

    /// Whether the window is open at a time.
    ///
    /// It is reckoned by what the clock on the wall shows: on the night in which an
    /// hour is left out or comes twice, the window is an hour shorter or longer.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        let (time, day) = (local.time(), local.weekday());
        let begins_on = |day: Weekday| self.weekdays.is_empty() || self.weekdays.contains(&day);
        if self.begin < self.end {
            return begins_on(day) && self.begin <= time && time < self.end;
        }
        let tonight = begins_on(day) && self.begin <= time;
        let since_yesterday = begins_on(day.previous()) && time < self.end;
        tonight || since_yesterday
    }
}

/// Whether a rebalance may run: in any of the windows, or at any time if there are none.
#[must_use]
pub fn may_run(windows: &[Window], at: Timestamp) -> bool {
    windows.is_empty() || windows.iter().any(|w| w.is_open(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins_on() {
        let window = Window::read(&[5], "22:00", "06:00", zone("Europe/Berlin")).unwrap();
        // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC.
        assert!(!window.is_open(at("2026-11-27T20:59:00Z")));
        assert!(window.is_open(at("2026-11-27T21:00:00Z")));
        assert!(window.is_open(at("2026-11-28T04:59:00Z")));
        assert!(!window.is_open(at("2026-11-28T05:00:00Z")));
        assert!(!window.is_open(at("2026-11-28T21:30:00Z")));
    }

    #[test]
    fn over_a_change_to_summer_time_the_clock_on_the_wall_counts() {
        let window = Window::read(&[], "01:00", "04:00", zone("Europe/Berlin")).unwrap();
        // On 2027-03-28 the clock goes from 02:00 to 03:00: the window has two hours.
        assert!(!window.is_open(at("2027-03-27T23:59:00Z")));
        assert!(window.is_open(at("2027-03-28T00:00:00Z")));
        assert!(window.is_open(at("2027-03-28T01:59:00Z")));
        assert!(!window.is_open(at("2027-03-28T02:00:00Z")));
        // A begin that is left out: the window opens when the clock has passed it.
        let window = Window::read(&[], "02:30", "04:00", zone("Europe/Berlin")).unwrap();
        assert!(!window.is_open(at("2027-03-28T00:59:00Z")));
        assert!(window.is_open(at("2027-03-28T01:00:00Z")));
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        let field =
            |days: &[u32], begin, end| Window::read(days, begin, end, TimeZone::UTC).unwrap_err().field;
        assert_eq!(field(&[8], "01:00", "02:00"), "weekdays");
        assert_eq!(field(&[], "25:00", "02:00"), "begin");
        assert_eq!(field(&[], "01:00", "2"), "end");
    }

    #[test]
    fn without_windows_it_may_run_at_any_time() {
        assert!(may_run(&[], at("2026-11-27T20:59:00Z")));
    }
}
