//! Chaos: a real pool under random real faults, with real tasks all the while.
//!
//! A seed decides which faults come when ([`schedule`]) and what operators do ([`workload`]); how
//! long each command of Gluster's takes is Gluster's. All the while a [`witness`] looks at what hod
//! says. When the faults have ended and everything is mended, it is held against Gluster's own
//! word and the files themselves ([`invariants`]). The [`report`] says what was done and what held.

mod faults;
mod files;
mod gluster;
mod invariants;
mod report;
mod schedule;
mod witness;
mod workload;

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::pool::SharedPool;
pub use report::Report;

/// The volumes that tasks run on: one of bricks on every host, and one of replicas.
const VOLUMES: [&str; 2] = ["plain", "copies"];
/// Files on each: enough that a migration lasts longer than a fault.
const FILES: usize = 1500;
/// What is under way when the faults have ended comes to its end within this time: Gluster
/// gives up a lock after 180 s, and hod settles what it does not know after 200 s.
const CALM: Duration = Duration::from_secs(600);

/// Lets faults loose on a pool for so long, then mends everything and looks at what is left.
///
/// # Errors
/// If something does not hold, with all that was done before it.
pub async fn run(shared: &SharedPool, lasting: Duration, seed: u64) -> Result<Report> {
    let report = Report::new(lasting, seed);
    let told = async {
        let pool = &shared.pool;
        pool.create_full(VOLUMES[0], FILES).await?;
        pool.create_replicated(VOLUMES[1], FILES).await?;
        let before = files::made(pool).await.context("the files before")?;

        let (ends, stop) = (Instant::now() + lasting, CancellationToken::new());
        let witness = async {
            let seen = witness::watch(shared, &report, &stop).await;
            // What does not hold is told at once; the rest has nothing left to show.
            seen.inspect_err(|_| stop.cancel())
        };
        let storm = async {
            let faults = schedule::strike_until(shared, ends, seed, &report, &stop);
            let work = workload::work_until(shared, ends, seed, &report, &stop);
            let done = tokio::try_join!(faults, work);
            if done.is_ok() && !stop.is_cancelled() {
                report.note("the faults have ended, and everything is mended");
                invariants::calm(shared, &report, CALM).await?;
            }
            stop.cancel();
            done.map(drop)
        };
        let (seen, storm) = tokio::join!(witness, storm);
        let seen = seen?;
        storm?;
        invariants::hold(shared, &report, &seen).await?;
        files::same(&before, &files::checksums(pool).await.context("the files after")?)?;
        report.held("every file is there with the checksum it had");
        anyhow::Ok(())
    };
    match Box::pin(told).await {
        Ok(()) => Ok(report),
        Err(error) => Err(error.context(format!("this was done before:\n{report}"))),
    }
}
