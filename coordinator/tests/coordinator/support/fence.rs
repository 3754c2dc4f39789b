//! What an agent remembers of the coordinators that took its pool, as a real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_proto::FENCED;
use hod_proto::agent::v1::Lease;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The highest epoch by pool, and how often a lower one was refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fence(Arc<Mutex<(BTreeMap<String, i64>, usize)>>);

impl Fence {
    pub(crate) fn pass(&self, lease: Option<&Lease>) -> Result<(), GlusterError> {
        let Some(lease) = lease else { return Ok(()) };
        let mut known = self.0.lock().unwrap();
        let highest = known.0.get(&lease.pool_id).copied().unwrap_or(0);
        if lease.epoch < highest {
            known.1 += 1;
            let message = format!("fenced, nothing was run: epoch {highest} is above {}", lease.epoch);
            return Err(GlusterError {
                kind: GlusterErrorKind::Fenced,
                message,
                op_errno: 0,
                hosts: Vec::new(),
            });
        }
        known.0.insert(lease.pool_id.clone(), lease.epoch);
        Ok(())
    }

    /// The highest epoch that it was told, of any pool.
    pub(crate) fn highest(&self) -> i64 {
        self.0.lock().unwrap().0.values().copied().max().unwrap_or(0)
    }

    /// How often one was refused.
    pub(crate) fn refused(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// The refusal of a stream.
pub(crate) fn status(error: &GlusterError) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(FENCED, "agent.hod", []);
    Status::with_error_details(Code::FailedPrecondition, error.message.clone(), details)
}
