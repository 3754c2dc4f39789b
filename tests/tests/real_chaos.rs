//! A real pool under random faults with tasks running: five minutes of one seed, or as
//! `./x chaos` says.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hod_tests::chaos;
use hod_tests::pool::{Version, with_shared_pool};

#[tokio::test]
async fn what_hod_says_is_true_under_chaos() {
    with_shared_pool(Version::V10, async |pool| {
        let minutes = given("HOD_CHAOS_MINUTES", 5)?;
        let seed = given("HOD_CHAOS_SEED", 4)?;
        let report = chaos::run(pool, Duration::from_secs(minutes * 60), seed).await?;
        println!("{report}");
        Ok(())
    })
    .await;
}

/// A number from the environment.
fn given(name: &str, or_else: u64) -> Result<u64> {
    std::env::var(name)
        .map_or(Ok(or_else), |text| text.parse())
        .with_context(|| format!("{name} is no number"))
}
