//! Looks for files on bricks, by their hosts' agents: what is left, and what it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use hod_core::brick::Brick;
use hod_core::command::gate::Walk;
use hod_proto::agent::v1::{WalkBrickRequest, WalkBrickResponse};
use tokio::time::timeout;

use super::agents::{Agents, words};

/// An agent tells how far it has come at least every 10 s.
const WORD: Duration = Duration::from_secs(40);
/// Who starts something waits for its check: files are counted for so long and no longer.
const COUNTING: Duration = Duration::from_secs(60);
/// As many files are named.
const NAMES: u32 = 20;

/// Walks bricks, all at once.
pub(super) async fn walk(agents: &Agents, volume: &str, bricks: &[Brick]) -> BTreeMap<Brick, Walk> {
    let walks = bricks.iter().map(|brick| async move {
        let walked = match one(agents, volume, brick).await {
            Ok(end) => Walk::Finished { files: end.files, names: end.names },
            Err(why) => Walk::Unfinished(why),
        };
        (brick.clone(), walked)
    });
    join_all(walks).await.into_iter().collect()
}

/// What the files of bricks take, in bytes, of those that could be counted in time.
pub(super) async fn holds(agents: &Agents, volume: &str, bricks: &[Brick]) -> BTreeMap<Brick, u64> {
    let walks = bricks.iter().map(|brick| async move {
        let end = timeout(COUNTING, one(agents, volume, brick)).await.ok()?.ok()?;
        Some((brick.clone(), end.bytes))
    });
    join_all(walks).await.into_iter().flatten().collect()
}

/// Walks a brick, and returns its last word.
async fn one(agents: &Agents, volume: &str, brick: &Brick) -> Result<WalkBrickResponse, String> {
    let mut client = agents.connect(brick.host).await?.client;
    let request = WalkBrickRequest { volume: volume.to_owned(), path: brick.path.clone(), names: NAMES };
    let silent = |_| format!("its agent gave no word for {WORD:?}");
    let stream = timeout(WORD, client.walk_brick(request)).await.map_err(silent)?;
    let mut stream = stream.map_err(|status| words(&status))?.into_inner();
    loop {
        let told = timeout(WORD, stream.message()).await.map_err(silent)?;
        match told.map_err(|status| words(&status))? {
            Some(told) if !told.error.is_empty() => return Err(told.error),
            Some(told) if told.finished => return Ok(told),
            Some(_) => {}
            None => return Err("its agent ended before the walk did".to_owned()),
        }
    }
}
