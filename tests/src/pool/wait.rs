//! Waiting for a condition, with a deadline.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};

/// How often a condition is looked at. Each look may be a process in a container.
const EVERY: Duration = Duration::from_millis(250);

/// Looks until there is something, and returns it. A look that fails is taken for "not yet";
/// the last failure is told when the deadline has passed.
pub async fn wait_for<T, F, Fut>(what: &str, deadline: Duration, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let mut last = None;
    let found = tokio::time::timeout(deadline, async {
        loop {
            match look().await {
                Ok(Some(found)) => return found,
                Ok(None) => last = None,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(EVERY).await;
        }
    })
    .await;
    match (found, last) {
        (Ok(found), _) => Ok(found),
        (Err(_), Some(error)) => Err(error).with_context(|| late(what, deadline)),
        (Err(_), None) => anyhow::bail!(late(what, deadline)),
    }
}

/// Waits until it is so.
pub async fn wait_until<F, Fut>(what: &str, deadline: Duration, mut is_so: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    wait_for(what, deadline, || {
        let look = is_so();
        async { Ok(look.await?.then_some(())) }
    })
    .await
}

fn late(what: &str, deadline: Duration) -> String {
    format!("waited {} s in vain: {what}", deadline.as_secs())
}
