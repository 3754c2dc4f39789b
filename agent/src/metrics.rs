//! What the agent costs and does, for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::gluster::{CallReport, Lock, Observer};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Called {
    verb: &'static str,
    lock: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Commanded {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Told {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Listening {
    source: &'static str,
}

/// The agent's metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Called, Counter>,
    errors: Family<Refused, Counter>,
    commands: Family<Commanded, Counter>,
    lock_seconds: Counter<f64, AtomicU64>,
    events: Family<Told, Counter>,
    listening: Family<Listening, Gauge>,
    pub(crate) watchers: Gauge,
    pub(crate) glusterd_answers: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hod_agent");
        let calls = Family::default();
        let errors = Family::default();
        let commands = Family::default();
        let lock_seconds = Counter::default();
        let events = Family::default();
        let listening = Family::default();
        let watchers = Gauge::default();
        let glusterd_answers = Gauge::default();
        registry.register(
            "gluster_calls",
            "Calls of the gluster command, by what was asked and the lock they took",
            calls.clone(),
        );
        registry.register(
            "gluster_call_errors",
            "Calls of the gluster command that gave no answer, by why",
            errors.clone(),
        );
        registry.register(
            "commands",
            "Commands that were to change a volume, by what they were and how they went: done, refused, unknown",
            commands.clone(),
        );
        registry.register(
            "gluster_lock_seconds",
            "Seconds that calls ran that hold a volume's lock on every host",
            lock_seconds.clone(),
        );
        registry.register(
            "events",
            "Events of Gluster's that came in, by where, and whether they made a look due",
            events.clone(),
        );
        registry.register(
            "events_listening",
            "1 while Gluster's events can come in there: its event port, glustereventsd's webhook",
            listening.clone(),
        );
        registry.register("watchers", "WatchTasks streams that live", watchers.clone());
        registry.register(
            "glusterd_answers",
            "1 while glusterd answers on this host",
            glusterd_answers.clone(),
        );
        registry.register(
            "build",
            "The agent's version",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        Self {
            registry,
            calls,
            errors,
            commands,
            lock_seconds,
            events,
            listening,
            watchers,
            glusterd_answers,
        }
    }
}

impl Metrics {
    /// A command has ended so.
    pub(crate) fn command_ended(&self, verb: &'static str, outcome: &'static str) {
        self.commands.get_or_create(&Commanded { verb, outcome }).inc();
    }

    /// An event came in there, and this became of it.
    pub(crate) fn event_taken(&self, source: &'static str, outcome: &'static str) {
        self.events.get_or_create(&Told { source, outcome }).inc();
    }

    /// Says that events can come in there, until dropped.
    pub(crate) fn listening(&self, source: &'static str) -> impl Drop + use<> {
        let gauge = self.listening.get_or_create_owned(&Listening { source });
        gauge.set(1);
        Lowered(gauge)
    }

    /// In the text form of OpenMetrics.
    ///
    /// # Errors
    /// Never in practice: the text is written to memory.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A gauge that falls to 0 when this goes.
struct Lowered(Gauge);

impl Drop for Lowered {
    fn drop(&mut self) {
        self.0.set(0);
    }
}

impl Observer for Metrics {
    fn call_ended(&self, report: &CallReport<'_>) {
        self.calls.get_or_create(&Called { verb: report.verb, lock: report.lock.code() }).inc();
        if report.lock == Lock::Volume {
            self.lock_seconds.inc_by(report.took.as_secs_f64());
        }
        if let Some(kind) = report.refused {
            let kind = format!("{kind:?}");
            self.errors.get_or_create(&Refused { kind }).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn counts_calls_by_verb_and_lock_and_the_time_of_locks() {
        let metrics = Metrics::default();
        for (verb, lock, refused) in [
            ("get-state", Lock::None, None),
            ("volume rebalance status", Lock::Volume, Some(hod_core::error::GlusterErrorKind::TimedOut)),
        ] {
            metrics.call_ended(&CallReport {
                verb,
                lock,
                volume: None,
                took: Duration::from_millis(500),
                refused,
            });
        }
        metrics.command_ended("volume rebalance start", "done");
        let text = metrics.text().unwrap();
        for line in [
            "hod_agent_commands_total{verb=\"volume rebalance start\",outcome=\"done\"} 1",
            "hod_agent_gluster_calls_total{verb=\"get-state\",lock=\"none\"} 1",
            "hod_agent_gluster_calls_total{verb=\"volume rebalance status\",lock=\"volume\"} 1",
            "hod_agent_gluster_call_errors_total{kind=\"TimedOut\"} 1",
            "hod_agent_gluster_lock_seconds_total 0.5",
            "hod_agent_watchers 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
    }
}
