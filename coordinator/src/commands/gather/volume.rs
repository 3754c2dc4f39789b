//! The volume that is meant, as freshly told as can be had.

use std::collections::BTreeMap;

use hod_core::id::HostId;
use hod_core::record::Recorded;
use hod_core::volume::Volume;
use hod_proto::agent::v1::ListVolumesRequest;

use crate::commands::Refusal;
use crate::commands::agents::{ANSWER, Agents, within};
use crate::store::StoreError;
use crate::sync::live::Now;

/// The volume of a name or an id: as one agent tells it now, else as the agents told
/// it last. What is only recorded is not enough to run a command by.
pub(super) async fn find(
    name: &str,
    recorded: &Recorded,
    now: &BTreeMap<HostId, Now>,
    agents: &Agents,
) -> Result<Volume, Refusal> {
    let answering = now.values().filter(|n| n.answers()).filter_map(|n| n.picture.as_ref());
    let mut told: Vec<_> = answering.map(|p| &p.volumes).filter(|look| look.seen().is_some()).collect();
    told.sort_by_key(|look| std::cmp::Reverse(look.at));
    if told.is_empty() {
        return Err(Refusal::NoAgent(
            agents
                .any()
                .await
                .err()
                .unwrap_or_else(|| "no host has told of its volumes yet: try again in a moment".to_owned()),
        ));
    }
    let all = || told.iter().filter_map(|look| look.seen()).flatten();
    let known = all().find(|v| v.name == name).or_else(|| all().find(|v| v.id.to_string() == name));
    let recorded = recorded.volumes.values().map(|r| &r.volume).find(|v| v.name == name);
    let asked = known.or(recorded).map_or(name, |v| v.name.as_str());
    match fresh(asked, agents).await {
        Some(volume) => Ok(volume),
        None => known.cloned().ok_or_else(|| StoreError::not_found("volume", name).into()),
    }
}

/// The volume as one agent tells it now.
async fn fresh(name: &str, agents: &Agents) -> Option<Volume> {
    let (_, agent) = agents.any().await.ok()?;
    let request = ListVolumesRequest { volume: name.to_owned() };
    let answer = within(ANSWER, agent.client.clone().list_volumes(request)).await.ok()?;
    let volumes = answer.volumes.into_iter().filter_map(|v| Volume::try_from(v).ok());
    volumes.into_iter().find(|v| v.name == name)
}
