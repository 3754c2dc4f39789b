//! Looks for files that are left on bricks, by their hosts' agents.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use hod_core::brick::Brick;
use hod_core::command::gate::Walk;
use hod_proto::agent::v1::WalkBrickRequest;
use tokio::time::timeout;

use super::agents::{Agents, words};

/// An agent tells how far it has come at least every 10 s.
const WORD: Duration = Duration::from_secs(40);
/// As many files are named.
const NAMES: u32 = 20;

/// Walks bricks, all at once.
pub(super) async fn walk(agents: &Agents, volume: &str, bricks: &[Brick]) -> BTreeMap<Brick, Walk> {
    let walks = bricks.iter().map(|brick| async move {
        let walked = one(agents, volume, brick).await;
        (brick.clone(), walked.unwrap_or_else(Walk::Unfinished))
    });
    join_all(walks).await.into_iter().collect()
}

async fn one(agents: &Agents, volume: &str, brick: &Brick) -> Result<Walk, String> {
    let mut client = agents.connect(brick.host).await?.client;
    let request = WalkBrickRequest { volume: volume.to_owned(), path: brick.path.clone(), names: NAMES };
    let silent = |_| format!("its agent gave no word for {WORD:?}");
    let stream = timeout(WORD, client.walk_brick(request)).await.map_err(silent)?;
    let mut stream = stream.map_err(|status| words(&status))?.into_inner();
    loop {
        let told = timeout(WORD, stream.message()).await.map_err(silent)?;
        match told.map_err(|status| words(&status))? {
            Some(told) if !told.error.is_empty() => return Err(told.error),
            Some(told) if told.finished => {
                return Ok(Walk::Finished { files: told.files, names: told.names });
            }
            Some(_) => {}
            None => return Err("its agent ended before the walk did".to_owned()),
        }
    }
}
