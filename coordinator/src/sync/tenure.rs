//! Whether this coordinator holds a pool: given and renewed by the round
//! ([`rounds`](super::rounds)), asked by everything that writes or acts.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::Lease;

/// A pool's lease, while this coordinator has it.
#[derive(Debug)]
pub struct Tenure(watch::Sender<Option<Held>>);

#[derive(Clone, Copy, Debug)]
struct Held {
    lease: Lease,
    /// From then on another may have it, and this coordinator does nothing by itself.
    until: Instant,
    /// It is to be given back.
    leaves: bool,
}

impl Default for Tenure {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Tenure {
    /// The lease, if no other can have taken it: by this process's own clock, which a
    /// database that does not answer can't hold up.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.0.borrow().filter(|held| Instant::now() < held.until).map(|held| held.lease)
    }

    /// The lease that was held last and not lost, though it may have run out.
    pub(super) fn last(&self) -> Option<Lease> {
        self.0.borrow().map(|held| held.lease)
    }

    /// It was taken, as of a moment before the database was asked.
    pub(super) fn hold(&self, lease: Lease, asked: Instant) {
        self.0.send_replace(Some(Held { lease, until: asked + Lease::LASTS, leaves: false }));
    }

    /// It was renewed, as of a moment before the database was asked.
    pub(super) fn renew(&self, asked: Instant) {
        self.0.send_if_modified(|held| {
            if let Some(held) = held {
                held.until = held.until.max(asked + Lease::LASTS);
            }
            // Nobody waits for that.
            false
        });
    }

    /// It is to be given back once the pool's sync has ended.
    pub(super) fn leave(&self) {
        self.0.send_modify(|held| {
            if let Some(held) = held {
                held.leaves = true;
            }
        });
    }

    /// Whether it is about to be given back.
    pub(super) fn leaves(&self) -> bool {
        self.0.borrow().is_some_and(|held| held.leaves)
    }

    /// It is held no more.
    pub(super) fn end(&self, lease: Lease) {
        self.0.send_if_modified(|held| {
            let is_that = held.is_some_and(|held| held.lease == lease);
            if is_that {
                *held = None;
            }
            is_that
        });
    }

    /// Waits until the pool is to be synced.
    pub(super) async fn begun(&self) {
        self.until(|held| held.is_some_and(|held| !held.leaves)).await;
    }

    /// Waits until the pool is to be synced no more.
    pub(super) async fn over(&self) {
        self.until(|held| held.is_none_or(|held| held.leaves)).await;
    }

    /// Waits for a lease that no other can have, but not for longer than that.
    pub async fn lease_within(&self, time: Duration) -> Option<Lease> {
        let _ = tokio::time::timeout(time, self.begun()).await;
        self.lease()
    }

    async fn until(&self, so: impl Fn(&Option<Held>) -> bool) {
        // The sender is this: it does not go away meanwhile.
        let _ = self.0.subscribe().wait_for(|held| so(held)).await;
    }
}

#[cfg(test)]
mod tests {
    use hod_core::id::PoolId;
    use newtype_uuid::GenericUuid as _;
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    fn lease(epoch: i64) -> Lease {
        Lease { pool: PoolId::from_untyped_uuid(Uuid::from_u128(1)), epoch }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_not_renewed_runs_out_by_itself() {
        let tenure = Tenure::default();
        assert_eq!(tenure.lease(), None);
        let asked = Instant::now();
        advance(Duration::from_secs(1)).await;
        tenure.hold(lease(1), asked);
        advance(Lease::LASTS - Duration::from_secs(2)).await;
        assert_eq!(tenure.lease(), Some(lease(1)));
        let asked = Instant::now();
        advance(Duration::from_millis(500)).await;
        tenure.renew(asked);
        advance(Lease::LASTS - Duration::from_secs(1)).await;
        assert_eq!(tenure.lease(), Some(lease(1)));
        // Counted from when the database was asked, not from when it answered.
        advance(Duration::from_millis(500)).await;
        assert_eq!((tenure.lease(), tenure.last()), (None, Some(lease(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_lease_that_is_held_ends() {
        let tenure = Tenure::default();
        tenure.hold(lease(2), Instant::now());
        tenure.end(lease(1));
        assert_eq!(tenure.lease(), Some(lease(2)));
        tenure.leave();
        tenure.over().await;
        assert_eq!(tenure.lease(), Some(lease(2)), "what is under way may still be recorded");
        tenure.end(lease(2));
        assert_eq!(tenure.last(), None);
    }
}
