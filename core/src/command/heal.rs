//! When a replaced brick counts as healed.

use std::time::Duration;

/// So many looks in a row with nothing pending are needed.
pub const QUIET_LOOKS: u32 = 3;
/// A heal whose pending entries did not become fewer for so long stands still.
pub const STANDS_STILL: Duration = Duration::from_secs(600);
/// Gluster is asked for a summary at most this often, and no more often than ten
/// times what the last one took: it walks every pending entry.
const SUMMARY_EVERY: Duration = Duration::from_secs(300);

/// What one look told of the entries that wait to be healed, over the bricks of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealLook {
    /// How many; `None`: not known of every brick.
    pub pending: Option<u64>,
    /// Whether the brick serves; `None`: not known.
    pub serves: Option<bool>,
    /// How long after the watch began it was taken.
    pub at: Duration,
}

/// What Gluster's own summary told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealSummary {
    /// Entries that wait; `None`: not told of every brick.
    pub pending: Option<u64>,
    /// Entries in split-brain; `None`: not told of every brick.
    pub split_brain: Option<u64>,
    /// When it was asked for, since the watch began.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
}

/// A heal that is watched. It is kept in memory only: after a restart it takes three
/// looks again.
#[derive(Clone, Debug, Default)]
pub struct HealWatch {
    quiet: u32,
    most: u64,
    least: Option<(u64, Duration)>,
    last: Option<HealLook>,
    summary: Option<HealSummary>,
    /// The last summary was clean, and came after enough quiet looks.
    confirmed: bool,
}

impl HealWatch {
    /// Takes a look into account. That pending entries are not known breaks the row of
    /// quiet looks. Whether the brick serves may not be known for long, as get-state
    /// refuses after a replace-brick of a volume that was rebalanced; Gluster's summary
    /// tells it then, for it counts only what it hears from the bricks themselves.
    pub fn look(&mut self, look: HealLook) {
        match look.pending {
            Some(0) if look.serves != Some(false) => self.quiet = self.quiet.saturating_add(1),
            _ => (self.quiet, self.confirmed) = (0, false),
        }
        if let Some(pending) = look.pending {
            self.most = self.most.max(pending);
            if self.least.is_none_or(|(least, _)| pending < least) {
                self.least = Some((pending, look.at));
            } else if self.last.and_then(|l| l.pending).is_some_and(|before| before > pending) {
                // More came meanwhile, and it becomes fewer again: it moves.
                self.least = Some((pending, look.at));
            }
        }
        self.last = Some(look);
    }

    /// Takes Gluster's summary into account.
    pub fn summarized(&mut self, summary: HealSummary) {
        let clean = summary.pending == Some(0) && summary.split_brain == Some(0);
        self.confirmed = clean && self.quiet >= QUIET_LOOKS;
        if !clean {
            self.quiet = 0;
        }
        self.summary = Some(summary);
    }

    /// Whether Gluster is to be asked for a summary: to confirm that nothing is
    /// pending, or since it stands still, which a split-brain would explain.
    #[must_use]
    pub fn wants_summary(&self, now: Duration) -> bool {
        let due = self.summary.is_none_or(|s| now.saturating_sub(s.at) >= SUMMARY_EVERY.max(s.took * 10));
        due && (self.quiet >= QUIET_LOOKS || self.stands_still(now))
    }

    /// Whether it is done: nothing pending for several looks, and Gluster's own
    /// summary, asked for after them, says the same.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.confirmed
    }

    /// Whether what is pending has not become less for long.
    #[must_use]
    pub fn stands_still(&self, now: Duration) -> bool {
        let pending = self.last.and_then(|l| l.pending).is_some_and(|p| p > 0);
        pending && self.least.is_some_and(|(_, at)| now.saturating_sub(at) >= STANDS_STILL)
    }

    /// Entries in split-brain, as the last summary told.
    #[must_use]
    pub fn split_brain(&self) -> u64 {
        self.summary.and_then(|s| s.split_brain).unwrap_or(0)
    }

    /// The last look.
    #[must_use]
    pub fn last(&self) -> Option<HealLook> {
        self.last
    }

    /// How many entries were healed, by the most that were ever pending.
    #[must_use]
    pub fn healed(&self) -> u64 {
        self.most.saturating_sub(self.last.and_then(|l| l.pending).unwrap_or(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn look(pending: Option<u64>, at: u64) -> HealLook {
        HealLook { pending, serves: Some(true), at: secs(at) }
    }

    fn summary(pending: u64, split_brain: u64, at: u64) -> HealSummary {
        HealSummary { pending: Some(pending), split_brain: Some(split_brain), at: secs(at), took: secs(1) }
    }

    #[test]
    fn where_get_state_does_not_tell_whether_the_brick_serves_the_summary_does() {
        let mut watch = HealWatch::default();
        for n in 0..3 {
            watch.look(HealLook { serves: None, ..look(Some(0), n) });
        }
        assert!(watch.wants_summary(secs(3)));
        // A brick that is not connected is not counted.
        watch.summarized(HealSummary { pending: None, ..summary(0, 0, 3) });
        assert!(!watch.is_done());
        for n in 400..403 {
            watch.look(HealLook { serves: None, ..look(Some(0), n) });
        }
        watch.summarized(summary(0, 0, 403));
        assert!(watch.is_done());
    }

    #[test]
    fn done_is_three_quiet_looks_and_gluster_s_word() {
        let mut watch = HealWatch::default();
        watch.look(look(Some(7), 0));
        for n in 1..=2 {
            watch.look(look(Some(0), n * 10));
            assert!(!watch.wants_summary(secs(n * 10)));
        }
        // What is not known breaks the row.
        watch.look(look(None, 30));
        for n in 4..=6 {
            assert!(!watch.is_done());
            watch.look(look(Some(0), n * 10));
        }
        assert!(watch.wants_summary(secs(60)) && !watch.is_done());
        watch.summarized(summary(0, 0, 60));
        assert!(watch.is_done());
        assert_eq!(watch.healed(), 7);
    }

    #[test]
    fn a_brick_that_does_not_serve_is_not_healed() {
        let mut watch = HealWatch::default();
        for n in 0..5 {
            watch.look(HealLook { serves: Some(false), ..look(Some(0), n) });
        }
        assert!(!watch.wants_summary(secs(5)));
    }

    #[test]
    fn a_summary_that_disagrees_begins_anew_and_is_not_asked_for_again_soon() {
        let mut watch = HealWatch::default();
        for n in 0..3 {
            watch.look(look(Some(0), n));
        }
        watch.summarized(summary(0, 2, 3));
        assert_eq!((watch.is_done(), watch.split_brain()), (false, 2));
        for n in 4..8 {
            watch.look(look(Some(0), n));
        }
        assert!(!watch.wants_summary(secs(8)) && watch.wants_summary(secs(303)));
    }

    #[test]
    fn what_does_not_become_less_stands_still() {
        let mut watch = HealWatch::default();
        watch.look(look(Some(9), 0));
        watch.look(look(Some(5), 100));
        watch.look(look(Some(5), 699));
        assert!(!watch.stands_still(secs(699)));
        assert!(watch.stands_still(secs(700)) && watch.wants_summary(secs(700)));
        watch.look(look(Some(4), 701));
        assert!(!watch.stands_still(secs(701)));
    }
}
