//! What the agents tell of a volume's bricks, all asked at once. What one does not
//! tell stays unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use hod_core::brick::Brick;
use hod_core::command::facts::{BrickFacts, BrickSpace};
use hod_core::id::HostId;
use hod_core::volume::Volume;
use hod_proto::agent::v1 as pb;

use super::Known;
use crate::commands::agents::{ANSWER, Agents, within};

/// So long a summary of heals is waited for before a command.
const SUMMARY: Duration = Duration::from_secs(120);

/// What one host's agent told.
#[derive(Default)]
struct Told {
    bricks: BTreeMap<Brick, BrickFacts>,
    geo_replication: Option<u32>,
}

/// Asks for space, heals, and split-brain if that matters.
pub(super) async fn ask(known: &mut Known, split_brain: bool) {
    let volume = &known.volume;
    let heals = volume.replica_count > 1 || volume.disperse_count > 0;
    let hosts: BTreeSet<HostId> = volume.hosts().collect();
    let asked = hosts.into_iter().map(|host| of_host(&known.agents, volume, host, heals));
    let summary = async {
        match split_brain && heals {
            true => Some(in_split_brain(&known.agents, volume).await),
            false => None,
        }
    };
    let (told, summary) = tokio::join!(join_all(asked), summary);
    // What else an agent tells of is none of the volume's.
    let own: BTreeSet<&Brick> = known.volume.bricks.iter().filter_map(|b| b.brick.as_ref()).collect();
    for told in told {
        known.bricks.extend(told.bricks.into_iter().filter(|(brick, _)| own.contains(brick)));
        // It is kept in the volume's own configuration, which all hosts share.
        known.geo_replication = known.geo_replication.max(told.geo_replication);
    }
    match summary {
        Some(Ok(counts)) => {
            for (brick, count) in counts {
                known.bricks.entry(brick).or_default().split_brain = count;
            }
            let data = known.volume.bricks.iter().filter(|b| known.split_brain_of(b).is_none());
            let silent: Vec<String> = data.map(|b| b.name.to_string()).collect();
            if !silent.is_empty() {
                known.split_brain_unknown = Some(format!("Gluster tells none for {}", silent.join(", ")));
            }
        }
        Some(Err(why)) => known.split_brain_unknown = Some(why),
        None => {}
    }
}

impl Known {
    fn split_brain_of(&self, brick: &hod_core::volume::VolumeBrick) -> Option<u64> {
        brick.brick.as_ref().and_then(|b| self.bricks.get(b))?.split_brain
    }
}

async fn of_host(agents: &Agents, volume: &Volume, host: HostId, heals: bool) -> Told {
    let Ok(agent) = agents.connect(host).await else { return Told::default() };
    let name = || volume.name.clone();
    let space = async {
        let request = pb::GetBrickSpaceRequest { volume: name() };
        within(ANSWER, agent.client.clone().get_brick_space(request)).await
    };
    let pending = async {
        if !heals {
            return None;
        }
        let request = pb::CountPendingHealsRequest { volume: name() };
        within(ANSWER, agent.client.clone().count_pending_heals(request)).await.ok()
    };
    let (space, pending) = tokio::join!(space, pending);
    let mut told = Told::default();
    let brick = |path: String| Brick { host, path };
    if let Ok(space) = space {
        told.geo_replication = space.geo_replication_sessions;
        for b in space.bricks {
            let known = b.error.is_empty();
            let used = b.used_bytes.unwrap_or(b.total_bytes.saturating_sub(b.free_bytes));
            let space = BrickSpace { total: b.total_bytes, free: b.free_bytes, used, device: b.device };
            let facts = told.bricks.entry(brick(b.path)).or_default();
            facts.space = known.then_some(space);
            facts.serves = b.serves;
        }
    }
    for b in pending.into_iter().flat_map(|p| p.bricks) {
        let known = b.error.is_empty();
        told.bricks.entry(brick(b.path)).or_default().pending = known.then_some(b.entries);
    }
    told
}

/// Files in split-brain by brick, as Gluster's own summary tells.
async fn in_split_brain(agents: &Agents, volume: &Volume) -> Result<BTreeMap<Brick, Option<u64>>, String> {
    let (_, agent) = agents.any().await?;
    let request = pb::GetHealSummaryRequest { volume: volume.name.clone() };
    let summary = within(SUMMARY, agent.client.clone().get_heal_summary(request)).await?;
    let found = summary.bricks.into_iter().filter_map(|told| {
        let brick = volume.bricks.iter().find(|b| b.name.as_str() == told.name)?;
        Some((brick.brick.clone()?, told.split_brain))
    });
    Ok(found.collect())
}
