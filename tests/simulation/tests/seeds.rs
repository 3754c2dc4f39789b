//! Seeds of the simulation. `./x sim` plays more of them, and tells the story of one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use anyhow::{Result, ensure};
use hod_tests::simulation::{Played, Simulation};

async fn simulation() -> Result<Simulation> {
    Simulation::start(env!("CARGO_BIN_EXE_hod-simulate").into()).await
}

async fn everything_holds_with(seeds: Range<u64>) -> Result<()> {
    let simulation = simulation().await?;
    let failed = simulation.play_all(seeds, |played| {
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

/// Two hundred in pieces, so that none takes many minutes.
macro_rules! seeds {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() -> Result<()> {
            everything_holds_with($seeds).await
        }
    )*};
}

seeds! {
    everything_holds_under_faults: 0..25;
    more_seeds_from_25: 25..50;
    more_seeds_from_50: 50..75;
    more_seeds_from_75: 75..100;
    more_seeds_from_100: 100..125;
    more_seeds_from_125: 125..150;
    more_seeds_from_150: 150..175;
    more_seeds_from_175: 175..200;
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
