//! The sync: what oVirt called GlusterTasksSyncJob. For every pool it observes,
//! plans and applies, over and over, so that what is recorded becomes what is so.
//!
//! # Who does what
//!
//! For each pool there are three kinds of workers, each a file:
//!
//! - a **collector** for each host ([`collect`]) connects to the host's agent
//!   again and again; each session ([`session`]) makes sure that it is that host's
//!   agent, and puts what its stream tells together into the host's picture. It writes into the pool's **live view** ([`live`]),
//!   and knows nothing of other hosts, of tasks, or of the database.
//! - one **attendant** ([`attend`]) keeps a collector at work for every host that
//!   is in the pool, and decides ([`leader`]) which one agent may make the calls
//!   that take the pool's locks. It needs no database either.
//! - one **loop** ([`run`]) is the sync proper. It asks the database for the time,
//!   takes the live view as an [`Observation`](hod_core::observation::Observation),
//!   loads what is recorded, asks [`hod_core::plan()`] for what differs, and applies
//!   that. It decides nothing itself.
//!
//! # When
//!
//! A collector wakes the loop when something was told that may be new. The loop
//! then waits 200 ms, for what else comes with it: a rebalance that ends on three
//! hosts makes one sync, not three. And it runs every 5 s in any case, since
//! silence wakes nobody, and since ages count. A sync that finds nothing different
//! writes nothing.
//!
//! # What can't go wrong
//!
//! All state is the store's. A coordinator that is killed at any point loses what
//! its agents told, which they tell again; the plan is a function of what is
//! recorded and what is observed, so the next one goes on where the last one was.
//! The ids of found jobs are derived from pool and task: finding a task twice
//! makes one job.
//!
//! Nothing is concluded from what was not heard. After a start a host is *not in
//! the observation at all* until its agent has answered, or has not for the time
//! after which an agent counts as silent: a restart tells no tale of hosts that
//! fell silent. A stream that breaks, an agent that sends garbage, one that hangs,
//! one of another host: each ends in one host's word (silent since, refused
//! because), and the last picture stays, with its age.
//!
//! Every time is reckoned by the database's clock ([`clock`]): agents send ages,
//! and an age is turned into a time when it is received.
//!
//! Each pool's loop is a task of its own. A failed sync is counted, told once, and
//! tried again; a loop that panics is begun anew; neither touches another pool. A
//! change that can't be recorded stops no other change (the store sees to that).
//!
//! # Who may make locked calls
//!
//! A status call with every host's counters takes the volume's lock on every host,
//! and with a frozen peer keeps it for three minutes. So at most one agent of a
//! pool makes such calls, and none while a host is suspected frozen. The grant is
//! a flag on an agent's stream: to give or to take it, the stream is opened anew.
//! Taking comes first: nobody is given the grant while the live view says that
//! another's stream with the grant may still be open.
//!
//! # Who writes
//!
//! The loop takes the pool's lease when it starts, and every write carries the
//! lease's epoch: a coordinator that slept while another took the pool can change
//! nothing. It notices, lets its agents go, and stands by until the other has
//! given no sign for 30 s.

pub mod agent;
pub mod attend;
pub mod clock;
pub mod collect;
mod evidence;
pub mod leader;
pub mod live;
pub mod run;
mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hod_core::id::PoolId;
use hod_core::plan::Settings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::metrics::Metrics;
use crate::network::Network;
use crate::store::{Pool, Store, StoreError};
use attend::Manner;
use clock::Clock;
use live::Live;
use run::PoolSync;

/// A loop that panicked is begun anew after this time.
const ANEW: Duration = Duration::from_secs(5);

/// What all pools' syncs go by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How agents are reached.
    pub network: Network,
    /// An agent that gave no word for so long is silent.
    pub silent_after: Duration,
    /// At least this often there is a sync.
    pub sync_every: Duration,
    /// The periods a plan goes by.
    pub plan: Settings,
    /// Ended jobs are kept so long.
    pub keep_ended: Duration,
    /// This coordinator's name, for the lease.
    pub holder: String,
}

/// The syncs of all pools.
pub struct Sync {
    store: Arc<dyn Store>,
    rules: Rules,
    clock: Arc<Clock>,
    metrics: Metrics,
    pools: Mutex<BTreeMap<PoolId, Running>>,
}

struct Running {
    name: String,
    live: Arc<Live>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sync {
    /// Begins to sync every pool there is.
    ///
    /// # Errors
    /// If the store does not tell the time or its pools.
    pub async fn start(
        store: Arc<dyn Store>,
        rules: Rules,
        metrics: Metrics,
    ) -> Result<Arc<Self>, StoreError> {
        let clock = Arc::new(Clock::new(store.now().await?));
        let pools = store.pools().await?;
        let sync = Arc::new(Self { store, rules, clock, metrics, pools: Mutex::default() });
        for pool in pools {
            sync.begin(pool);
        }
        Ok(sync)
    }

    /// What all syncs go by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The database's time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What a pool's agents say now.
    #[must_use]
    pub fn live(&self, pool: PoolId) -> Option<Arc<Live>> {
        self.pools().get(&pool).map(|running| running.live.clone())
    }

    /// Begins to sync a pool, unless it is synced already.
    pub fn begin(&self, pool: Pool) {
        let mut pools = self.pools();
        if pools.contains_key(&pool.id) {
            return;
        }
        let live = Arc::new(Live::new(self.clock.clone(), self.rules.silent_after));
        let stop = CancellationToken::new();
        let (id, name) = (pool.id, pool.name.clone());
        let work = PoolSync {
            store: self.store.clone(),
            live: live.clone(),
            manner: Manner {
                follow: pool.follow,
                network: self.rules.network.clone(),
                silent_after: self.rules.silent_after,
            },
            sync_every: self.rules.sync_every,
            plan: self.rules.plan,
            keep_ended: self.rules.keep_ended,
            metrics: self.metrics.of_pool(&name),
            holder: self.rules.holder.clone(),
            pool,
        };
        let task = tokio::spawn(keep_running(Arc::new(work), stop.clone()));
        let running = Running { name, live, stop, task };
        pools.insert(id, running);
    }

    /// Ends a pool's sync, and waits for its end.
    pub async fn end(&self, pool: PoolId) {
        let running = self.pools().remove(&pool);
        if let Some(running) = running {
            running.stop.cancel();
            // It does not panic: a loop that does is caught where it is run.
            let _ = running.task.await;
            self.metrics.forget(&running.name);
        }
    }

    /// Ends every pool's sync.
    pub async fn end_all(&self) {
        let all = std::mem::take(&mut *self.pools());
        for running in all.values() {
            running.stop.cancel();
        }
        for running in all.into_values() {
            let _ = running.task.await;
        }
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<PoolId, Running>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a pool's loop in a task of its own, and begins it anew if it panics.
async fn keep_running(work: Arc<PoolSync>, stop: CancellationToken) {
    loop {
        let run = {
            let (work, stop) = (work.clone(), stop.clone());
            tokio::spawn(async move { work.run(stop).await })
        };
        let Err(e) = run.await else { return };
        error!(pool = %work.pool.name, "the pool's sync broke down ({e}); it begins anew");
        work.metrics.failures.inc();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ANEW) => {}
        }
    }
}
