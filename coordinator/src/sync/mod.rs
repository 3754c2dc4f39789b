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
//! Any number of coordinators share the pools of one database. Each makes **rounds**
//! ([`rounds`]): every 1.5 s it says that it is there, which renews its leases, takes
//! what is free up to its share ([`share`]), and gives back what is more. A pool is
//! free once its holder was not seen for 6 s by the database's clock, so a coordinator
//! that dies is replaced within 8 s; one that stops gives its pools back, and they are
//! taken at once.
//!
//! Every write carries the lease's epoch, and proves in its own transaction that it is
//! the pool's last one: a coordinator that slept while another took the pool can change
//! nothing. By its own clock ([`tenure`]) it also knows by itself when another may have
//! taken the pool. From then on it begins no command and lets no agent make locked
//! calls, though it listens on, since no other may be there to take it. It takes the
//! pool anew if it still can, and lets its agents go once it sees that another did.

mod admission;
pub mod agent;
pub mod attend;
pub mod clock;
pub mod collect;
mod evidence;
pub mod leader;
pub mod live;
mod rounds;
pub mod run;
mod session;
pub mod share;
mod stream;
pub mod tenure;
mod transit;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hod_core::id::PoolId;
use hod_core::plan::Settings;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::metrics::Metrics;
use crate::network::Network;
use crate::store::{Coordinator, Pool, Store, StoreError};
use admission::Admission;
use attend::Manner;
use clock::Clock;
use live::Live;
use run::PoolSync;

/// A loop that panicked is begun anew after this time.
const ANEW: Duration = Duration::from_secs(5);
/// A database that is away keeps no coordinator from stopping.
const CHECK_OUT_AT_MOST: Duration = Duration::from_secs(5);

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
    /// This coordinator, as the others know it.
    pub coordinator: Coordinator,
    /// Whether the database is this coordinator's own: no other uses it.
    pub alone: bool,
}

/// The syncs of all pools.
pub struct Sync {
    store: Arc<dyn Store>,
    rules: Rules,
    clock: Arc<Clock>,
    metrics: Metrics,
    pools: Mutex<BTreeMap<PoolId, Running>>,
    /// A round is to be made now.
    look_now: Notify,
    rounds: Mutex<Option<(CancellationToken, JoinHandle<()>)>>,
}

struct Running {
    name: String,
    live: Arc<Live>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sync {
    /// Begins to follow every pool there is, and to sync this coordinator's share.
    ///
    /// # Errors
    /// If the store does not tell the time or its pools.
    pub async fn start(
        store: Arc<dyn Store>,
        rules: Rules,
        metrics: Metrics,
    ) -> Result<Arc<Self>, StoreError> {
        let clock = Arc::new(Clock::new(store.now().await?));
        store.succeed(&rules.coordinator, rules.alone).await?;
        let sync = Arc::new(Self {
            store,
            rules,
            clock,
            metrics,
            pools: Mutex::default(),
            look_now: Notify::new(),
            rounds: Mutex::default(),
        });
        rounds::round(&sync).await?;
        let stop = CancellationToken::new();
        let rounds = tokio::spawn(rounds::make(sync.clone(), stop.clone()));
        *sync.rounds.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, rounds));
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

    /// Begins to follow a pool, unless that is so already. It is synced while its lease
    /// is held, which is seen to at once.
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
            admission: Admission::default(),
            pool,
        };
        let task = tokio::spawn(keep_running(Arc::new(work), stop.clone()));
        let running = Running { name, live, stop, task };
        pools.insert(id, running);
        drop(pools);
        self.look_now.notify_one();
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

    /// Ends a pool's sync without waiting for it: the pool is no more.
    fn forget(&self, pool: PoolId) {
        let running = self.pools().remove(&pool);
        if let Some(running) = running {
            running.stop.cancel();
            self.metrics.forget(&running.name);
        }
    }

    /// Ends every pool's sync, and gives all pools back.
    pub async fn end_all(&self) {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner).take();
        let all = std::mem::take(&mut *self.pools());
        for running in all.values() {
            running.stop.cancel();
        }
        for running in all.into_values() {
            let _ = running.task.await;
        }
        let Some((stop, rounds)) = rounds else { return };
        stop.cancel();
        // It does not panic; what it took last is given back with the rest.
        let _ = rounds.await;
        let left = timeout(CHECK_OUT_AT_MOST, self.store.check_out(self.rules.coordinator.id)).await;
        let why = match left {
            Ok(Ok(())) => return,
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("no answer within {CHECK_OUT_AT_MOST:?}"),
        };
        warn!("pools could not be given back, others take them in a few seconds: {why}");
    }

    /// The pools that are followed.
    fn known(&self) -> BTreeSet<PoolId> {
        self.pools().keys().copied().collect()
    }

    fn lives(&self) -> Vec<Arc<Live>> {
        self.pools().values().map(|running| running.live.clone()).collect()
    }

    fn name(&self, pool: PoolId) -> String {
        self.pools().get(&pool).map_or_else(|| pool.to_string(), |running| running.name.clone())
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
