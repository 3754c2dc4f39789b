//! What operators do meanwhile: through hod, on either coordinator, and with Gluster's own command line on any host.
//! Whatever is refused is refused; what is taken must come to a true end.

use std::process::Output;
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::VOLUMES;
use super::report::Report;
use crate::pool::SharedPool;

/// A command that has no answer by then is left alone; Gluster gives up after 120 s itself.
const ANSWER: Duration = Duration::from_secs(150);

/// What is done to a volume.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Rebalance,
    StopRebalance,
    PauseRebalance,
    ResumeRebalance,
    RemoveBrick,
    StopRemoveBrick,
    CommitRemoveBrick,
}

/// Starts come more often than what ends them.
const DEEDS: [Deed; 12] = [
    Deed::Rebalance,
    Deed::Rebalance,
    Deed::Rebalance,
    Deed::StopRebalance,
    Deed::PauseRebalance,
    Deed::ResumeRebalance,
    Deed::RemoveBrick,
    Deed::RemoveBrick,
    Deed::RemoveBrick,
    Deed::StopRemoveBrick,
    Deed::StopRemoveBrick,
    Deed::CommitRemoveBrick,
];

/// Works on every volume until the time is over.
pub(super) async fn work_until(
    shared: &SharedPool,
    ends: Instant,
    seed: u64,
    report: &Report,
    stop: &CancellationToken,
) -> Result<()> {
    let workers = (1..).zip(VOLUMES).map(|(n, volume)| async move {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(n));
        while Instant::now() < ends && !stop.is_cancelled() {
            let deed = *DEEDS.choose(&mut random).unwrap_or(&Deed::Rebalance);
            let by_hod = random.random();
            // The host or coordinator that is asked.
            let which = random.random_range(0..6);
            let bricks = bricks(volume, random.random_range(0..3));
            act(shared, volume, deed, by_hod, which, &bricks, report).await?;
            sleep(Duration::from_secs(random.random_range(1..15))).await;
        }
        anyhow::Ok(())
    });
    try_join_all(workers).await.map(drop)
}

/// The bricks that a remove-brick names: one, or a whole set of replicas.
fn bricks(volume: &str, which: usize) -> Vec<String> {
    match volume {
        "plain" => vec![format!("{}:/bricks/plain", crate::pool::NODES[which])],
        _ => crate::pool::NODES.map(|node| format!("{node}:/bricks/{volume}2")).into(),
    }
}

async fn act(
    shared: &SharedPool,
    volume: &str,
    deed: Deed,
    by_hod: bool,
    which: usize,
    bricks: &[String],
    report: &Report,
) -> Result<()> {
    let bricks: Vec<&str> = bricks.iter().map(String::as_str).collect();
    let hod = |verb: &[&'static str], bricks: &[&str], yes: bool| {
        let yes: &[&str] = if yes { &["--yes"] } else { &[] };
        [&["hod"], verb, &[volume], bricks, yes].concat().iter().map(ToString::to_string).collect()
    };
    let gluster = |words: &[&str]| -> Vec<String> {
        [&["gluster", "--mode=script", "volume"], words, &["--xml"]]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    // What hod alone does, and what must pass its gate, is done by hod.
    let (kind, command): (&'static str, Vec<String>) = match (deed, by_hod) {
        (Deed::Rebalance, true) => ("hod rebalance start", hod(&["rebalance", "start"], &[], false)),
        (Deed::Rebalance, false) => ("gluster rebalance start", gluster(&["rebalance", volume, "start"])),
        (Deed::StopRebalance, true) => ("hod rebalance stop", hod(&["rebalance", "stop"], &[], true)),
        (Deed::StopRebalance, false) => ("gluster rebalance stop", gluster(&["rebalance", volume, "stop"])),
        (Deed::PauseRebalance, _) => ("hod rebalance pause", hod(&["rebalance", "pause"], &[], false)),
        (Deed::ResumeRebalance, _) => ("hod rebalance resume", hod(&["rebalance", "resume"], &[], false)),
        (Deed::RemoveBrick, true) => {
            ("hod remove-brick start", hod(&["remove-brick", "start"], &bricks, false))
        }
        (Deed::RemoveBrick, false) => (
            "gluster remove-brick start",
            gluster(&[&["remove-brick", volume], &bricks[..], &["start"]].concat()),
        ),
        (Deed::StopRemoveBrick, true) => ("hod remove-brick stop", hod(&["remove-brick", "stop"], &[], true)),
        (Deed::StopRemoveBrick, false) => (
            "gluster remove-brick stop",
            gluster(&[&["remove-brick", volume], &bricks[..], &["stop"]].concat()),
        ),
        (Deed::CommitRemoveBrick, _) => {
            ("hod remove-brick commit", hod(&["remove-brick", "commit"], &[], true))
        }
    };
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let answer = match words[0] {
        "hod" => timeout(ANSWER, shared.coordinators()[which % 2].exec(&words)).await,
        _ => timeout(ANSWER, shared.pool.hosts[which % 3].exec(&words)).await,
    };
    let taken = matches!(&answer, Ok(Ok(out)) if is_taken(out));
    report.command(kind, taken);
    if taken {
        report.note(format!("{kind} {volume}: taken"));
    }
    Ok(())
}

/// Gluster refuses with exit status 0 where it answers in XML.
fn is_taken(out: &Output) -> bool {
    let said = String::from_utf8_lossy(&out.stdout);
    out.status.success() && (!said.contains("<opRet>") || said.contains("<opRet>0</opRet>"))
}
