//! Hours in which a rebalance may run, as an operator types them:
//! `Mon-Fri 22:00-06:00 Europe/Berlin`.
//!
//! Only the form is checked here. Whether a time zone exists is the coordinator's to
//! say, since its clock is the one that counts.

use hod_proto::coordinator::v1::Window;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What a window looks like, for messages.
const FORM: &str = "a window is [DAYS] HH:MM-HH:MM ZONE, such as \"Mon-Fri 22:00-06:00 Europe/Berlin\"";

/// Reads a window: days (none: every day), hours, time zone.
///
/// # Errors
/// Says which part can't be read.
pub fn read(text: &str) -> Result<Window, String> {
    let words: Vec<_> = text.split_whitespace().collect();
    let (days, hours, zone) = match words.as_slice() {
        [days, hours, zone] => (Some(*days), *hours, *zone),
        [hours, zone] if hours.contains(':') => (None, *hours, *zone),
        [.., hours] if hours.contains(':') => {
            return Err(format!("the time zone is missing; {FORM}"));
        }
        _ => return Err(FORM.to_owned()),
    };
    let weekdays = days.map_or_else(|| Ok(Vec::new()), weekdays)?;
    let (begin, end) =
        hours.split_once('-').ok_or_else(|| format!("{hours:?} has no begin and end; {FORM}"))?;
    Ok(Window {
        weekdays,
        begin: time(begin)?,
        // The end of a day is the begin of the next one, and an end before the begin is there.
        end: if end == "24:00" { "00:00".to_owned() } else { time(end)? },
        time_zone: zone.to_owned(),
    })
}

/// A window as it would be typed.
#[must_use]
pub fn typed(window: &Window) -> String {
    let name = |day: &u32| {
        let name = usize::try_from(*day).ok().and_then(|day| DAYS.get(day.checked_sub(1)?));
        name.map_or_else(|| day.to_string(), |name| name[..1].to_uppercase() + &name[1..3])
    };
    let days: Vec<String> = window.weekdays.iter().map(name).collect();
    let days = if days.is_empty() { String::new() } else { format!("{} ", days.join(",")) };
    format!("{days}{}-{} {}", window.begin, window.end, window.time_zone)
}

/// `Mon-Fri` or `Mon,Wed,Sat-Sun`, as 1 for Monday to 7, in the order of the week.
fn weekdays(text: &str) -> Result<Vec<u32>, String> {
    let mut days = Vec::new();
    for piece in text.split(',') {
        let (first, last) = match piece.split_once('-') {
            Some((first, last)) => (weekday(first)?, weekday(last)?),
            None => (weekday(piece)?, weekday(piece)?),
        };
        // From Saturday to Monday goes over the end of the week.
        let length = (last + 7 - first) % 7;
        days.extend((0..=length).map(|more| (first - 1 + more) % 7 + 1));
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

/// A day by its English name or the first three letters of it.
fn weekday(text: &str) -> Result<u32, String> {
    let wanted = text.to_ascii_lowercase();
    (1..)
        .zip(DAYS)
        .find(|(_, day)| wanted == *day || wanted == day[..3])
        .map(|(number, _)| number)
        .ok_or_else(|| format!("{text:?} is no weekday: Mon, Tue, Wed, Thu, Fri, Sat or Sun"))
}

/// `HH:MM`, on a clock of 24 hours; the hour may have one digit.
fn time(text: &str) -> Result<String, String> {
    let digits = |part: &str, least: usize, below: u8| {
        let well_formed = (least..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u8>().ok().filter(|value| well_formed && *value < below)
    };
    let read = text.split_once(':').and_then(|(hour, minute)| {
        Some(format!("{:02}:{:02}", digits(hour, 1, 24)?, digits(minute, 2, 60)?))
    });
    read.ok_or_else(|| format!("{text:?} is no time: HH:MM, from 00:00 to 23:59"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(weekdays: &[u32], begin: &str, end: &str, zone: &str) -> Window {
        Window {
            weekdays: weekdays.to_vec(),
            begin: begin.to_owned(),
            end: end.to_owned(),
            time_zone: zone.to_owned(),
        }
    }

    #[test]
    fn windows_are_read_as_people_write_them() {
        for (text, read_as) in [
            (
                "Mon-Fri 22:00-06:00 Europe/Berlin",
                window(&[1, 2, 3, 4, 5], "22:00", "06:00", "Europe/Berlin"),
            ),
            ("22:00-06:00 UTC", window(&[], "22:00", "06:00", "UTC")),
            ("  sat,SUN  9:00-24:00  UTC ", window(&[6, 7], "09:00", "00:00", "UTC")),
            ("Fri-Mon 00:00-24:00 UTC", window(&[1, 5, 6, 7], "00:00", "00:00", "UTC")),
            ("wednesday,Mon-Tue,tue 01:30-02:00 UTC", window(&[1, 2, 3], "01:30", "02:00", "UTC")),
            ("Sun-Sun 01:00-02:00 UTC", window(&[7], "01:00", "02:00", "UTC")),
        ] {
            assert_eq!(read(text).as_ref(), Ok(&read_as), "{text}");
            assert_eq!(read(&typed(&read_as)).as_ref(), Ok(&read_as), "what is shown can be typed");
        }
    }

    #[test]
    fn what_is_no_window_says_which_part_is_wrong() {
        for (text, said) in [
            ("", "a window is"),
            ("nights", "a window is"),
            ("Mon-Fri 22:00-06:00", "the time zone is missing"),
            ("22:00-06:00", "the time zone is missing"),
            ("Mon-Fri 22:00 UTC", "\"22:00\" has no begin and end"),
            ("Mo-Fr 22:00-06:00 UTC", "\"Mo\" is no weekday"),
            ("Mon- 22:00-06:00 UTC", "\"\" is no weekday"),
            ("1-5 22:00-06:00 UTC", "\"1\" is no weekday"),
            ("24:00-06:00 UTC", "\"24:00\" is no time"),
            ("22:00-24:01 UTC", "\"24:01\" is no time"),
            ("22:60-06:00 UTC", "\"22:60\" is no time"),
            ("22:5-06:00 UTC", "\"22:5\" is no time"),
            ("022:05-06:00 UTC", "\"022:05\" is no time"),
            ("+2:00-06:00 UTC", "\"+2:00\" is no time"),
            ("22:00-06:00 Europe / Berlin", "a window is"),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(said), "{text:?}: {refusal}");
        }
    }
}
