//! One seed of the simulation: coordinators, agents and a played Gluster on one thread,
//! with a clock and chance of their own. The same seed is the same story.
//!
//! Real are the agents and coordinators with all their parts, gRPC, and the store's SQL
//! in a PostgreSQL of its own; played are Gluster ([`gluster`]), the network ([`net`]),
//! the time of both programs and of the database ([`clock`]), and chance. A
//! [`world::World`] puts them together and goes on step by step: operators do what they
//! do ([`operators`]), faults come and go ([`faults`]), and what must always hold is held
//! against Gluster's own state ([`invariants`]).
//!
//! A program and no test function: it takes the clock and the chance of its whole process
//! into its hands (`mad-turmoil` stands in for the system's), which no test beside it
//! would survive.

mod agents;
mod clock;
mod coordinators;
mod faults;
mod gluster;
mod heals;
mod invariants;
mod net;
mod operators;
mod record;
mod story;
mod wire;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mad_turmoil::time::SimClocksGuard;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tracing_subscriber::EnvFilter;

/// Plays one seed and says whether everything held.
#[derive(Debug, Parser)]
#[command(name = "hod-simulate")]
pub(crate) struct Arguments {
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// The folder of PostgreSQL's socket.
    #[arg(long)]
    socket: PathBuf,
    /// The database: empty, with this build's schema.
    #[arg(long)]
    database: String,
    /// The file that the database reads its time from.
    #[arg(long)]
    clock: PathBuf,
    /// Tell the whole story, not only that of a seed that fails.
    #[arg(long)]
    story: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = EnvFilter::from_default_env();
        tracing_subscriber::fmt().with_env_filter(filter).without_time().with_writer(std::io::stderr).init();
    }
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(arguments.seed));
    hod_agent::blocking::do_in_place();
    let _clocks = SimClocksGuard::init();
    let told = arguments.story;
    let (story, outcome) = world::run(&arguments);
    match outcome {
        Ok(summary) => {
            if told {
                story.print();
            }
            println!("seed {}: {summary}", arguments.seed);
            ExitCode::SUCCESS
        }
        Err(error) => {
            story.print();
            println!("seed {}: {error:#}", arguments.seed);
            ExitCode::FAILURE
        }
    }
}
