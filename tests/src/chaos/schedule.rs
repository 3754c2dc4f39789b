//! Which faults come when: one at a time, and pairs that overlap; each is mended after its time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::faults::Fault;
use super::report::Report;
use crate::pool::SharedPool;

/// Makes faults until the time is over. At the end every one is mended.
pub(super) async fn strike_until(
    shared: &SharedPool,
    ends: Instant,
    seed: u64,
    report: &Report,
    stop: &CancellationToken,
) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    while Instant::now() < ends && !stop.is_cancelled() {
        sleep(Duration::from_secs(random.random_range(3..12))).await;
        let first = Fault::any(&mut random);
        let second = Fault::any(&mut random);
        let after = Duration::from_secs(random.random_range(0..5));
        // A third of them are pairs.
        let pair = random.random_ratio(1, 3) && first.goes_with(&second);
        if pair {
            let later = async {
                sleep(after).await;
                strike(shared, second, report).await
            };
            tokio::try_join!(strike(shared, first, report), later)?;
        } else {
            strike(shared, first, report).await?;
        }
    }
    Ok(())
}

async fn strike(shared: &SharedPool, fault: Fault, report: &Report) -> Result<()> {
    report.note(format!("{fault}, for {} s", fault.lasts.as_secs()));
    report.fault(fault.kind.name());
    let made = fault.make(shared).await;
    sleep(fault.lasts).await;
    // What was made in part is mended too.
    fault.mend(shared).await.with_context(|| format!("{fault} could not be mended"))?;
    made.with_context(|| format!("{fault} could not be made"))?;
    report.note(format!("{fault}: mended"));
    Ok(())
}
