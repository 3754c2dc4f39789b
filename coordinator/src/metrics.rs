//! What the coordinator counts, for Prometheus.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// By pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPool {
    pool: String,
}

/// What the coordinator counts. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    syncs: Family<OfPool, Counter>,
    failures: Family<OfPool, Counter>,
    writes: Family<OfPool, Counter>,
    hosts: Family<OfPool, Gauge>,
    answering: Family<OfPool, Gauge>,
    leading: Family<OfPool, Gauge>,
    held: Family<OfPool, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            syncs: Family::default(),
            failures: Family::default(),
            writes: Family::default(),
            hosts: Family::default(),
            answering: Family::default(),
            leading: Family::default(),
            held: Family::default(),
        };
        let mut registry = Registry::with_prefix("hod_coordinator");
        let Self { syncs, failures, writes, hosts, answering, leading, held, .. } = metrics.clone();
        registry.register("syncs", "Syncs of a pool that came to their end", syncs);
        registry.register(
            "sync_failures",
            "Syncs of a pool that failed, and changes that could not be recorded",
            failures,
        );
        registry.register("writes", "Changes recorded by syncs", writes);
        registry.register("hosts", "Hosts of a pool", hosts);
        registry.register("hosts_answering", "Hosts whose agent and glusterd answer", answering);
        registry.register(
            "locked_calls_allowed",
            "Whether an agent of the pool may make locked calls (1) or none (0)",
            leading,
        );
        registry.register("held", "Whether this coordinator holds the pool (1) or another may (0)", held);
        crate::store::register_measures(&mut registry);
        *metrics.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        metrics
    }
}

impl Metrics {
    /// The counters of one pool, from 0 on.
    #[must_use]
    pub fn of_pool(&self, pool: &str) -> PoolMetrics {
        let of = OfPool { pool: pool.to_owned() };
        PoolMetrics {
            syncs: self.syncs.get_or_create_owned(&of),
            failures: self.failures.get_or_create_owned(&of),
            writes: self.writes.get_or_create_owned(&of),
            hosts: self.hosts.get_or_create_owned(&of),
            answering: self.answering.get_or_create_owned(&of),
            leading: self.leading.get_or_create_owned(&of),
            held: self.held.get_or_create_owned(&of),
        }
    }

    /// Forgets a pool.
    pub fn forget(&self, pool: &str) {
        let of = OfPool { pool: pool.to_owned() };
        self.syncs.remove(&of);
        self.failures.remove(&of);
        self.writes.remove(&of);
        self.hosts.remove(&of);
        self.answering.remove(&of);
        self.leading.remove(&of);
        self.held.remove(&of);
    }

    /// All of it, in OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a String does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

/// What is counted of one pool.
#[derive(Clone, Debug)]
pub struct PoolMetrics {
    /// Syncs that came to their end.
    pub syncs: Counter,
    /// Syncs that failed, and changes that could not be recorded.
    pub failures: Counter,
    /// Changes recorded.
    pub writes: Counter,
    /// Hosts that have not left.
    pub hosts: Gauge,
    /// Hosts whose agent and glusterd answer.
    pub answering: Gauge,
    /// Whether an agent may make locked calls.
    pub leading: Gauge,
    /// Whether this coordinator holds the pool.
    pub held: Gauge,
}

impl PoolMetrics {
    /// What is so of a pool is for its holder to tell.
    pub(crate) fn stand_by(&self) {
        for gauge in [&self.hosts, &self.answering, &self.leading, &self.held] {
            gauge.set(0);
        }
    }
}
