//! Which volumes the pool has, and what keeps hod from looking at their tasks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{View, since};
use crate::change::{Change, Origin, Planned};
use crate::error::GlusterErrorKind;
use crate::event::{EventDraft, Severity};
use crate::id::{TaskId, VolumeId};
use crate::record::{TaskRecord, VolumeRecord};
use crate::task::TaskStatus;
use crate::volume::{Volume, VolumeStatus};

/// A task's counters may stand still for so long before it is said why.
const QUIET: std::time::Duration = std::time::Duration::from_secs(60);

/// The volumes as observed.
pub(super) struct Volumes<'a> {
    /// As the best placed host tells each.
    told: BTreeMap<VolumeId, &'a Volume>,
    /// Missing from complete answers of two hosts.
    gone: BTreeSet<VolumeId>,
}

impl<'a> Volumes<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let mut looks: Vec<(usize, Timestamp, &'a [Volume])> = view
            .answering()
            .filter(|(_, p)| view.is_fresh(p.volumes.at))
            .filter_map(|(_, p)| {
                let connected =
                    p.peers.seen().map_or(0, |peers| peers.iter().filter(|p| p.connected).count());
                Some((connected, p.volumes.at, p.volumes.seen()?.as_slice()))
            })
            .collect();
        // A host that is cut off tells old volumes: those who see most of the pool
        // are believed first, then those who looked last.
        looks.sort_by_key(|(connected, at, _)| (*connected, *at));
        let mut told = BTreeMap::new();
        for (_, _, volumes) in &looks {
            for volume in *volumes {
                told.insert(volume.id, volume);
            }
        }

        let members = view.hosts.keys().filter(|h| view.is_member(**h)).count();
        let needed = members.min(2);
        let found = view.recorded.volumes.iter().map(|(id, v)| (*id, v.found_at));
        let with_jobs =
            view.recorded.tasks.values().filter(|t| t.job_status.is_open()).map(|t| (t.volume, t.found_at));
        let gone = found
            .chain(with_jobs)
            .filter(|(id, found_at)| {
                !told.contains_key(id) && looks.iter().filter(|(_, at, _)| at > found_at).count() >= needed
            })
            .map(|(id, _)| id)
            .collect();
        Self { told, gone }
    }

    /// The volume as told, or as recorded if no host tells of it now.
    pub(super) fn get(&self, view: &View<'a>, id: VolumeId) -> Option<&'a Volume> {
        self.told.get(&id).copied().or_else(|| Some(&view.recorded.volumes.get(&id)?.volume))
    }

    pub(super) fn is_gone(&self, id: VolumeId) -> bool {
        self.gone.contains(&id)
    }

    /// What is new or differs.
    pub(super) fn put(&self, view: &View<'a>) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (id, volume) in &self.told {
            let known = view.recorded.volumes.get(id);
            if known.is_some_and(|k| k.volume == **volume) {
                continue;
            }
            let record = VolumeRecord {
                volume: (*volume).clone(),
                found_at: known.map_or(view.now, |k| k.found_at),
                trouble: known.and_then(|k| k.trouble.clone()),
            };
            let events = events(known, &record);
            planned.push(Planned { change: Change::PutVolume(record), events });
        }
        planned
    }

    /// What keeps hod from looking at tasks, if that has changed: reckoned with the
    /// tasks as they are recorded after `planned`.
    pub(super) fn troubles(&self, view: &View<'a>, planned: &[Planned]) -> Vec<Planned> {
        let mut tasks: BTreeMap<TaskId, &TaskRecord> =
            view.recorded.tasks.iter().map(|(id, t)| (*id, t)).collect();
        for p in planned {
            if let Change::PutTask(put) = &p.change {
                if let Origin::Adopted(_) = put.origin {
                    // Of one step only the last run counts.
                    tasks.retain(|_, t| t.step != put.task.step);
                }
                tasks.insert(put.task.task, &put.task);
            }
        }
        let mut running: BTreeMap<VolumeId, &TaskRecord> = BTreeMap::new();
        let runs = |t: &&TaskRecord| t.step_status.is_open() && t.status != TaskStatus::Paused;
        for task in tasks.into_values().filter(runs) {
            running.insert(task.volume, task);
        }

        let mut troubles = Vec::new();
        for (id, volume) in &self.told {
            let known = view.recorded.volumes.get(id);
            let was = known.and_then(|k| k.trouble.clone());
            // The first reason stays until there is none: one that varies is not written anew.
            let found = running.get(id).and_then(|task| trouble(view, volume, task));
            let is = found.map(|text| was.clone().unwrap_or((text, view.now)));
            if was != is {
                let found_at = known.map_or(view.now, |k| k.found_at);
                let record = VolumeRecord { volume: (*volume).clone(), found_at, trouble: is };
                let events = vec![trouble_event(&record)];
                troubles.push(Planned { change: Change::PutVolume(record), events });
            }
        }
        troubles
    }

    /// What is gone.
    pub(super) fn gone(&self, view: &View<'a>) -> Vec<Planned> {
        let recorded = self.gone.iter().filter_map(|id| view.recorded.volumes.get(id));
        recorded
            .map(|record| {
                let message = format!("Volume {} was deleted", record.volume.name);
                Planned {
                    change: Change::VolumeGone(record.volume.id),
                    events: vec![event(Severity::Info, "volume-gone", message, record)],
                }
            })
            .collect()
    }
}

/// What keeps hod from looking at a running task's counters, once they have stood
/// still for a while: a single call that met a lock is no trouble.
fn trouble(view: &View<'_>, volume: &Volume, running: &TaskRecord) -> Option<String> {
    if volume.status == VolumeStatus::Stopped {
        return Some("the volume is stopped: Gluster tells nothing of its task".to_owned());
    }
    let last_change = running.parts.values().map(|p| p.changed_at).max().unwrap_or(running.found_at);
    let looks = view.answering().filter_map(|(_, p)| p.followed.get(&volume.id));
    let error = looks.max_by_key(|look| look.at)?.outcome.as_ref().err()?;
    let tells = !matches!(
        error.kind,
        GlusterErrorKind::TaskNotStarted | GlusterErrorKind::HostsDisagree | GlusterErrorKind::NotAsked
    );
    (tells && since(last_change, view.now) >= QUIET).then(|| error.message.clone())
}

fn trouble_event(record: &VolumeRecord) -> EventDraft {
    let name = &record.volume.name;
    match &record.trouble {
        Some((why, _)) => {
            let message =
                format!("Volume {name} can't be looked at; what is known of its task is kept: {why}");
            event(Severity::Warning, "volume-trouble", message, record)
        }
        None => event(Severity::Info, "volume-well", format!("Volume {name} can be looked at again"), record),
    }
}

fn events(known: Option<&VolumeRecord>, record: &VolumeRecord) -> Vec<EventDraft> {
    let name = &record.volume.name;
    let Some(known) = known else {
        return vec![event(Severity::Info, "volume-found", format!("Volume {name} found"), record)];
    };
    let mut events = Vec::new();
    let (old, new) = (&known.volume, &record.volume);
    if old.status != new.status {
        let word = match new.status {
            VolumeStatus::Started => "was started",
            VolumeStatus::Stopped => "was stopped",
            VolumeStatus::Created => "is created, not started",
            VolumeStatus::Unknown => "is in a state that hod does not know",
        };
        events.push(event(Severity::Info, "volume-status", format!("Volume {name} {word}"), record));
    }
    if old.bricks != new.bricks {
        let message =
            format!("Volume {name} has {} bricks now, {} before", new.bricks.len(), old.bricks.len());
        events.push(event(Severity::Info, "volume-bricks", message, record));
    }
    if old.name != new.name {
        events.push(event(
            Severity::Info,
            "volume-renamed",
            format!("Volume {} is called {name} now", old.name),
            record,
        ));
    }
    events
}

fn event(severity: Severity, kind: &'static str, message: String, record: &VolumeRecord) -> EventDraft {
    EventDraft { severity, kind, message, volume: Some(record.volume.id), job: None, actor: "hod".to_owned() }
}
