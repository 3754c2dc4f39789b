//! The project's chores, run by `./x`, which has installed what they need.
//!
//! `demo` and `test` build on `images`, which builds on `binaries`: programs that run in the
//! containers of every Gluster version, whatever this machine's own C library is.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::Shell;

mod bench;
mod binaries;
mod chaos;
mod compose;
mod demo;
mod fuzz;
mod images;
mod lint;
mod sim;
mod test;

#[derive(Parser)]
#[command(name = "x", bin_name = "./x", about = "The project's chores")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Show a real Gluster pool in containers, followed live
    Demo {
        #[command(subcommand)]
        what: Option<DemoCommand>,
    },
    /// Run everything that must hold
    Test {
        /// Leave out what needs containers
        #[arg(long)]
        quick: bool,
        /// Passed on to cargo nextest: names of tests, or its own options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        nextest: Vec<String>,
    },
    /// Play seeds of the simulation (--seeds N), or one with its whole story (--seed S)
    Sim {
        /// Passed on to hod-seeds
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the container images of all Gluster versions
    Images,
    /// Measure on real pools
    Bench {
        #[command(subcommand)]
        what: BenchCommand,
    },
    /// Run the readers of what others say under libFuzzer
    Fuzz {
        /// Only this target
        #[arg(long)]
        target: Option<String>,
        /// How long each target runs
        #[arg(long, default_value_t = 15)]
        minutes: u64,
        /// How many inputs each target gets, however long that takes
        #[arg(long, conflicts_with = "minutes")]
        runs: Option<u64>,
    },
    /// Let random faults loose on a real pool with tasks running
    Chaos {
        /// How long
        #[arg(long, default_value_t = 5)]
        minutes: u64,
        /// Which faults come when
        #[arg(long, default_value_t = 4)]
        seed: u64,
    },
    /// Formatting, clippy, cargo deny, buf
    Lint,
}

#[derive(Subcommand)]
enum BenchCommand {
    /// From the moment a host shows a task, or its end, to the job's row
    Latency {
        /// How many tasks are started, and end
        #[arg(long, default_value_t = 100)]
        starts: u32,
    },
}

#[derive(Subcommand)]
enum DemoCommand {
    /// Take the demo's containers, volumes and network away
    Down,
}

fn main() -> ExitCode {
    match run(Args::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where in here it came from helps nobody who runs a chore.
            eprintln!("x: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    match chore {
        Chore::Demo { what: None } => demo::up(&sh),
        Chore::Demo { what: Some(DemoCommand::Down) } => demo::down(&sh),
        Chore::Test { quick, nextest } => test::run(&sh, quick, &nextest),
        Chore::Bench { what: BenchCommand::Latency { starts } } => bench::latency(&sh, starts),
        Chore::Sim { arguments } => sim::run(&sh, &arguments),
        Chore::Images => images::for_tests(&sh),
        Chore::Fuzz { target, minutes, runs } => fuzz::run(&sh, target.as_deref(), minutes, runs),
        Chore::Chaos { minutes, seed } => chaos::run(&sh, minutes, seed),
        Chore::Lint => lint::run(&sh),
    }
}

/// The repository's root.
fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
