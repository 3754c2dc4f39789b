//! What a dry run shows.

use std::time::Duration;

use hod_core::command::problem::Problem;
use hod_core::command::space::BrickPlan;

/// What a command would do.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What the job would do, in words.
    pub description: String,
    /// All that keeps it from being run.
    pub problems: Vec<Problem>,
    /// What would move, at most, in bytes.
    pub bytes_to_move: u64,
    /// Every brick of the volume, before and after.
    pub bricks: Vec<BrickPlan>,
    /// Bytes a second that tasks of the volume moved last.
    pub rate: Option<u64>,
}

impl Shown {
    /// How long it would take at the rate seen last.
    #[must_use]
    pub fn estimate(&self) -> Option<Duration> {
        let rate = self.rate.filter(|r| *r > 0)?;
        (self.bytes_to_move > 0).then(|| Duration::from_secs(self.bytes_to_move.div_ceil(rate)))
    }
}
