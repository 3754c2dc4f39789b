//! Gluster's words and numbers for how a host's part stands.
//!
//! The word comes first where there is one: the number 9 is "unknown" before
//! version 10 and "reset due to replace-brick" from then on, and answers without a
//! word come from versions that are older still.

use hod_core::task::PartStatus;

use super::version::Version;

/// How a part stands, and whether the word or number told that it is a fix-layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartWord {
    /// How the part stands.
    pub status: PartStatus,
    /// Whether it was said to be a fix-layout.
    pub fix_layout: bool,
}

impl PartWord {
    const fn of(status: PartStatus, fix_layout: bool) -> Self {
        Self { status, fix_layout }
    }

    /// Reads `<status>` and `<statusStr>` of an answer in XML.
    #[must_use]
    pub fn from_xml(number: Option<i64>, word: Option<&str>) -> Self {
        word.and_then(from_word).unwrap_or_else(|| from_number(number, false))
    }

    /// Reads the number in `node_state.info`, which has no word beside it.
    #[must_use]
    pub fn from_file(number: i64, version: &Version) -> Self {
        from_number(Some(number), version.is_at_least(10, 0))
    }

    /// Reads `get-state`'s word.
    #[must_use]
    pub fn from_get_state(word: &str) -> Self {
        let (stem, fix_layout) = match word.strip_prefix("layout_fix_") {
            Some(stem) => (stem, true),
            None => (word, false),
        };
        let status = match stem {
            "not_started" => PartStatus::NotStarted,
            "started" => PartStatus::InProgress,
            "stopped" => PartStatus::Stopped,
            "complete" | "completed" => PartStatus::Completed,
            "failed" => PartStatus::Failed,
            _ => PartStatus::Unknown,
        };
        Self::of(status, fix_layout)
    }
}

fn from_word(word: &str) -> Option<PartWord> {
    let (stem, fix_layout) = match word.strip_prefix("fix-layout ") {
        Some(stem) => (stem, true),
        None => (word, false),
    };
    let status = match stem {
        "not started" => PartStatus::NotStarted,
        "in progress" => PartStatus::InProgress,
        "stopped" => PartStatus::Stopped,
        "completed" => PartStatus::Completed,
        "failed" => PartStatus::Failed,
        "reset due to replace-brick" | "reset due to reset-brick" => PartStatus::Reset,
        "unknown" => PartStatus::Unknown,
        _ => return None,
    };
    Some(PartWord::of(status, fix_layout))
}

fn from_number(number: Option<i64>, knows_reset: bool) -> PartWord {
    match number {
        Some(0) => PartWord::of(PartStatus::NotStarted, false),
        Some(1) => PartWord::of(PartStatus::InProgress, false),
        Some(2) => PartWord::of(PartStatus::Stopped, false),
        Some(3) => PartWord::of(PartStatus::Completed, false),
        Some(4) => PartWord::of(PartStatus::Failed, false),
        Some(5) => PartWord::of(PartStatus::InProgress, true),
        Some(6) => PartWord::of(PartStatus::Stopped, true),
        Some(7) => PartWord::of(PartStatus::Completed, true),
        Some(8) => PartWord::of(PartStatus::Failed, true),
        Some(9 | 10) if knows_reset => PartWord::of(PartStatus::Reset, false),
        _ => PartWord::of(PartStatus::Unknown, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_comes_before_the_number() {
        let read = |n, w| PartWord::from_xml(n, w);
        let reset = PartWord::of(PartStatus::Reset, false);
        let unknown = PartWord::of(PartStatus::Unknown, false);
        assert_eq!(read(Some(9), Some("reset due to replace-brick")), reset);
        assert_eq!(read(Some(10), Some("reset due to reset-brick")), reset);
        assert_eq!(read(Some(9), Some("unknown")), unknown);
        assert_eq!(read(Some(9), None), unknown);
        assert_eq!(read(None, None), unknown);
        assert_eq!(read(Some(7), Some("fix-layout completed")), PartWord::of(PartStatus::Completed, true));
        assert_eq!(read(Some(5), None), PartWord::of(PartStatus::InProgress, true));
        assert_eq!(
            read(Some(3), Some("a word of a later version")),
            PartWord::of(PartStatus::Completed, false)
        );
    }

    #[test]
    fn nine_in_a_file_depends_on_the_version() {
        let ten = Version::parse("glusterfs 10.3").unwrap();
        let nine = Version::parse("glusterfs 9.2").unwrap();
        assert_eq!(PartWord::from_file(9, &ten).status, PartStatus::Reset);
        assert_eq!(PartWord::from_file(10, &ten).status, PartStatus::Reset);
        assert_eq!(PartWord::from_file(11, &ten).status, PartStatus::Unknown);
        assert_eq!(PartWord::from_file(9, &nine).status, PartStatus::Unknown);
    }

    #[test]
    fn get_state_has_words_of_its_own() {
        for (word, status, fix_layout) in [
            ("not_started", PartStatus::NotStarted, false),
            ("started", PartStatus::InProgress, false),
            ("layout_fix_started", PartStatus::InProgress, true),
            ("layout_fix_stopped", PartStatus::Stopped, true),
            ("layout_fix_complete", PartStatus::Completed, true),
            ("layout_fix_failed", PartStatus::Failed, true),
            ("something else", PartStatus::Unknown, false),
        ] {
            assert_eq!(PartWord::from_get_state(word), PartWord::of(status, fix_layout));
        }
    }
}
