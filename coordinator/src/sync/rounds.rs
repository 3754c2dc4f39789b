//! The round that a coordinator makes again and again: it says that it is there, which
//! renews its leases; sees who else is, and which pools there are; takes what is free,
//! up to its share, and gives back what is more.
//!
//! It is a task of its own, on connections of its own, so that neither a long sync nor
//! a flood of questions makes a coordinator look dead.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, Stream};
use hod_core::id::PoolId;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Sync;
use super::live::Live;
use super::share::share;
use crate::store::{Held, Notice, Roster, StoreError};

/// How often a round is made. Two may fail before a lease runs out; and a coordinator
/// that dies is found by then, [`Lease::LASTS`](crate::store::Lease::LASTS) later.
const EVERY: Duration = Duration::from_millis(1500);
/// What is told of pools within this time makes one round.
const GATHER: Duration = Duration::from_millis(200);
/// So many pools are taken at a time.
const AT_ONCE: usize = 8;

/// Makes rounds until it is stopped.
pub(super) async fn make(sync: Arc<Sync>, stop: CancellationToken) {
    let mut notices = sync.store.listen();
    let mut trouble = None;
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = round(&sync) => done,
        };
        match done {
            Ok(()) => {
                if trouble.take().is_some() {
                    info!("leases are renewed again");
                }
            }
            Err(e) => {
                let e = e.to_string();
                // What goes on is told once.
                if trouble.as_ref() != Some(&e) {
                    error!("can't renew leases: {e}");
                    trouble = Some(e);
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(EVERY) => {}
            () = sync.look_now.notified() => {}
            () = pool_notice(&mut notices) => sleep(GATHER).await,
        }
    }
}

/// Waits until a pool was added, removed, taken or given back.
async fn pool_notice(notices: &mut (impl Stream<Item = Notice> + Unpin)) {
    while let Some(notice) = notices.next().await {
        if matches!(notice, Notice::Pool(_)) {
            return;
        }
    }
    // Nothing is told any more: there is still the time.
    std::future::pending::<()>().await;
}

/// One round.
pub(super) async fn round(sync: &Arc<Sync>) -> Result<(), StoreError> {
    // In this order: what is known by now was there before the roster was read.
    let known = sync.known();
    let asked = Instant::now();
    let roster = sync.store.check_in(&sync.rules.coordinator).await?;
    follow(sync, &known, &roster).await?;

    let me = sync.rules.coordinator.id;
    let (mut mine, mut wanted, mut free) = (0, Vec::new(), Vec::new());
    for held in &roster.pools {
        let Some(live) = sync.live(held.lease.pool) else { continue };
        let (tenure, can_be_taken) = (live.tenure(), held.by.is_none_or(|by| by == me));
        match tenure.last() {
            None if can_be_taken => free.push((live, *held)),
            None => {}
            Some(last) if last == held.lease && can_be_taken => {
                mine += usize::from(!tenure.leaves());
                match tenure.lease() {
                    Some(_) if held.by == Some(me) => tenure.renew(asked),
                    // It had run out by this clock. To take it anew waits for whoever
                    // may have begun to take it meanwhile.
                    _ => wanted.push((live, *held)),
                }
            }
            // Taken since the roster was read.
            Some(last) if last.epoch > held.lease.epoch => mine += 1,
            Some(last) => {
                let holder = roster.coordinators.iter().find(|c| Some(c.id) == held.by);
                let holder = holder.map_or("another", |c| c.name.as_str());
                warn!(pool = %sync.name(last.pool), "{holder} holds the pool now; this coordinator lets it go");
                tenure.end(last);
            }
        }
    }
    let share = share(me, &roster);
    if mine > share {
        give_back(sync, mine - share);
    }
    wanted.extend(free.into_iter().take(share.saturating_sub(mine)));
    stream::iter(wanted).for_each_concurrent(AT_ONCE, |(live, held)| take(sync, live, held, asked)).await;
    Ok(())
}

/// Begins to follow pools that were added, and ends with those that were removed.
async fn follow(sync: &Sync, known: &BTreeSet<PoolId>, roster: &Roster) -> Result<(), StoreError> {
    let there: BTreeSet<PoolId> = roster.pools.iter().map(|held| held.lease.pool).collect();
    if !there.is_subset(known) {
        for pool in sync.store.pools().await? {
            if there.contains(&pool.id) {
                sync.begin(pool);
            }
        }
    }
    for gone in known.difference(&there) {
        sync.forget(*gone);
    }
    Ok(())
}

/// Takes a pool, unless another is faster or it was removed: the next round tells. Its
/// time counts from the check-in, which was asked for at a moment.
async fn take(sync: &Sync, live: Arc<Live>, held: Held, asked: Instant) {
    let (pool, me) = (held.lease.pool, &sync.rules.coordinator);
    match sync.store.take_lease(pool, me.id).await {
        Ok(Some(lease)) => {
            info!(pool = %sync.name(pool), epoch = lease.epoch, "this coordinator holds the pool");
            live.tenure().hold(lease, asked);
            live.wake();
        }
        Ok(None) | Err(StoreError::NotFound { .. }) => {}
        Err(e) => warn!(pool = %sync.name(pool), "can't take the pool: {e}"),
    }
}

/// Gives pools back that are more than this coordinator's share, those first on which
/// nothing is being done.
fn give_back(sync: &Sync, more: usize) {
    let is_idle =
        |live: &Arc<Live>| live.tenure().lease().is_some() && !live.tenure().leaves() && !live.is_at_work();
    for live in sync.lives().into_iter().filter(is_idle).take(more) {
        live.tenure().leave();
    }
}
