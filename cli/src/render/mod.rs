//! What each command shows: from the coordinator's answers to text, and nothing else.
//!
//! Every function here is pure: it takes what was told and a [`Look`](crate::text::Look),
//! which carries the time, and gives lines of text, each ended. What is not known
//! reads UNKNOWN, what was not told is a dash, and what is old says how old.

pub mod attention;
pub mod events;
pub mod hosts;
pub mod job;
pub mod jobs;
pub mod names;
pub mod parts;
pub mod plan;
pub mod pools;
pub mod says;
pub mod silence;
pub mod tasks;
pub mod volumes;

#[cfg(test)]
pub(crate) mod examples;

/// What stands for what was not told.
pub const NOT_TOLD: &str = "-";

/// The first characters of each id, as few as keep them apart, but at least eight:
/// enough to tell one from the other on a screen, and to name it to a command.
#[must_use]
pub fn short_length<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = ids.windows(2).map(|pair| {
        let same = pair[0].chars().zip(pair[1].chars());
        same.take_while(|(a, b)| a == b).count() + 1
    });
    shared.max().unwrap_or(0).max(8)
}

/// The first characters of an id.
#[must_use]
pub fn short(id: &str, length: usize) -> &str {
    id.char_indices().nth(length).map_or(id, |(end, _)| &id[..end])
}

/// Whether several pools are spoken of, so that a column must tell which.
#[must_use]
pub fn several<'a>(pools: impl IntoIterator<Item = &'a str>) -> bool {
    let mut pools = pools.into_iter();
    pools.next().is_some_and(|first| pools.any(|pool| pool != first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_short_as_keeps_them_apart() {
        assert_eq!(short_length([]), 8);
        assert_eq!(short_length(["aaaaaaaa-1", "bbbbbbbb-1"]), 8);
        assert_eq!(short_length(["aaaaaaaa-12", "aaaaaaaa-13", "aaaaaaaa-13"]), 11);
        assert_eq!(short("aaaaaaaa-12", 8), "aaaaaaaa");
        assert_eq!(short("é", 8), "é");
    }

    #[test]
    fn one_pool_needs_no_column() {
        assert!(!several([]));
        assert!(!several(["prod", "prod"]));
        assert!(several(["prod", "test"]));
    }
}
