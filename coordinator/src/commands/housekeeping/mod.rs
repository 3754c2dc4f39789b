//! What follows from commands later, by itself: one file a chore.
//!
//! Every chore is idempotent, and looks at what is so before it does anything: it may
//! run at any time, after any crash, and finds out what is left to do. It is begun by
//! time ([`Chore::every`]), and at once when a host has told something new, if it asks
//! for that. Each chore of each pool runs in a task of its own, so that one that waits
//! for Gluster keeps no other.
//!
//! Only the coordinator that holds a pool does anything for it, and only while agents
//! answer it.

mod auto_commit;
mod found_heals;
mod heals;
mod pauses;
mod throttles;
mod windows;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use hod_core::id::{PoolId, VolumeId};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use super::{Asked, Commands, Refusal};
use crate::store::{Lease, Pool, StoreError};
use crate::sync::live::{Live, Now};

/// How often it is looked for pools that came or went.
const POOLS: Duration = Duration::from_secs(5);
/// Between a wake and the run that follows it: more may come, and the sync goes first.
const GATHER: Duration = Duration::from_millis(500);
/// A chore that takes longer is given up, and begun anew.
const AT_MOST: Duration = Duration::from_secs(3600);

/// How often chores run. Tests are in more of a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Windows, throttles, pauses, commits.
    pub tick: Duration,
    /// Looks at pending heals.
    pub heals: Duration,
}

impl Default for Periods {
    fn default() -> Self {
        Self { tick: Duration::from_secs(30), heals: Duration::from_secs(10) }
    }
}

/// Something that is to be seen to, of one pool.
#[async_trait]
trait Chore: Send {
    /// What it is called in the log.
    fn name(&self) -> &'static str;

    /// At least this often it runs.
    fn every(&self, periods: &Periods) -> Duration {
        periods.tick
    }

    /// Whether it also runs when a host told something new.
    fn on_news(&self) -> bool {
        false
    }

    /// Sees to it. What fails is tried again the next time.
    async fn run(&mut self, house: &House) -> Result<(), Refusal>;
}

/// One pool, as a chore sees it.
struct House {
    commands: Arc<Commands>,
    pool: Pool,
    live: Arc<Live>,
}

impl House {
    /// A command of hod's own, with a volume of the pool.
    fn asked(&self, volume: VolumeId, actor: &str) -> Asked {
        Asked { pool: self.pool.clone(), volume: volume.to_string(), actor: actor.to_owned(), dry_run: false }
    }

    /// The pool's lease.
    fn lease(&self) -> Result<Lease, Refusal> {
        self.live.tenure().lease().ok_or_else(|| Refusal::NotHeld {
            pool: self.pool.name.clone(),
            holder: String::new(),
            address: String::new(),
        })
    }

    /// Whether any of the pool's agents answers this coordinator.
    fn answers(&self) -> bool {
        self.live.now().values().any(Now::answers)
    }
}

fn chores() -> Vec<Box<dyn Chore>> {
    vec![
        Box::new(throttles::Throttles),
        Box::new(pauses::Pauses),
        Box::new(windows::Windows),
        Box::<auto_commit::AutoCommit>::default(),
        Box::<heals::Heals>::default(),
        Box::new(found_heals::FoundHeals),
    ]
}

impl Commands {
    /// Keeps house for every pool until it is stopped.
    pub async fn keep_house(self: Arc<Self>, periods: Periods, stop: CancellationToken) {
        let mut kept: BTreeMap<PoolId, DropGuard> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        loop {
            match self.store.pools().await {
                Ok(pools) => {
                    kept.retain(|id, _| pools.iter().any(|p| p.id == *id) && self.sync.live(*id).is_some());
                    for pool in pools {
                        let Some(live) = self.sync.live(pool.id) else { continue };
                        if kept.contains_key(&pool.id) {
                            continue;
                        }
                        let done = CancellationToken::new();
                        for chore in chores() {
                            let house =
                                House { commands: self.clone(), pool: pool.clone(), live: live.clone() };
                            tasks.spawn(keep(chore, house, periods, done.clone()));
                        }
                        kept.insert(pool.id, done.drop_guard());
                    }
                }
                // The sync tells that the database is away.
                Err(e) => debug!("can't see which pools there are: {e}"),
            }
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(POOLS.min(periods.tick)) => {}
            }
        }
        kept.clear();
        while tasks.join_next().await.is_some() {}
    }
}

/// Runs one chore over and over.
async fn keep(mut chore: Box<dyn Chore>, house: House, periods: Periods, stop: CancellationToken) {
    let mut changes = house.live.changes();
    let mut trouble: Option<String> = None;
    loop {
        changes.borrow_and_update();
        if house.lease().is_ok() && house.answers() {
            // Cut short, what was begun with an agent goes on in a task of its own. A
            // chore that panics is begun anew the next time, and harms no other.
            let run = AssertUnwindSafe(timeout(AT_MOST, chore.run(&house))).catch_unwind();
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = run => done,
            };
            let failed = match done {
                Ok(Ok(
                    Ok(()) | Err(Refusal::NotHeld { .. } | Refusal::Store(StoreError::Unavailable(_))),
                )) => None,
                Ok(Ok(Err(e))) => Some(e.to_string()),
                Ok(Err(_)) => Some(format!("it took longer than {AT_MOST:?}")),
                Err(_) => Some("it broke down".to_owned()),
            };
            // What goes on is told once, not every time.
            if let Some(why) = failed.as_ref().filter(|why| trouble.as_ref() != Some(why)) {
                warn!(pool = %house.pool.name, "{} failed: {why}", chore.name());
            }
            trouble = failed;
        }
        let every = chore.every(&periods);
        let on_news = chore.on_news();
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(every) => {}
            Ok(()) = changes.changed(), if on_news => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(GATHER) => {}
                }
            }
        }
    }
}
