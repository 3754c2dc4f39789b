//! Watches the heals after a brick was replaced or reset, until nothing is pending.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::heal::{HealLook, HealSummary, HealWatch};
use hod_core::id::{HostId, JobId};
use hod_core::record::{Attention, AttentionCode, PartRecord};
use hod_core::task::{Counters, PartStatus};
use hod_core::transition::Transition;
use hod_core::volume::{Volume, VolumeBrick};
use hod_proto::agent::v1 as pb;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::info;

use super::{Chore, House, Periods};
use crate::commands::Refusal;
use crate::commands::agents::within;
use crate::commands::gather::{Known, Needs};
use crate::store::{HealProgress, StoreError, Task};

/// Gluster's summary walks every pending entry: it has a deadline of its own.
const SUMMARY: Duration = Duration::from_secs(600);

#[derive(Default)]
pub(super) struct Heals {
    watched: BTreeMap<JobId, Watched>,
}

struct Watched {
    began: Instant,
    watch: HealWatch,
}

#[async_trait]
impl Chore for Heals {
    fn name(&self) -> &'static str {
        "watching heals"
    }

    fn every(&self, periods: &Periods) -> Duration {
        periods.heals
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let open = house.commands.store.open_heals(house.pool.id).await?;
        self.watched.retain(|job, _| open.iter().any(|task| task.record.job == *job));
        let mut failed = Ok(());
        // One after the other: a summary is asked for one at a time in a pool.
        for task in open {
            let new = || Watched { began: Instant::now(), watch: HealWatch::default() };
            let watched = self.watched.entry(task.record.job).or_insert_with(new);
            if let Err(e) = watched.look(house, &task).await {
                failed = Err(e);
            }
        }
        failed
    }
}

impl Watched {
    async fn look(&mut self, house: &House, task: &Task) -> Result<(), Refusal> {
        let store = &house.commands.store;
        let job = task.record.job;
        let needs = Needs { bricks: true, split_brain: false };
        let volume = task.record.volume.to_string();
        let known = match Box::pin(house.commands.gather(&house.pool, &volume, needs)).await {
            Ok(known) => known,
            Err(Refusal::Store(StoreError::NotFound { .. })) => {
                if is_gone(house, task).await? {
                    store
                        .finish_heal(house.lease()?, job, Transition::Abort, "volume deleted", "hod")
                        .await?;
                }
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let Some(brick) = task.record.bricks.last().and_then(|b| b.brick.clone()) else {
            return Ok(());
        };
        let Some(set) = set_of(&known.volume, &brick) else {
            let message = "the brick is no longer in the volume";
            store.finish_heal(known.lease, job, Transition::Abort, message, "hod").await?;
            return Ok(());
        };
        let set = set.to_vec();
        self.watch.look(HealLook {
            pending: pending(&known, &set),
            serves: known.bricks.get(&brick).and_then(|b| b.serves),
            at: self.began.elapsed(),
        });
        if self.watch.wants_summary(self.began.elapsed()) {
            let summary = self.summary(&known, &set).await;
            self.watch.summarized(summary);
        }
        if self.watch.is_done() {
            let message = "healed: nothing is pending any more, and nothing is in split-brain";
            store.finish_heal(known.lease, job, Transition::Complete, message, "hod").await?;
            info!(pool = %house.pool.name, %job, "{message}");
            return Ok(());
        }
        let progress = self.progress(&known, &brick, &set, task, store.now().await?);
        store.put_heal(known.lease, task.record.step, &progress).await?;
        Ok(())
    }

    /// What Gluster's own summary tells of the set; nothing, if it can't be had.
    async fn summary(&self, known: &Known, set: &[VolumeBrick]) -> HealSummary {
        let began = Instant::now();
        let at = self.began.elapsed();
        let told = async {
            let (_, agent) = known.agents.any().await?;
            let request = pb::GetHealSummaryRequest { volume: known.volume.name.clone() };
            within(SUMMARY, agent.client.clone().get_heal_summary(request)).await
        };
        let told = told.await.unwrap_or_default().bricks;
        let of = |count: fn(&pb::BrickHeal) -> Option<u64>| {
            let counts = set.iter().map(|brick| {
                let told = told.iter().find(|b| b.name == brick.name.as_str())?;
                count(told)
            });
            counts.sum::<Option<u64>>()
        };
        HealSummary {
            pending: of(|b| b.pending),
            split_brain: of(|b| b.split_brain),
            at,
            took: began.elapsed(),
        }
    }

    fn progress(
        &self,
        known: &Known,
        brick: &Brick,
        set: &[VolumeBrick],
        task: &Task,
        now: Timestamp,
    ) -> HealProgress {
        let mut attention = Vec::new();
        let mut tell = |code, text: String| attention.push(Attention { code, text });
        let name = set.iter().find(|b| b.brick.as_ref() == Some(brick)).map(|b| b.name.to_string());
        let name = name.unwrap_or_else(|| brick.path.clone());
        let volume = &known.volume.name;
        let last = self.watch.last();
        if last.is_some_and(|l| l.serves == Some(false)) {
            tell(
                AttentionCode::BrickDown,
                format!(
                    "{name} does not serve: see its log; to take it into service anew, give this job up and reset it again"
                ),
            );
        }
        if self.watch.split_brain() > 0 {
            tell(
                AttentionCode::SplitBrain,
                format!(
                    "{} entries are in split-brain and heal only when that is resolved: \
                     gluster volume heal {volume} info split-brain",
                    self.watch.split_brain()
                ),
            );
        }
        if self.watch.stands_still(self.began.elapsed()) {
            tell(
                AttentionCode::HealStandsStill,
                format!(
                    "the heal does not move on: see gluster volume heal {volume} info, and glustershd's log"
                ),
            );
        }
        let silent = silent(known, set);
        if !silent.is_empty() {
            let text = format!("what is pending is not known: waiting for {}", silent.join(", "));
            tell(AttentionCode::WaitingForHost, text);
        }
        let message = match (last.and_then(|l| l.pending), attention.first()) {
            (_, Some(attention)) => attention.text.clone(),
            (Some(0), None) => "nothing is pending; it is watched a little longer".to_owned(),
            (Some(1), None) => "1 entry waits to be healed".to_owned(),
            (Some(n), None) => format!("{n} entries wait to be healed"),
            (None, None) => String::new(),
        };
        HealProgress { parts: self.parts(known, brick, set, task, now), attention, message }
    }

    /// The hosts of the set: those with pending entries heal; what was healed is told
    /// at the new brick's.
    fn parts(
        &self,
        known: &Known,
        brick: &Brick,
        set: &[VolumeBrick],
        task: &Task,
        now: Timestamp,
    ) -> BTreeMap<HostId, PartRecord> {
        let mut parts = BTreeMap::new();
        for host in set.iter().filter_map(|b| b.brick.as_ref()).map(|b| b.host) {
            let of_host = set.iter().filter(|b| b.brick.as_ref().is_some_and(|b| b.host == host));
            let pending: Option<u64> = of_host.map(|b| known.facts().brick(b).pending).sum();
            let status = match pending {
                Some(0) => PartStatus::Completed,
                Some(_) => PartStatus::InProgress,
                None => PartStatus::Unknown,
            };
            let before = task.record.parts.get(&host);
            let healed = if host == brick.host { self.watch.healed() } else { 0 };
            // A restart begins to count anew; what is shown never runs backwards.
            let files = healed.max(before.map_or(0, |p| p.counters.files));
            let counters = Counters { files, ..Counters::default() };
            let same = before.filter(|p| p.status == status && p.counters == counters);
            let changed_at = same.map_or(now, |p| p.changed_at);
            let part = PartRecord {
                must_take_part: true,
                held: false,
                not_held: None,
                status,
                counters,
                changed_at,
            };
            parts.insert(host, part);
        }
        parts
    }
}

fn set_of<'v>(volume: &'v Volume, brick: &Brick) -> Option<&'v [VolumeBrick]> {
    volume.sets().find(|set| set.iter().any(|b| b.brick.as_ref() == Some(brick)))
}

/// What is pending on all bricks of the set; `None` if one does not tell.
fn pending(known: &Known, set: &[VolumeBrick]) -> Option<u64> {
    set.iter().map(|b| known.facts().brick(b).pending).sum()
}

fn silent(known: &Known, set: &[VolumeBrick]) -> Vec<String> {
    let silent = set.iter().filter(|b| known.facts().brick(b).pending.is_none());
    silent.map(|b| b.name.to_string()).collect()
}

/// Whether the record, too, knows the volume no more: the sync is sure of that.
async fn is_gone(house: &House, task: &Task) -> Result<bool, Refusal> {
    let volumes = house.commands.store.volumes(Some(house.pool.id)).await?;
    Ok(!volumes.iter().any(|v| v.record.volume.id == task.record.volume))
}
