//! What the tests stand on: a world with a coordinator in it, and scripted agents.

pub(crate) mod agent;
pub(crate) mod fence;
pub(crate) mod gluster;
pub(crate) mod hostile;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod world;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A condition that does not come true in this time never will.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until a condition gives something, and returns that.
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} in vain: {what}");
        sleep(Duration::from_millis(25)).await;
    }
}
