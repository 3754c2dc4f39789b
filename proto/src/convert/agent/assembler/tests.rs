use std::time::Duration;

use hod_core::brick::BrickName;
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::history::HistoryEntry;
use hod_core::host::Peer;
use hod_core::id::{HostId, VolumeId};
use hod_core::observation::{FollowedTask, Holding, OwnTask};
use hod_core::task::{Counters, PartStatus, TaskType};

use super::*;
use crate::agent::v1::own_look::Source;
use crate::agent::v1::watch_tasks_response::Event;
use crate::convert::agent::tell;

const HOST: &str = "3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10";
const VOLUME: &str = "8a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20";
const TASK: &str = "5f4c1c61-9d0a-4dd0-8f0b-6f6fd1d1c330";

fn received() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn before(seconds: u64) -> Timestamp {
    received() - Duration::from_secs(seconds)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn identity() -> HostIdentity {
    HostIdentity {
        id: HOST.parse().unwrap(),
        names: vec!["node-a".into(), "10.0.0.1".into()],
        gluster_version: "10.3".into(),
        agent_version: "0.1.0".into(),
    }
}

fn volume() -> VolumeId {
    VOLUME.parse().unwrap()
}

fn host() -> HostId {
    HOST.parse().unwrap()
}

fn peer() -> Peer {
    Peer { id: host(), names: vec!["localhost".into()], connected: true, state: String::new() }
}

fn counters() -> Counters {
    Counters { files: 7, bytes: 1 << 40, scanned: 9, failed: 1, skipped: 2, run_time: Some(secs(61)) }
}

fn own_task() -> Holding {
    Holding::Task(OwnTask {
        id: TASK.parse().unwrap(),
        task_type: Some(TaskType::RemoveBrick),
        bricks: vec![BrickName::parse("10.0.0.3:/bricks/d1").unwrap()],
        status: PartStatus::InProgress,
        counters: Some(counters()),
        time_left: Some(secs(90)),
    })
}

fn followed() -> FollowedTask {
    FollowedTask {
        id: Some(TASK.parse().unwrap()),
        task_type: Some(TaskType::Rebalance { fix_layout: true }),
        bricks: vec![],
        parts: [(host(), (PartStatus::Completed, counters()))].into(),
    }
}

fn own_report(holding: &Holding, age: u64) -> Event {
    Event::Own(pb::OwnReport {
        looks: vec![tell::own_look(volume(), "dist", holding, Source::GetState, secs(age))],
        error: None,
    })
}

fn followed_report(task: Option<pb::FollowedTask>, dropped: bool) -> Event {
    Event::Followed(pb::FollowedReport { volume_id: VOLUME.into(), task, error: None, dropped })
}

fn take(assembler: &mut PictureAssembler, age: u64, event: Event) -> Result<(), NotTaken> {
    assembler.take(tell::message(secs(age), event), received())
}

/// The field that could not be read.
fn unread(taken: Result<(), NotTaken>) -> &'static str {
    match taken {
        Err(NotTaken::Unreadable(error)) => error.field,
        other => panic!("{other:?}"),
    }
}

/// An assembler that was told a full picture.
fn whole_picture() -> PictureAssembler {
    let mut assembler = PictureAssembler::default();
    for (age, event) in [
        (0, Event::Host((&identity()).into())),
        (3, tell::peers(&[peer()], None)),
        (4, tell::volumes(&[], None)),
        (0, own_report(&own_task(), 5)),
        (6, followed_report(Some(tell::followed_task(&followed(), |_| String::new())), false)),
    ] {
        take(&mut assembler, age, event).unwrap();
        assert!(assembler.picture().is_none(), "it is not whole yet");
    }
    take(&mut assembler, 0, Event::PictureComplete(pb::PictureComplete {})).unwrap();
    assembler
}

#[test]
fn what_is_told_arrives_with_its_ages_taken_off() {
    let assembler = whole_picture();
    let picture = assembler.picture().unwrap();
    assert_eq!(picture.identity, identity());
    assert_eq!(picture.peers.at, before(3));
    assert_eq!(picture.peers.seen().unwrap(), &[peer()]);
    assert_eq!(picture.volumes.at, before(4));
    let own = &picture.own[&volume()];
    assert_eq!((own.volume_name.as_str(), own.at), ("dist", before(5)));
    assert_eq!(own.holding, own_task());
    let look = &picture.followed[&volume()];
    assert_eq!(look.at, before(6));
    assert_eq!(look.seen().unwrap(), &followed());
}

#[test]
fn a_residue_is_told_apart_from_nothing() {
    let mut assembler = whole_picture();
    for residue in [None, Some((PartStatus::Stopped, counters()))] {
        let holding = Holding::Nothing { residue };
        take(&mut assembler, 0, own_report(&holding, 1)).unwrap();
        assert_eq!(assembler.picture().unwrap().own[&volume()].holding, holding);
    }
}

#[test]
fn a_sign_of_life_renews_only_what_was_looked_at_again() {
    let mut assembler = whole_picture();
    assert_eq!(assembler.glusterd_answers(), None);
    let sign = pb::SignOfLife {
        glusterd_answers: false,
        own_age: Some(crate::convert::common::duration(secs(1))),
        ..pb::SignOfLife::default()
    };
    take(&mut assembler, 0, Event::SignOfLife(sign)).unwrap();
    assert_eq!(assembler.glusterd_answers(), Some(false));
    let picture = assembler.picture().unwrap();
    assert_eq!(picture.own[&volume()].at, before(1));
    assert_eq!((picture.peers.at, picture.volumes.at), (before(3), before(4)));
}

#[test]
fn a_refusal_is_no_empty_list() {
    let mut assembler = whole_picture();
    let error = GlusterError {
        kind: GlusterErrorKind::TimedOut,
        message: "Error : Request timed out".into(),
        op_errno: 0,
        hosts: vec![],
    };
    take(&mut assembler, 1, tell::peers(&[peer()], Some(&error))).unwrap();
    let peers = &assembler.picture().unwrap().peers;
    assert_eq!((peers.at, &peers.outcome), (before(1), &Err(error)));
}

#[test]
fn a_dropped_volume_is_not_followed_any_more() {
    let mut assembler = whole_picture();
    take(&mut assembler, 0, followed_report(None, true)).unwrap();
    assert!(assembler.picture().unwrap().followed.is_empty());
}

#[test]
fn history_is_appended_once() {
    let mut assembler = whole_picture();
    let entry = HistoryEntry {
        position: "17:4711".into(),
        at: Timestamp::UNIX_EPOCH,
        stamp: "2026-01-02 03:04:03".into(),
        command: "volume rebalance dist stop".into(),
        succeeded: true,
        message: String::new(),
    };
    for _ in 0..2 {
        let entries = vec![tell::history_entry(&entry, secs(2))];
        take(&mut assembler, 0, Event::History(pb::HistoryReport { entries })).unwrap();
    }
    let at = before(2);
    assert_eq!(assembler.picture().unwrap().history, [HistoryEntry { at, ..entry }]);
}

/// A volume with one brick, called so, in this folder.
fn told_brick(name: &str, path: &str) -> Event {
    let brick = crate::types::v1::Brick {
        host_id: HOST.into(),
        name: name.into(),
        path: path.into(),
        arbiter: false,
    };
    let volume = crate::types::v1::Volume {
        id: VOLUME.into(),
        name: "dist".into(),
        bricks: vec![brick],
        ..Default::default()
    };
    Event::Volumes(pb::VolumesReport { volumes: vec![volume], error: None })
}

fn lasts(seconds: i64) -> pbjson_types::Duration {
    pbjson_types::Duration { seconds, nanos: 0 }
}

fn countless() -> crate::types::v1::Counters {
    crate::types::v1::Counters { files: u64::MAX, ..Default::default() }
}

#[test]
fn what_cannot_be_read_names_the_field_and_changes_nothing() {
    let mut assembler = whole_picture();
    let picture = assembler.picture().unwrap().clone();
    let part = |counters: Option<Counters>| crate::types::v1::TaskPart {
        host_id: HOST.into(),
        counters: counters.map(Into::into),
        ..Default::default()
    };
    let parts = |parts| {
        let task = pb::FollowedTask { parts, ..pb::FollowedTask::default() };
        followed_report(Some(task), false)
    };
    let look = |look| Event::Own(pb::OwnReport { looks: vec![look], error: None });
    let good = tell::own_look(volume(), "dist", &own_task(), Source::GetState, secs(0));
    for (field, event) in [
        ("followed.task", followed_report(None, false)),
        ("task.parts", parts(vec![part(Some(counters())); 2])),
        ("task.parts.counters", parts(vec![part(None)])),
        ("host.protocol_version", Event::Host(pb::Host { protocol_version: 99, ..(&identity()).into() })),
        ("host.host_id", Event::Host(pb::Host { host_id: "node-a".into(), ..(&identity()).into() })),
        ("own_look.age", look(pb::OwnLook { age: None, ..good.clone() })),
        // From the future, from before there was a Gluster, and longer than there are computers.
        ("own_look.age", look(pb::OwnLook { age: Some(lasts(-3600)), ..good.clone() })),
        ("own_look.age", look(pb::OwnLook { age: Some(lasts(i64::MAX)), ..good.clone() })),
        ("own_look.age", look(pb::OwnLook { age: Some(lasts(4_000_000_000)), ..good.clone() })),
        ("own_look.time_left", look(pb::OwnLook { time_left: Some(lasts(i64::MAX)), ..good.clone() })),
        ("counters.files", look(pb::OwnLook { counters: Some(countless()), ..good.clone() })),
        ("bytes of a volume's name", look(pb::OwnLook { volume_name: "di\0st".into(), ..good.clone() })),
        ("own_look.task_id", look(pb::OwnLook { task_id: "x".into(), ..good.clone() })),
        ("own_look.volume_id", look(pb::OwnLook { volume_id: String::new(), ..good.clone() })),
        ("own_look.bricks", look(pb::OwnLook { bricks: vec!["no brick".into()], ..good.clone() })),
        ("brick.path", told_brick("node-a:/bricks/d1", "/bricks/d2")),
        ("own.looks", Event::Own(pb::OwnReport { looks: vec![good.clone(), good], error: None })),
        (
            "history_entry.position",
            Event::History(pb::HistoryReport { entries: vec![pb::HistoryEntry::default()] }),
        ),
    ] {
        assert_eq!(unread(take(&mut assembler, 0, event)), field);
        assert_eq!(assembler.picture().unwrap(), &picture);
    }
    let nothing = pb::WatchTasksResponse::default();
    assert_eq!(unread(assembler.take(nothing, received())), "event");
    let mut early = PictureAssembler::default();
    let complete = Event::PictureComplete(pb::PictureComplete {});
    assert_eq!(unread(take(&mut early, 0, complete)), "picture_complete");
}

/// Tells without end, each time something else, until that is refused.
fn until_refused(mut event: impl FnMut(u128) -> Event) -> TooMuch {
    for start in [PictureAssembler::default(), whole_picture()] {
        let mut assembler = start;
        let refused = (0..1_000_000).find_map(|n| take(&mut assembler, 0, event(n)).err());
        match refused {
            Some(NotTaken::TooMuch(error)) if assembler.picture().is_some() => return error,
            Some(NotTaken::TooMuch(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("neither was whole")
}

#[test]
fn volumes_followed_without_end_are_refused() {
    let error = until_refused(|n| {
        let volume_id = uuid::Uuid::from_u128(n).to_string();
        let task = Some(tell::followed_task(&followed(), |_| String::new()));
        Event::Followed(pb::FollowedReport { volume_id, task, error: None, dropped: false })
    });
    assert_eq!((error.what, error.told), ("followed volumes", bounds::VOLUMES + 1));
    // What is dropped counts no more.
    let mut assembler = whole_picture();
    for n in 0..2 * bounds::VOLUMES as u128 {
        let volume_id = uuid::Uuid::from_u128(n).to_string();
        for dropped in [false, true] {
            let task = Some(tell::followed_task(&followed(), |_| String::new()));
            let report = pb::FollowedReport { volume_id: volume_id.clone(), task, error: None, dropped };
            take(&mut assembler, 0, Event::Followed(report)).unwrap();
        }
    }
}

#[test]
fn large_tasks_are_refused_by_their_bytes() {
    let bricks = vec![format!("node-a:/{}", "b".repeat(4000)); 100];
    let error = until_refused(|n| {
        let volume_id = uuid::Uuid::from_u128(n).to_string();
        let task = Some(pb::FollowedTask { bricks: bricks.clone(), ..Default::default() });
        Event::Followed(pb::FollowedReport { volume_id, task, error: None, dropped: false })
    });
    assert_eq!(error.what, "bytes of a picture");
}

#[test]
fn a_history_without_end_keeps_its_newest_lines() {
    let mut assembler = whole_picture();
    let entry = |position: u32, command: &str| pb::HistoryEntry {
        position: position.to_string(),
        age: Some(lasts(1)),
        command: command.to_owned(),
        ..Default::default()
    };
    let told = |from: u32, command: &str| {
        let entries = (from..from + 1000).map(|n| entry(n, command)).collect();
        Event::History(pb::HistoryReport { entries })
    };
    for n in 0..20 {
        take(&mut assembler, 0, told(n * 500, "volume rebalance dist stop")).unwrap();
    }
    let history = &assembler.picture().unwrap().history;
    assert_eq!((history.len(), history[999].position.as_str()), (1000, "10499"));
    // A line may be long, but not all of them.
    take(&mut assembler, 0, told(20_000, &"x".repeat(10_000))).unwrap();
    let history = &assembler.picture().unwrap().history;
    assert_eq!(history.len(), bounds::HISTORY_BYTES / 10_005);
    assert_eq!(history.last().unwrap().position, "20999");
}

#[test]
fn what_is_above_a_bound_is_refused_by_name() {
    let long = "x".repeat(bounds::WORDS + 1);
    let peers = vec![crate::types::v1::Peer::default(); bounds::HOSTS + 1];
    let looks = vec![pb::OwnLook::default(); bounds::VOLUMES + 1];
    let entries = vec![pb::HistoryEntry::default(); bounds::HISTORY + 1];
    let volume = |volume| Event::Volumes(pb::VolumesReport { volumes: vec![volume], error: None });
    for (what, event) in [
        ("hosts", Event::Peers(pb::PeersReport { peers, error: None })),
        ("volumes looked at", Event::Own(pb::OwnReport { looks, error: None })),
        ("commands of its history at once", Event::History(pb::HistoryReport { entries })),
        (
            "bytes of a volume's name",
            volume(crate::types::v1::Volume { name: long.clone(), ..Default::default() }),
        ),
        (
            "bytes of an option",
            volume(crate::types::v1::Volume { options: [("o".into(), long)].into(), ..Default::default() }),
        ),
    ] {
        let mut assembler = whole_picture();
        let before = assembler.picture().unwrap().clone();
        match take(&mut assembler, 0, event) {
            Err(NotTaken::TooMuch(error)) => assert_eq!(error.what, what),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(assembler.picture().unwrap(), &before);
    }
}
