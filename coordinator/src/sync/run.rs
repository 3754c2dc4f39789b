//! One pool's loop: observe, load, plan, apply, over and over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hod_core::change::{Change, Planned};
use hod_core::id::HostId;
use hod_core::observation::Observation;
use hod_core::plan::Settings;
use hod_core::record::{HostRecord, HostState, Recorded};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::admission::Admission;
use super::attend::{Manner, attend};
use super::evidence;
use super::live::Live;
use crate::metrics::PoolMetrics;
use crate::store::{Lease, Pool, Store, StoreError};

/// What is heard within this time is planned for together.
const GATHER: Duration = Duration::from_millis(200);
/// A pool that could not be given back is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// After a sync that took long there is a pause as long, but no longer than this.
const REST_AT_MOST: Duration = Duration::from_secs(10);
/// A sync that takes longer has failed.
const SYNC_AT_MOST: Duration = Duration::from_secs(120);
/// How often ended jobs are looked through for those to be cleared.
const CLEAR: Duration = Duration::from_secs(3600);

/// Everything that one pool's loop needs.
pub struct PoolSync {
    /// The record.
    pub store: Arc<dyn Store>,
    /// The pool.
    pub pool: Pool,
    /// What its agents say.
    pub live: Arc<Live>,
    /// How they are attended to.
    pub manner: Manner,
    /// At least this often there is a sync.
    pub sync_every: Duration,
    /// The periods a plan goes by.
    pub plan: Settings,
    /// Ended jobs are kept so long.
    pub keep_ended: Duration,
    /// What is counted.
    pub metrics: PoolMetrics,
    /// How many tasks that nobody here started become jobs.
    pub admission: Admission,
}

/// Why a loop ended.
enum End {
    /// It was stopped.
    Stopped,
    /// The pool is no more.
    Removed,
    /// The pool is to be given back, or another coordinator holds it.
    Over,
}

impl PoolSync {
    /// Runs until it is stopped or the pool is removed. While another coordinator
    /// holds the pool it stands by.
    pub async fn run(&self, stop: CancellationToken) {
        let tenure = self.live.tenure();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tenure.begun() => {}
            }
            match self.hold(&stop).await {
                End::Stopped | End::Removed => return,
                End::Over => {}
            }
            if let Some(lease) = tenure.last().filter(|_| tenure.leaves()) {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.give_back(lease) => {}
                }
            }
        }
    }

    /// Gives the pool back; as often as it takes.
    async fn give_back(&self, lease: Lease) {
        loop {
            match self.store.release_lease(lease).await {
                Ok(()) => {
                    info!(pool = %self.pool.name, "the pool was given back, for another coordinator");
                    break;
                }
                Err(StoreError::LeaseLost { .. } | StoreError::NotFound { .. }) => break,
                Err(e) => warn!(pool = %self.pool.name, "can't give the pool back: {e}"),
            }
            sleep(AGAIN).await;
        }
        self.live.tenure().end(lease);
    }

    /// Syncs for as long as the lease is held.
    async fn hold(&self, stop: &CancellationToken) -> End {
        let (hosts, recorded) = watch::channel(BTreeMap::new());
        let stop_agents = CancellationToken::new();
        let attending = attend(
            self.manner.clone(),
            recorded,
            self.live.clone(),
            self.metrics.clone(),
            stop_agents.clone(),
        );
        let syncing = async {
            // A panic or an error here must not leave the agents attended to.
            let _guard = stop_agents.drop_guard();
            tokio::select! {
                end = self.sync_on(&hosts, stop) => end,
                // Cut short, a write is not done: the store writes in transactions.
                () = self.live.tenure().over() => End::Over,
            }
        };
        self.metrics.held.set(1);
        let ((), end) = tokio::join!(attending, syncing);
        self.metrics.stand_by();
        end
    }

    async fn sync_on(
        &self,
        hosts: &watch::Sender<BTreeMap<HostId, HostRecord>>,
        stop: &CancellationToken,
    ) -> End {
        let mut changes = self.live.changes();
        let mut cleared = None;
        let mut trouble: Option<String> = None;
        loop {
            changes.borrow_and_update();
            let lease = self.live.tenure().lease();
            let began = Instant::now();
            let done = async {
                let run_out = "this coordinator's lease of the pool could not be renewed in time";
                let lease = lease.ok_or_else(|| StoreError::Unavailable(run_out.to_owned()))?;
                self.sync(lease, hosts).await?;
                let members = hosts.borrow().clone();
                let due = cleared.is_none_or(|at: Instant| at.elapsed() >= CLEAR);
                if due && self.clear(lease, &members).await? {
                    cleared = Some(Instant::now());
                }
                Ok(())
            };
            // Cut short, a write is not done: the store writes in transactions.
            let done = tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                done = timeout(SYNC_AT_MOST, done) => done.unwrap_or_else(|_| {
                    Err(StoreError::Unavailable(format!("no answer within {SYNC_AT_MOST:?}")))
                }),
            };
            let took = began.elapsed();
            match done {
                Ok(()) => {
                    if trouble.take().is_some() {
                        info!(pool = %self.pool.name, "syncs work again");
                    }
                }
                Err(StoreError::NotFound { what: "pool", .. }) => return End::Removed,
                Err(e @ StoreError::LeaseLost { .. }) => {
                    // Unless it was taken anew meanwhile, that is the end.
                    warn!(pool = %self.pool.name, "{e}");
                    if let Some(lost) = lease {
                        self.live.tenure().end(lost);
                    }
                }
                Err(e) => {
                    self.metrics.failures.inc();
                    // What goes on is told once, not every five seconds.
                    let e = e.to_string();
                    if trouble.as_ref() != Some(&e) {
                        error!(pool = %self.pool.name, "the sync failed: {e}");
                        trouble = Some(e);
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                _ = changes.changed() => {}
                () = sleep(self.sync_every) => {}
            }
            // A pool that is much work leaves the others as much time as it takes itself.
            let rest = took.clamp(GATHER, REST_AT_MOST);
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                () = sleep(rest) => {}
            }
        }
    }

    /// One sync: what is recorded becomes what is observed.
    async fn sync(
        &self,
        lease: Lease,
        hosts: &watch::Sender<BTreeMap<HostId, HostRecord>>,
    ) -> Result<(), StoreError> {
        let now = self.store.now().await?;
        self.live.clock().set(now);
        let observed = self.live.observe();
        let recorded = self.recorded().await?;
        self.attend_to(hosts, recorded.hosts.clone());

        let mut plan = hod_core::plan(&recorded, &observed, now, &self.plan);
        self.admission.admit(&mut plan);
        if !plan.is_empty() {
            let applied = self.store.apply(lease, &plan).await?;
            self.metrics.writes.inc_by(applied.applied as u64);
            for failed in &applied.failed {
                self.metrics.failures.inc();
                warn!(
                    pool = %self.pool.name,
                    "can't record {}: {}",
                    subject(plan.get(failed.index)),
                    failed.error
                );
            }
            self.keep_evidence(lease, not_failed(&plan, &applied.failed), &observed).await;
            // Hosts may have joined or left.
            let mut after = recorded;
            for planned in not_failed(&plan, &applied.failed) {
                after.apply(&planned.change);
            }
            self.attend_to(hosts, after.hosts);
        }
        self.metrics.syncs.inc();
        Ok(())
    }

    /// Keeps what decided about jobs. That it can't be kept undoes no decision.
    async fn keep_evidence(
        &self,
        lease: Lease,
        applied: impl Iterator<Item = &Planned> + Send,
        observed: &Observation,
    ) {
        for planned in applied {
            let Change::PutTask(put) = &planned.change else { continue };
            let evidence = evidence::of(put, observed);
            if evidence.is_empty() {
                continue;
            }
            if let Err(e) = self.store.keep_evidence(lease, put.task.job, &evidence).await {
                self.metrics.failures.inc();
                warn!(pool = %self.pool.name, job = %put.task.job, "can't keep its evidence: {e}");
            }
        }
    }

    async fn recorded(&self) -> Result<Recorded, StoreError> {
        let ids = self.live.task_ids();
        let mut recorded = self.store.load(self.pool.id, &ids).await?;
        recorded.cleared = self.store.cleared(self.pool.id, &ids).await?;
        Ok(recorded)
    }

    fn attend_to(
        &self,
        hosts: &watch::Sender<BTreeMap<HostId, HostRecord>>,
        now: BTreeMap<HostId, HostRecord>,
    ) {
        let count = |f: fn(&HostRecord) -> bool| {
            i64::try_from(now.values().filter(|h| f(h)).count()).unwrap_or(i64::MAX)
        };
        self.metrics.hosts.set(count(|h| h.state != HostState::Left));
        self.metrics.answering.set(count(|h| h.state == HostState::Answering));
        hosts.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
    }

    /// Clears jobs that ended long ago. Only while every host answers: a task that a
    /// host still lists has to stay known, or it would be found again.
    async fn clear(&self, lease: Lease, hosts: &BTreeMap<HostId, HostRecord>) -> Result<bool, StoreError> {
        let live = self.live.now();
        let answers = |id: &HostId| live.get(id).is_some_and(|n| n.answers() && n.picture.is_some());
        if !hosts.iter().all(|(id, h)| h.state == HostState::Left || answers(id)) {
            return Ok(false);
        }
        let keep_from = before(self.live.clock().now(), self.keep_ended);
        let cleared = self.store.clear_ended(lease, keep_from, &self.live.task_ids()).await?;
        if cleared > 0 {
            info!(pool = %self.pool.name, "{cleared} jobs that ended long ago were cleared");
        }
        Ok(true)
    }
}

/// So long before a time; the beginning of all time where there is nothing before.
fn before(time: Timestamp, period: Duration) -> Timestamp {
    SignedDuration::try_from(period)
        .ok()
        .and_then(|period| time.checked_sub(period).ok())
        .unwrap_or(Timestamp::MIN)
}

fn not_failed<'a>(
    plan: &'a [Planned],
    failed: &'a [crate::store::NotApplied],
) -> impl Iterator<Item = &'a Planned> {
    plan.iter()
        .enumerate()
        .filter(|(index, _)| !failed.iter().any(|f| f.index == *index))
        .map(|(_, planned)| planned)
}

/// What a change is about, in words.
fn subject(planned: Option<&Planned>) -> String {
    match planned.map(|p| &p.change) {
        Some(Change::PutHost(id, host)) => format!("host {} ({id})", host.names.join(", ")),
        Some(Change::PutVolume(record)) => format!("volume {}", record.volume.name),
        Some(Change::VolumeGone(id)) => format!("that volume {id} is gone"),
        Some(Change::PutTask(put)) => {
            format!("task {} of volume {}", put.task.task, put.task.volume_name)
        }
        Some(Change::Settle(settle)) => format!("what was intended with job {}", settle.job),
        None => "a change".to_owned(),
    }
}
