//! Where libFuzzer and the plain tests begin: what Gluster really printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{history, pool, volume_info};
use hod_core::history::HistoryEntry;
use hod_proto::PROTOCOL_VERSION;
use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::command_outcome::Outcome as Sort;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::convert::agent::tell;
use hod_proto::convert::common::duration;
use hod_proto::types::v1 as types;
use prost::Message as _;

pub(crate) fn xml() -> Result<Vec<Vec<u8>>> {
    fixtures(|path, text| is(path, "xml") && text.starts_with(b"<") || is(path, "stderr"))
}

pub(crate) fn get_state() -> Result<Vec<Vec<u8>>> {
    fixtures(|_, text| text.starts_with(b"[Global]"))
}

pub(crate) fn node_state() -> Result<Vec<Vec<u8>>> {
    fixtures(|path, text| is(path, "info") || text.starts_with(b"rebalance_status="))
}

pub(crate) fn history() -> Result<Vec<Vec<u8>>> {
    fixtures(|_, text| text.starts_with(b"[20") && text.windows(9).any(|w| w == b" : SUCCES"))
}

/// Datagrams and posts as they were seen on 10.3.
pub(crate) fn event() -> Result<Vec<Vec<u8>>> {
    Ok([
        "1764000000 134 volume=photos;task=5f4c1c61-9d0a-4dd0-8f0b-6f6fd1d1c330",
        "1764000000 5 name=photos;force=0",
        "1764000000 90 key=",
        r#"{"nodeid":"3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10","ts":1764000000,"event":"VOLUME_REBALANCE_START","message":{"volume":"photos"}}"#,
        r#"{"nodeid":"3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10","ts":1764000000,"event":"VOLUME_CREATE","message":{"name":"photos","force":"0"}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into())
}

/// Whole streams: of every list of volumes and of peers, with the history beside.
pub(crate) fn stream() -> Result<Vec<Vec<u8>>> {
    let peers = xml()?.into_iter().find_map(|xml| pool::read(&printed(xml)).ok()).context("no peers")?;
    let log = history()?.concat();
    let entries: Vec<_> = history::read(&log, 0)
        .0
        .into_iter()
        .take(20)
        .map(|line| HistoryEntry {
            position: format!("17:{}", line.offset),
            at: line.at.unwrap_or_default(),
            stamp: line.stamp,
            command: line.command,
            succeeded: line.succeeded,
            message: line.message,
        })
        .collect();
    let volumes = xml()?.into_iter().filter_map(|xml| volume_info::read(&printed(xml)).ok());
    let streams = volumes.map(|volumes| {
        let looks = volumes.iter().map(|volume| own_look(&volume.id.to_string(), &volume.name)).collect();
        let followed = volumes.iter().map(|volume| followed(&volume.id.to_string()));
        let mut events = vec![
            Event::Host(host()),
            tell::peers(&peers, None),
            tell::volumes(&volumes, None),
            Event::Own(pb::OwnReport { looks, error: None }),
        ];
        events.extend(followed);
        let entries =
            entries.iter().map(|entry| tell::history_entry(entry, Duration::from_secs(60))).collect();
        events.extend([
            Event::History(pb::HistoryReport { entries }),
            Event::PictureComplete(pb::PictureComplete {}),
            Event::SignOfLife(pb::SignOfLife {
                glusterd_answers: true,
                own_age: Some(duration(Duration::ZERO)),
                ..Default::default()
            }),
        ]);
        events
            .into_iter()
            .flat_map(|event| tell::message(Duration::from_secs(2), event).encode_length_delimited_to_vec())
            .collect()
    });
    Ok(streams.collect())
}

pub(crate) fn outcome() -> Result<Vec<Vec<u8>>> {
    let error = types::GlusterError {
        message: "Rebalance not started for volume photos.".into(),
        ..Default::default()
    };
    let done = pb::CommandDone { task_id: TASK.into(), message: "success".into(), parts: vec![part()] };
    Ok([
        Sort::Done(done),
        Sort::Refused(error),
        Sort::Unknown(pb::OutcomeUnknown { reason: "Error : Request timed out".into() }),
    ]
    .map(|sort| pb::CommandOutcome { outcome: Some(sort) }.encode_to_vec())
    .into())
}

const HOST: &str = "3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10";
const TASK: &str = "5f4c1c61-9d0a-4dd0-8f0b-6f6fd1d1c330";

fn host() -> pb::Host {
    pb::Host {
        host_id: HOST.into(),
        names: vec!["node-a".into()],
        gluster_version: "10.3".into(),
        agent_version: "0.1.0".into(),
        protocol_version: PROTOCOL_VERSION,
    }
}

fn counters() -> types::Counters {
    types::Counters {
        files: 7,
        bytes: 1 << 40,
        scanned: 9,
        failed: 1,
        skipped: 2,
        run_time: Some(duration(Duration::from_secs(61))),
    }
}

fn part() -> types::TaskPart {
    types::TaskPart {
        host_id: HOST.into(),
        host_name: "node-a".into(),
        status: types::PartStatus::InProgress.into(),
        counters: Some(counters()),
    }
}

fn own_look(volume: &str, name: &str) -> pb::OwnLook {
    pb::OwnLook {
        volume_id: volume.into(),
        volume_name: name.into(),
        age: Some(duration(Duration::from_secs(3))),
        task_id: TASK.into(),
        task_type: types::TaskType::RemoveBrick.into(),
        status: types::PartStatus::InProgress.into(),
        counters: Some(counters()),
        bricks: vec!["node-a:/bricks/b1".into()],
        time_left: Some(duration(Duration::from_secs(90))),
        ..pb::OwnLook::default()
    }
}

fn followed(volume: &str) -> Event {
    let task = pb::FollowedTask {
        task_id: TASK.into(),
        task_type: types::TaskType::Rebalance.into(),
        parts: vec![part()],
        ..pb::FollowedTask::default()
    };
    Event::Followed(pb::FollowedReport {
        volume_id: volume.into(),
        task: Some(task),
        error: None,
        dropped: false,
    })
}

fn printed(stdout: Vec<u8>) -> Output {
    Output { stdout, ..Output::default() }
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// All fixtures of this kind.
fn fixtures(of_kind: impl Fn(&Path, &[u8]) -> bool) -> Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/tests/fixtures");
    let mut folders = vec![root];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut seeds = Vec::new();
    for file in files {
        let text = fs::read(&file).with_context(|| file.display().to_string())?;
        if of_kind(&file, &text) {
            seeds.push(text);
        }
    }
    ensure!(!seeds.is_empty(), "no fixture is of this kind");
    Ok(seeds)
}
