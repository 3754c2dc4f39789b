//! What is known before a command is run: the record, the live view, and what the
//! agents tell of the volume's bricks.

mod bricks;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hod_core::brick::Brick;
use hod_core::command::facts::{BrickFacts, Facts, HostFacts};
use hod_core::command::problem::Problem;
use hod_core::id::{HostId, JobId, TaskId, VolumeId};
use hod_core::observation::Holding;
use hod_core::record::{AttentionCode, HostState, Recorded, TaskRecord};
use hod_core::volume::Volume;
use tokio::time::{Instant, sleep, timeout};

use super::agents::Agents;
use super::{Commands, Refusal};
use crate::store::{Job, Lease, Pool};
use crate::sync::live::{Live, Now};

/// Hosts that were not heard yet are waited for so long.
const HEAR: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(250);

/// What a command wants to know of the bricks. What it does not want costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Space, whether they serve, geo-replication, and pending heals.
    pub bricks: bool,
    /// Split-brain: walks every pending entry, so only where it matters.
    pub split_brain: bool,
}

/// What is known of a volume and its pool.
#[derive(Clone, Debug)]
pub struct Known {
    /// The pool.
    pub pool: Pool,
    /// The pool's lease, under which all this was told.
    pub lease: Lease,
    /// Keeps the pool from being given back.
    pub at_work: Arc<()>,
    /// The volume, freshly told.
    pub volume: Volume,
    /// What is recorded of the pool.
    pub recorded: Recorded,
    /// The pool's hosts.
    pub hosts: BTreeMap<HostId, HostFacts>,
    /// All names and addresses of each host.
    pub names_of: BTreeMap<HostId, Vec<String>>,
    /// What was told of the volume's bricks.
    pub bricks: BTreeMap<Brick, BrickFacts>,
    /// Why it is not known whether files are in split-brain, if that was asked for.
    pub split_brain_unknown: Option<String>,
    /// Geo-replication sessions of the volume.
    pub geo_replication: Option<u32>,
    /// Bytes a second that tasks of the volume moved last.
    pub rate: Option<u64>,
    /// The volume's task with an open job.
    pub task: Option<TaskRecord>,
    /// The volume's last task that is still listed, open or not.
    pub last: Option<TaskRecord>,
    /// Who holds the volume, doing what.
    pub held_by: Option<(JobId, String)>,
    /// The command that the job is that holds it; empty where it was started outside of hod.
    pub action: String,
    /// Ids of all tasks that any host holds for the volume.
    pub before: BTreeSet<TaskId>,
    /// Whom to ask.
    pub agents: Agents,
}

impl Known {
    /// The facts that the checks go by.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            volume: &self.volume,
            hosts: self.hosts.clone(),
            bricks: self.bricks.clone(),
            task: self.task.as_ref(),
            held_by: self.held_by.clone(),
            disagreement: self.disagreement(),
            geo_replication: self.geo_replication,
            rate: self.rate,
        }
    }

    /// The facts as they are for the job that holds the volume itself.
    #[must_use]
    pub fn facts_for_its_holder(&self) -> Facts<'_> {
        Facts { held_by: None, task: None, ..self.facts() }
    }

    /// The facts for a command that ends a task: one that has ended by itself is told
    /// as such, not as missing.
    #[must_use]
    pub fn facts_with_ended(&self) -> Facts<'_> {
        Facts { task: self.task.as_ref().or(self.last.as_ref()), ..self.facts() }
    }

    /// Hosts that do not agree about the volume's tasks, in words.
    fn disagreement(&self) -> Option<String> {
        let tells = |code| matches!(code, AttentionCode::HostsDisagree | AttentionCode::StillRunning);
        let tasks = self.recorded.tasks.values().filter(|t| t.volume == self.volume.id);
        let mut told = tasks.flat_map(|t| &t.attention).filter(|a| tells(a.code));
        told.next().map(|a| a.text.clone())
    }

    /// That whether files are in split-brain is not known.
    #[must_use]
    pub fn split_brain_problem(&self) -> Option<Problem> {
        let why = self.split_brain_unknown.as_ref()?;
        Some(Problem::new(
            "split-brain-unknown",
            format!("whether files are in split-brain is not known: {why}"),
            format!("see that gluster volume heal {} info summary answers for all bricks", self.volume.name),
        ))
    }

    /// That a command of the volume has not come to its outcome yet, if one has not.
    #[must_use]
    pub fn unsettled(&self) -> Option<Problem> {
        let intention = self.recorded.intentions.get(&self.volume.id)?;
        Some(
            Problem::new(
                "not-settled",
                format!("what job {} asked for is not settled yet", intention.job),
                "wait until it is: seconds as a rule, 4 minutes where an answer was lost",
            )
            .of("volume"),
        )
    }
}

impl Commands {
    /// Gathers what is known of a volume.
    ///
    /// # Errors
    /// If the volume's name can't be one, there is no such volume, no agent answers,
    /// or the store does not.
    pub(super) async fn gather(&self, pool: &Pool, volume: &str, needs: Needs) -> Result<Known, Refusal> {
        let name = hod_core::command::names::volume(volume).map_err(|e| {
            let problem = Problem::new("bad-name", format!("volume {e}"), "see the volumes: hod volumes");
            Refusal::problem(volume, problem.of("volume"))
        })?;
        let lease = self.lease(pool).await?;
        let Some(live) = self.sync.live(pool.id) else {
            return Err(Refusal::NoAgent(format!("pool {} is not followed by this coordinator", pool.name)));
        };
        let recorded = self.store.load(pool.id, &live.task_ids()).await?;
        let now = heard(&live, &recorded).await;
        let agents = Agents::of(&pool.name, lease, &self.sync.rules().network, &recorded.hosts, &live);
        let volume = volume::find(name, &recorded, &now, &agents).await?;
        let recorded = self.recorded_with(recorded, &volume, &live).await?;
        let holder = self.holder(&recorded, volume.id).await?;
        let names_of = names_of(&recorded, &now);
        let mut known = Known {
            hosts: hosts(&recorded, &now),
            names_of,
            bricks: BTreeMap::new(),
            split_brain_unknown: None,
            geo_replication: None,
            rate: self.store.last_rate(pool.id, volume.id).await?,
            task: open_task(&recorded, volume.id),
            last: last_task(&recorded, volume.id),
            action: holder.as_ref().map(|job| job.action.clone()).unwrap_or_default(),
            held_by: holder.map(|job| (job.id, doing(job))),
            before: held(&live, volume.id),
            pool: pool.clone(),
            lease,
            at_work: live.at_work(),
            agents,
            recorded,
            volume,
        };
        if needs.bricks {
            bricks::ask(&mut known, needs.split_brain).await;
        }
        Ok(known)
    }

    /// The record once it knows the volume: one that was just made, or is heard of for
    /// the first time, is recorded by the next sync.
    async fn recorded_with(
        &self,
        mut recorded: Recorded,
        volume: &Volume,
        live: &Live,
    ) -> Result<Recorded, Refusal> {
        let deadline = Instant::now() + HEAR;
        while !recorded.volumes.contains_key(&volume.id) {
            if Instant::now() > deadline {
                let message = format!("volume {} is not recorded yet: try again in a moment", volume.name);
                return Err(Refusal::NoAgent(message));
            }
            live.wake();
            sleep(LOOK).await;
            recorded = self.store.load(recorded.pool, &live.task_ids()).await?;
        }
        Ok(recorded)
    }

    async fn holder(&self, recorded: &Recorded, volume: VolumeId) -> Result<Option<Job>, Refusal> {
        match recorded.locks.get(&volume) {
            Some(job) => Ok(Some(self.store.job(*job).await?)),
            None => Ok(None),
        }
    }
}

fn doing(job: Job) -> String {
    match job.message.as_str() {
        "" => job.description,
        message => format!("{} ({message})", job.description),
    }
}

fn open_task(recorded: &Recorded, volume: VolumeId) -> Option<TaskRecord> {
    let holder = recorded.locks.get(&volume);
    let open = recorded.tasks.values().filter(|t| t.volume == volume && t.job_status.is_open());
    open.max_by_key(|t| (Some(&t.job) == holder, t.found_at)).cloned()
}

fn last_task(recorded: &Recorded, volume: VolumeId) -> Option<TaskRecord> {
    recorded.tasks.values().filter(|t| t.volume == volume).max_by_key(|t| t.found_at).cloned()
}

/// The ids of all tasks that any host holds for a volume.
fn held(live: &Live, volume: VolumeId) -> BTreeSet<TaskId> {
    let now = live.now();
    let pictures = now.values().filter_map(|n| n.picture.as_ref());
    let looks = pictures.filter_map(|p| p.own.get(&volume));
    looks
        .filter_map(|look| match &look.holding {
            Holding::Task(task) => Some(task.id),
            Holding::Nothing { .. } => None,
        })
        .collect()
}

/// The hosts as they are now. Shortly after a start some were not heard yet, and whether
/// they answer is not known: that is waited for, but not for long.
async fn heard(live: &Live, recorded: &Recorded) -> BTreeMap<HostId, Now> {
    let mut changes = live.changes();
    let all = async {
        loop {
            changes.borrow_and_update();
            let now = live.now();
            let told = |id: HostId| now.get(&id).is_some_and(|n| n.picture.is_some() || !n.answers());
            if members(recorded).all(told) {
                return;
            }
            // Silence wakes nobody.
            let _ = timeout(LOOK, changes.changed()).await;
        }
    };
    let _ = timeout(HEAR, all).await;
    live.now()
}

fn members(recorded: &Recorded) -> impl Iterator<Item = HostId> {
    recorded.hosts.iter().filter(|(_, h)| h.state != HostState::Left).map(|(id, _)| *id)
}

fn hosts(recorded: &Recorded, now: &BTreeMap<HostId, Now>) -> BTreeMap<HostId, HostFacts> {
    let called = |id: HostId| {
        let names = recorded.hosts.get(&id).and_then(|h| h.names.first());
        names.cloned().unwrap_or_else(|| id.to_string())
    };
    let facts = |id: HostId| {
        let answers = now.get(&id).is_some_and(Now::answers);
        let others = now.iter().filter(|(other, n)| **other != id && n.answers());
        let peers = others.filter_map(|(_, n)| n.picture.as_ref()?.peers.seen());
        let words: Vec<bool> = peers.flatten().filter(|p| p.id == id).map(|p| p.connected).collect();
        // Where no other host can tell, its own answer has to do.
        let connected = if words.is_empty() { answers } else { words.iter().all(|c| *c) };
        HostFacts { name: called(id), answers, connected }
    };
    members(recorded).map(|id| (id, facts(id))).collect()
}

/// All that a host is called, by itself and by the others.
pub(super) fn names_of(recorded: &Recorded, now: &BTreeMap<HostId, Now>) -> BTreeMap<HostId, Vec<String>> {
    let mut names: BTreeMap<HostId, BTreeSet<String>> = BTreeMap::new();
    for id in members(recorded) {
        names.entry(id).or_default().extend(recorded.hosts[&id].names.iter().cloned());
    }
    for (id, host) in now {
        let Some(picture) = &host.picture else { continue };
        if let Some(names) = names.get_mut(id) {
            names.extend(picture.identity.names.iter().cloned());
        }
        for peer in picture.peers.seen().into_iter().flatten() {
            if let Some(names) = names.get_mut(&peer.id) {
                names.extend(peer.names.iter().cloned());
            }
        }
    }
    let is_own = |name: &String| !name.eq_ignore_ascii_case("localhost");
    names.into_iter().map(|(id, names)| (id, names.into_iter().filter(is_own).collect())).collect()
}
