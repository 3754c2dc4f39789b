//! Plays seeds of the simulation: `./x sim`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use hod_tests::binary::built;
use hod_tests::simulation::{Played, Simulation};

/// Plays seeds of the simulation, or one with its whole story.
#[derive(Debug, Parser)]
#[command(name = "./x sim")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 200, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Only this one, with its whole story
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let simulation = Simulation::start(built("hod-simulate")?).await?;
    let held = match arguments.seed {
        Some(seed) => {
            let played = simulation.play(seed, true).await?;
            print!("{}", played.output);
            played.held
        }
        None => play_all(&simulation, &arguments).await?,
    };
    simulation.end().await;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play_all(simulation: &Simulation, arguments: &Arguments) -> Result<bool> {
    let begun = Instant::now();
    let count = AtomicU64::new(0);
    let tell = |played: &Played| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        if !played.held {
            println!("{} (./x sim --seed {} tells the story)", last_line(played), played.seed);
        } else if number.is_multiple_of(100) {
            println!("{number} seeds, {} s", begun.elapsed().as_secs());
        }
    };
    let seeds = arguments.from..arguments.from + arguments.seeds;
    let failed = simulation.play_all(seeds, tell).await?;
    println!(
        "{} seeds in {} s: everything held with {}, not with {}",
        arguments.seeds,
        begun.elapsed().as_secs(),
        arguments.seeds - failed.len() as u64,
        failed.len()
    );
    Ok(failed.is_empty())
}

fn last_line(played: &Played) -> &str {
    played.output.lines().last().unwrap_or_default()
}
