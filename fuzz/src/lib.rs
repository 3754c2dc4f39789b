//! What must hold for every input of a reader, whatever it is.
//!
//! Each target is a function that takes bytes and panics where something does not hold. It
//! is run by libFuzzer (`libfuzzer/`, `./x fuzz`), and over its seeds and what is near to them by a plain
//! test (`tests/seeds.rs`). Time and memory are bounded from outside: by libFuzzer's `-timeout` and
//! `-malloc_limit_mb`, by the test's deadline.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is what a target tells by"
)]

pub mod seeds;
mod targets;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, for `./x fuzz --target`.
    pub name: &'static str,
    /// Panics where something does not hold for an input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> anyhow::Result<Vec<Vec<u8>>>,
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "xml", run: targets::xml::run, seeds: seeds::xml },
    Target { name: "get_state", run: targets::get_state::run, seeds: seeds::get_state },
    Target { name: "node_state", run: targets::node_state::run, seeds: seeds::node_state },
    Target { name: "history", run: targets::history::run, seeds: seeds::history },
    Target { name: "event", run: targets::event::run, seeds: seeds::event },
    Target { name: "stream", run: targets::stream::run, seeds: seeds::stream },
    Target { name: "outcome", run: targets::outcome::run, seeds: seeds::outcome },
];

/// Runs the target of this name. The glue calls it, so that a target is named once.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    (target.run)(input);
}
