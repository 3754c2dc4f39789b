//! What the agents had told when a job was found or changed how it stands: kept
//! beside the job, so that a decision can be understood later.

use std::time::Duration;

use hod_core::change::{Origin, PutTask};
use hod_core::history::HistoryEntry;
use hod_core::id::HostId;
use hod_core::observation::{HostPicture, Observation};
use hod_proto::agent::v1::own_look::Source;
use hod_proto::convert::agent::tell;

use crate::store::Evidence;

/// How many of a host's last commands about the volume are kept.
const COMMANDS: usize = 20;

/// The evidence for a change of a task's job; none if the job does not change.
pub(super) fn of(put: &PutTask, observed: &Observation) -> Vec<Evidence> {
    if put.origin == Origin::Known && put.job.is_none() {
        return Vec::new();
    }
    let pictures = observed.hosts.iter().filter_map(|(id, view)| Some((*id, view.picture.as_ref()?)));
    pictures.flat_map(|(id, picture)| told_by(id, picture, put)).collect()
}

fn told_by(host: HostId, picture: &HostPicture, put: &PutTask) -> Vec<Evidence> {
    let (volume, name) = (put.task.volume, &put.task.volume_name);
    let mut evidence = Vec::new();
    let mut keep = |at, what: String, raw: Vec<u8>| {
        evidence.push(Evidence { at, host: Some(host), what, raw });
    };
    if let Some(look) = picture.own.get(&volume) {
        // Ages are left out: the time of the look stands beside it.
        let told =
            tell::own_look(volume, &look.volume_name, &look.holding, Source::Unspecified, Duration::ZERO);
        keep(look.at, format!("its own look at volume {name}"), json(&told));
    }
    if let Some(look) = picture.followed.get(&volume) {
        let told = match &look.outcome {
            Ok(task) => json(&tell::followed_task(task, |_| String::new())),
            Err(e) => e.to_string().into_bytes(),
        };
        keep(look.at, format!("status of volume {name}, asked with its lock"), told);
    }
    let about = |entry: &&HistoryEntry| entry.task_command().is_some_and(|c| c.volume == name);
    let mut commands: Vec<&HistoryEntry> =
        picture.history.iter().rev().filter(about).take(COMMANDS).collect();
    commands.reverse();
    if let Some(last) = commands.last() {
        let lines: Vec<String> = commands.iter().map(|entry| line(entry)).collect();
        keep(last.at, format!("its command history of volume {name}"), lines.join("\n").into_bytes());
    }
    evidence
}

fn line(entry: &HistoryEntry) -> String {
    let outcome = if entry.succeeded { "SUCCESS" } else { "FAILED" };
    format!("[{}] {} : {outcome} {}", entry.stamp, entry.command, entry.message)
}

fn json(told: &impl serde::Serialize) -> Vec<u8> {
    // These messages are plain data, which always serializes.
    serde_json::to_vec(told).unwrap_or_default()
}
