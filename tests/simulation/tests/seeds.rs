//! Seeds of the simulation. `./x sim` plays more of them, and tells the story of one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Result, ensure};
use hod_tests::simulation::{Played, Simulation};

/// As many are played with the other tests.
const SEEDS: u64 = 19;

async fn simulation() -> Result<Simulation> {
    Simulation::start(env!("CARGO_BIN_EXE_hod-simulate").into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds_under_faults() -> Result<()> {
    let simulation = simulation().await?;
    let failed = simulation.play_all(0..SEEDS, |played| {
        println!("{}", played.output.lines().last().unwrap_or_default());
    });
    let failed = failed.await;
    simulation.end().await;
    let failed = failed?;
    for played in &failed {
        eprintln!("{}", played.output);
    }
    let seeds: Vec<u64> = failed.iter().map(|played| played.seed).collect();
    ensure!(seeds.is_empty(), "not everything held with the seeds {seeds:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_the_same_story_each_time() -> Result<()> {
    let simulation = simulation().await?;
    // Side by side with others, and alone.
    let stories = Mutex::new(BTreeMap::new());
    let note = |played: &Played| drop(stories.lock().unwrap().insert(played.seed, played.output.clone()));
    simulation.play_all(1..5, note).await?;
    for (seed, first) in stories.into_inner()? {
        let again = simulation.play(seed, false).await?.output;
        let differs = first.lines().zip(again.lines()).find(|(one, other)| one != other);
        ensure!(first == again, "seed {seed} told two stories: {differs:#?}");
    }
    simulation.end().await;
    Ok(())
}
