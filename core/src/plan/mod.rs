//! The one decision: what to record of what was observed.

use std::time::Duration;

use jiff::Timestamp;

use crate::change::Planned;
use crate::observation::Observation;
use crate::record::Recorded;

/// The periods a plan goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A look older than this is not counted as fresh.
    pub fresh_for: Duration,
    /// A task is given up as UNKNOWN only after so many complete observations without it …
    pub lost_after_looks: u32,
    /// … that span so much observed time …
    pub lost_after: Duration,
    /// … of which a gap counts at most so much.
    pub gap_at_most: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(180),
            lost_after_looks: 5,
            lost_after: Duration::from_secs(600),
            gap_at_most: Duration::from_secs(120),
        }
    }
}

/// What to record of what was observed. Applying any prefix of it and planning
/// again comes to the same end; with its own result applied there is nothing to plan.
#[must_use]
pub fn plan(
    recorded: &Recorded,
    observed: &Observation,
    now: Timestamp,
    settings: &Settings,
) -> Vec<Planned> {
    let _ = (recorded, observed, now, settings);
    Vec::new()
}
