//! Finds replacements and resets of bricks that were typed into Gluster's own command
//! line: they become jobs whose heal is watched, as hod's own.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::found::{FoundReplacement, replacements};
use hod_core::command::intention::Intended;
use hod_core::record::Recorded;
use hod_core::task::TaskType;
use tracing::info;

use super::{Chore, House, Periods};
use crate::commands::Refusal;
use crate::commands::gather::{Needs, names_of};
use crate::store::{FoundHeal, JobFilter, Page};

/// What was run longer ago is not looked at: its heal may have ended, and what is
/// pending now may come from something else.
const YOUNG: Duration = Duration::from_secs(180);
/// A job of hod's own that began longer ago is another replacement.
const OWN: Duration = Duration::from_secs(600);

pub(super) struct FoundHeals;

#[async_trait]
impl Chore for FoundHeals {
    fn name(&self) -> &'static str {
        "finding replaced bricks"
    }

    fn every(&self, periods: &Periods) -> Duration {
        periods.heals
    }

    fn on_news(&self) -> bool {
        true
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let store = &house.commands.store;
        let now = store.now().await?;
        // Looking at pictures costs nothing: the record is asked only if there is something.
        let young = |at| Duration::try_from(now.duration_since(at)).unwrap_or_default() <= YOUNG;
        let any =
            house.live.now().values().filter_map(|n| n.picture.clone()).any(|p| {
                p.history.iter().any(|e| e.succeeded && young(e.at) && e.command.contains("-brick "))
            });
        if !any {
            return Ok(());
        }
        let recorded = store.load(house.pool.id, &BTreeSet::new()).await?;
        let observed = house.live.observe();
        let names = names_of(&recorded, &house.live.now());
        let found = replacements(house.pool.id, &observed, &names, now, YOUNG);
        if found.is_empty() {
            return Ok(());
        }
        let own = own(house, &recorded).await?;
        for found in found {
            let is_own = found.brick.brick.as_ref().is_some_and(|b| own.contains(b));
            if !is_own && is_healing(house, &found).await? {
                record(house, &recorded, found).await?;
            }
        }
        Ok(())
    }
}

/// The bricks that hod itself replaces or resets, or did a short while ago; and those
/// that were found before.
async fn own(house: &House, recorded: &Recorded) -> Result<BTreeSet<Brick>, Refusal> {
    let mut own: BTreeSet<Brick> = recorded
        .intentions
        .values()
        .filter_map(|i| match &i.what {
            Intended::ReplaceBrick { new, .. } => Some(new.clone()),
            Intended::ResetBrick { brick, .. } => Some(brick.clone()),
            Intended::Start(_) | Intended::TakeBricks { .. } => None,
        })
        .collect();
    let store = &house.commands.store;
    let filter = JobFilter { pool: Some(house.pool.id), trees: true, ..JobFilter::default() };
    let jobs = store.jobs(&filter, &Page { size: 100, token: String::new() }).await?.jobs;
    let now = store.now().await?;
    let recent = |at| Duration::try_from(now.duration_since(at)).unwrap_or_default() <= OWN;
    let recent = jobs.iter().filter(|j| j.status.is_open() || recent(j.found_at));
    for task in recent.flat_map(|j| &j.steps).filter_map(|s| s.task.as_ref()) {
        if matches!(task.record.task_type, Some(TaskType::ReplaceBrick { .. })) {
            own.extend(task.record.bricks.last().and_then(|b| b.brick.clone()));
        }
    }
    Ok(own)
}

/// Whether heals of the brick's set are pending: without any there is nothing to watch.
async fn is_healing(house: &House, found: &FoundReplacement) -> Result<bool, Refusal> {
    let needs = Needs { bricks: true, split_brain: false };
    let volume = found.volume.to_string();
    let known = Box::pin(house.commands.gather(&house.pool, &volume, needs)).await?;
    let brick = found.brick.brick.as_ref();
    let set = known.volume.sets().find(|set| set.iter().any(|b| b.brick.as_ref() == brick));
    let pending = set.into_iter().flatten().filter_map(|b| known.facts().brick(b).pending);
    Ok(pending.sum::<u64>() > 0)
}

async fn record(house: &House, recorded: &Recorded, found: FoundReplacement) -> Result<(), Refusal> {
    let host = recorded.hosts.get(&found.host).and_then(|h| h.names.first());
    let host = host.cloned().unwrap_or_else(|| found.host.to_string());
    let (volume, brick) = (&found.volume_name, &found.brick.name);
    let description = match found.reset {
        true => format!("Resetting {brick} of volume {volume}"),
        false => format!("Replacing {} of volume {volume} by {brick}", found.old),
    };
    info!(pool = %house.pool.name, "found: {description}");
    let heal = FoundHeal {
        pool: house.pool.id,
        volume: found.volume,
        task: found.task,
        description,
        reset: found.reset,
        brick: found.brick,
        actor: format!("gluster command line on {host}"),
    };
    house.commands.store.add_found_heal(house.lease()?, &heal).await?;
    Ok(())
}
