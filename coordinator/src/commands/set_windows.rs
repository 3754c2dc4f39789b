//! When a volume's rebalance may run.

use std::sync::Arc;

use hod_core::command::problem::Problem;

use super::gather::Needs;
use super::{Asked, Commands, Receipt, Refusal};
use crate::store::VolumeWindow;

/// What is wrong with windows.
pub(super) fn problems(windows: &[VolumeWindow]) -> Vec<Problem> {
    let wrong = windows.iter().filter_map(|w| w.read().err());
    wrong
        .map(|e| {
            let field = match e.field {
                "weekdays" => "windows.weekdays",
                "begin" => "windows.begin",
                "end" => "windows.end",
                _ => "windows.time_zone",
            };
            Problem::new("bad-window", format!("a window's {e}"), "name it anew").of(field)
        })
        .collect()
}

impl Commands {
    /// Sets a volume's windows; none: its rebalance may run at any time.
    ///
    /// # Errors
    /// If a window can't be read, or there is no such volume.
    pub async fn set_windows(
        self: &Arc<Self>,
        asked: Asked,
        windows: Vec<VolumeWindow>,
    ) -> Result<Receipt, Refusal> {
        Refusal::unless_empty(&asked.volume, problems(&windows))?;
        let known = Box::pin(self.gather(&asked.pool, &asked.volume, Needs::default())).await?;
        let volume = &known.volume;
        self.store.set_windows(known.lease, volume.id, &windows, &asked.actor).await?;
        let message = match windows.len() {
            0 => format!("a rebalance of {} may run at any time", volume.name),
            1 => format!("a rebalance of {} runs in its window only", volume.name),
            n => format!("a rebalance of {} runs in its {n} windows only", volume.name),
        };
        Ok(Receipt { message, ..Receipt::default() })
    }
}
