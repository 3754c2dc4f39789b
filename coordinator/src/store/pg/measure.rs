//! How often each query is run, how long it takes and how often it fails, by its name;
//! and which calls had to be made again.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// By the query's name in the code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfQuery {
    query: &'static str,
}

/// By the store's call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    call: &'static str,
}

#[derive(Clone)]
struct Times;

impl MetricConstructor<Histogram> for Times {
    fn new_metric(&self) -> Histogram {
        Histogram::new([0.001, 0.01, 0.1, 1.0, 10.0])
    }
}

/// Of this process: queries are made where no coordinator is known.
static MEASURES: LazyLock<Measures> = LazyLock::new(|| Measures {
    seconds: Family::new_with_constructor(Times),
    failures: Family::default(),
    retries: Family::default(),
});

struct Measures {
    seconds: Family<OfQuery, Histogram, Times>,
    failures: Family<OfQuery, Counter>,
    retries: Family<OfCall, Counter>,
}

/// A query took so long, and went well or not.
pub(super) fn ran(query: &'static str, took: Duration, well: bool) {
    let of = OfQuery { query };
    MEASURES.seconds.get_or_create(&of).observe(took.as_secs_f64());
    if !well {
        MEASURES.failures.get_or_create(&of).inc();
    }
}

/// A call is made again.
pub(super) fn retried(call: &'static str) {
    MEASURES.retries.get_or_create(&OfCall { call }).inc();
}

/// Tells what is measured to who is asked for it.
pub(crate) fn register(registry: &mut Registry) {
    let Measures { seconds, failures, retries } = &*MEASURES;
    registry.register("query_seconds", "How long queries of the database took", seconds.clone());
    registry.register("query_failures", "Queries that failed", failures.clone());
    registry.register(
        "store_retries",
        "Calls of the record that were made again, as the database did not answer",
        retries.clone(),
    );
}
