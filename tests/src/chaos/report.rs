//! What was done, and what held.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The story of a run.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    lasting: Duration,
    began: Instant,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    lines: Vec<(Duration, String)>,
    faults: BTreeMap<&'static str, usize>,
    commands: BTreeMap<&'static str, (usize, usize)>,
    held: Vec<String>,
}

impl Report {
    pub(super) fn new(lasting: Duration, seed: u64) -> Self {
        Self { seed, lasting, began: Instant::now(), told: Mutex::default() }
    }

    /// Something that happened.
    pub(super) fn note(&self, what: impl Into<String>) {
        self.tell(|told, at| told.lines.push((at, what.into())));
    }

    /// A fault was made.
    pub(super) fn fault(&self, kind: &'static str) {
        self.tell(|told, _| *told.faults.entry(kind).or_default() += 1);
    }

    /// A command was given, and taken or refused.
    pub(super) fn command(&self, kind: &'static str, taken: bool) {
        self.tell(|told, _| {
            let (given, accepted) = told.commands.entry(kind).or_default();
            *given += 1;
            *accepted += usize::from(taken);
        });
    }

    /// How many commands that end so were given, whatever became of them.
    pub(super) fn given(&self, ends: &str) -> usize {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.commands.iter().filter(|(kind, _)| kind.ends_with(ends)).map(|(_, (given, _))| given).sum()
    }

    /// Something that was found to hold.
    pub(super) fn held(&self, what: impl Into<String>) {
        self.tell(|told, _| told.held.push(what.into()));
    }

    fn tell(&self, tell: impl FnOnce(&mut Told, Duration)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner), self.began.elapsed());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(f, "chaos with seed {} for {} s", self.seed, self.lasting.as_secs())?;
        for (at, line) in &told.lines {
            writeln!(f, "{:>7.1} s  {line}", at.as_secs_f64())?;
        }
        writeln!(f, "faults:")?;
        for (kind, count) in &told.faults {
            writeln!(f, "  {count:>4} {kind}")?;
        }
        writeln!(f, "commands, and how many of them were taken:")?;
        for (kind, (given, taken)) in &told.commands {
            writeln!(f, "  {given:>4} {taken:>4} {kind}")?;
        }
        writeln!(f, "what held:")?;
        told.held.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}
