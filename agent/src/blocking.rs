//! Work that waits for a disk: aside, so that nobody waits for it.
//!
//! A simulation has it done in place: threads beside its own would come and go as they
//! please, and a seed would not be the same story each time.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinError;

static IN_PLACE: AtomicBool = AtomicBool::new(false);

/// From now on, in this whole process, such work is done in place.
pub fn do_in_place() {
    IN_PLACE.store(true, Ordering::Relaxed);
}

/// Does it, also where nobody waits any more once it has begun.
///
/// # Errors
/// If it panicked, or the runtime is shutting down.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if IN_PLACE.load(Ordering::Relaxed) {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await
}
