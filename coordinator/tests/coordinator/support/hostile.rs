//! What a broken or hostile agent tells.

use std::time::Duration;

use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::watch_tasks_response::Event;
use hod_proto::convert::common::duration;
use hod_proto::types::v1 as types;
use tokio::sync::mpsc;
use tonic::Status;
use uuid::Uuid;

/// How an agent is hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hostility {
    /// A full picture that is never whole.
    NeverWhole,
    /// Whole, and then lines of its history without end.
    Flood,
    /// One message of 20 MB; a larger one is refused in the same way, by what its head says.
    Large,
    /// A million volumes, each an empty message of two bytes.
    Volumes,
    /// A hundred thousand tasks.
    Tasks,
    /// Followed volumes without end, each of 1 MB.
    Followed,
    /// A volume with a name of 1 MB.
    Name,
    /// A look that is from the future.
    Future,
    /// A look from before there were computers.
    Ancient,
    /// A counter that no database holds.
    Counter,
}

/// Every kind, with what an operator reads of it.
pub(crate) const ALL: [(Hostility, &str); 10] = [
    (Hostility::NeverWhole, "tells without end"),
    (Hostility::Flood, "tells without end"),
    (Hostility::Large, "message length too large"),
    (Hostility::Volumes, "1000000 entries of a list, of which at most 20000 are taken"),
    (Hostility::Tasks, "100000 entries of a list, of which at most 20000 are taken"),
    (Hostility::Followed, "bytes of a picture, of which at most"),
    (Hostility::Name, "1048576 bytes of a volume's name, of which at most 8192 are taken"),
    (Hostility::Future, "own_look.age: -3600s 0ns is no duration"),
    (Hostility::Ancient, "own_look.age: 4000000000s is longer than a hundred years"),
    (Hostility::Counter, "counters.bytes: 18446744073709551615 is more than can be recorded"),
];

type To = mpsc::Sender<Result<pb::WatchTasksResponse, Status>>;

/// Tells so, after an honest agent's picture where that matters, until nobody listens.
pub(crate) async fn tell(hostility: Hostility, picture: &[Event], to: &To) {
    if !matches!(hostility, Hostility::Large | Hostility::Volumes | Hostility::Name) {
        for event in picture {
            if send(to, event.clone()).await.is_none() {
                return;
            }
        }
    }
    if hostility == Hostility::Flood {
        let _ = send(to, Event::PictureComplete(pb::PictureComplete {})).await;
    }
    let without_end = [Hostility::NeverWhole, Hostility::Flood, Hostility::Followed].contains(&hostility);
    for n in 0.. {
        if send(to, event(hostility, n)).await.is_none() {
            return;
        }
        if !without_end {
            return to.closed().await;
        }
    }
}

async fn send(to: &To, event: Event) -> Option<()> {
    let message = pb::WatchTasksResponse {
        age: Some(duration(Duration::ZERO)),
        event: Some(event),
        ..Default::default()
    };
    to.send(Ok(message)).await.ok()
}

fn event(hostility: Hostility, n: u128) -> Event {
    match hostility {
        Hostility::NeverWhole => {
            let options = (0..200).map(|option| (option.to_string(), "x".repeat(60_000))).collect();
            volumes(1, &types::Volume { options, ..volume() })
        }
        Hostility::Flood => Event::History(pb::HistoryReport {
            entries: (0..200).map(|line| history(&format!("{n}:{line}"))).collect(),
        }),
        Hostility::Large => volumes(1, &types::Volume { name: "n".repeat(20 << 20), ..volume() }),
        Hostility::Volumes => volumes(1_000_000, &types::Volume::default()),
        Hostility::Tasks => own((0..100_000).map(look).collect()),
        Hostility::Followed => Event::Followed(pb::FollowedReport {
            volume_id: Uuid::from_u128(n).to_string(),
            task: Some(pb::FollowedTask {
                bricks: vec![format!("node-a:/{}", "b".repeat(4000)); 250],
                ..pb::FollowedTask::default()
            }),
            error: None,
            dropped: false,
        }),
        Hostility::Name => volumes(1, &types::Volume { name: "n".repeat(1 << 20), ..volume() }),
        Hostility::Future => own(vec![pb::OwnLook { age: Some(lasts(-3600)), ..look(0) }]),
        Hostility::Ancient => own(vec![pb::OwnLook { age: Some(lasts(4_000_000_000)), ..look(0) }]),
        Hostility::Counter => own(vec![pb::OwnLook {
            counters: Some(types::Counters { bytes: u64::MAX, ..types::Counters::default() }),
            ..look(0)
        }]),
    }
}

fn lasts(seconds: i64) -> pbjson_types::Duration {
    pbjson_types::Duration { seconds, nanos: 0 }
}

fn volume() -> types::Volume {
    types::Volume { id: Uuid::nil().to_string(), ..types::Volume::default() }
}

fn volumes(count: usize, volume: &types::Volume) -> Event {
    Event::Volumes(pb::VolumesReport { volumes: vec![volume.clone(); count], error: None })
}

fn own(looks: Vec<pb::OwnLook>) -> Event {
    Event::Own(pb::OwnReport { looks, error: None })
}

fn look(task: u128) -> pb::OwnLook {
    pb::OwnLook {
        volume_id: Uuid::from_u128(task).to_string(),
        task_id: Uuid::from_u128(task).to_string(),
        volume_name: "dist".into(),
        age: Some(lasts(0)),
        status: types::PartStatus::InProgress.into(),
        ..pb::OwnLook::default()
    }
}

fn history(position: &str) -> pb::HistoryEntry {
    pb::HistoryEntry {
        position: position.into(),
        age: Some(lasts(0)),
        command: format!("volume rebalance dist stop {}", "x".repeat(60_000)),
        ..pb::HistoryEntry::default()
    }
}
