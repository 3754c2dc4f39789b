use std::collections::BTreeMap;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::history::HistoryEntry;
use hod_core::host::HostIdentity;
use hod_core::id::{HostId, TaskId};
use hod_core::observation::{FollowedTask, Holding, OwnTask};
use hod_core::task::{Counters, PartStatus};
use hod_proto::agent::v1::own_look::Source;
use hod_proto::convert::agent::PictureAssembler;

use super::*;
use crate::picture::{History, OwnLook};

const HOST: &str = "3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10";
const VOLUMES: [&str; 2] = ["8a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20", "9a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20"];

fn volume(n: usize) -> VolumeId {
    VOLUMES[n].parse().unwrap()
}

fn look(status: PartStatus, at: Instant) -> OwnLook {
    OwnLook {
        volume_name: "dist".into(),
        holding: Holding::Task(OwnTask {
            id: TaskId::nil(),
            task_type: None,
            bricks: vec![],
            status,
            counters: None,
            time_left: None,
        }),
        source: Source::GetState,
        at,
    }
}

fn own(looks: [(usize, OwnLook); 2]) -> OwnView {
    OwnView { looks: Arc::new(looks.into_iter().map(|(n, l)| (volume(n), l)).collect()), error: None }
}

fn asked<T: Default>(at: Instant) -> Option<Asked<T>> {
    Some(Asked::again(None, at, Ok(T::default())))
}

fn picture(at: Instant) -> Picture {
    Picture {
        identity: Some(Arc::new(HostIdentity {
            id: HOST.parse().unwrap(),
            names: vec!["node-a".into()],
            gluster_version: "10.3".into(),
            agent_version: "0.1.0".into(),
        })),
        peers: asked(at),
        volumes: asked(at),
        own: Some(own([0, 1].map(|n| (n, look(PartStatus::InProgress, at))))),
        glusterd_answers: true,
        ..Picture::default()
    }
}

fn kinds(news: &[WatchTasksResponse]) -> Vec<&'static str> {
    news.iter()
        .map(|m| match m.event.as_ref().unwrap() {
            Event::Host(_) => "host",
            Event::Peers(_) => "peers",
            Event::Volumes(_) => "volumes",
            Event::Own(_) => "own",
            Event::Followed(_) => "followed",
            Event::History(_) => "history",
            Event::PictureComplete(_) => "complete",
            Event::SignOfLife(_) => "alive",
        })
        .collect()
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn nothing_is_told_before_the_picture_is_whole() {
    let now = Instant::now();
    let mut teller = Teller::default();
    let partly = Picture { volumes: None, ..picture(now) };
    assert_eq!(kinds(&teller.news(&partly, now)), Vec::<&str>::new());
    assert_eq!(
        kinds(&teller.news(&picture(now), now)),
        ["host", "peers", "volumes", "own", "alive", "complete"]
    );
    assert_eq!(kinds(&teller.news(&picture(now), now)), Vec::<&str>::new());
}

#[test]
fn only_what_changed_is_told_again() {
    let now = Instant::now();
    let mut teller = Teller::default();
    teller.news(&picture(now), now);
    let later = now + secs(60);
    let renewed = picture(later);
    let news = teller.news(&renewed, later + secs(1));
    assert_eq!(kinds(&news), ["alive"]);
    let Some(Event::SignOfLife(sign)) = &news[0].event else { panic!("{news:?}") };
    let one = Some(duration(secs(1)));
    assert_eq!((sign.peers_age, sign.own_age), (one, one));

    // One look was renewed, the other was not: a sign of life can't say that.
    let partly = Picture {
        own: Some(own([
            (0, look(PartStatus::InProgress, later)),
            (1, look(PartStatus::InProgress, later + secs(5))),
        ])),
        ..renewed.clone()
    };
    assert_eq!(kinds(&teller.news(&partly, later + secs(5))), ["own"]);

    let down = Picture { glusterd_answers: false, ..partly };
    assert_eq!(kinds(&teller.news(&down, later + secs(6))), ["alive"]);
}

/// Whatever is told, a watcher that puts it together knows what the agent knows.
#[test]
fn a_watcher_ends_up_with_the_agent_s_picture() {
    let begin = Instant::now();
    let mut teller = Teller::default();
    let mut assembler = PictureAssembler::default();
    let received = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let host: HostId = HOST.parse().unwrap();
    let counters = |files| Counters { files, ..Counters::default() };
    let followed = |files, at| {
        Arc::new(Followed {
            at,
            outcome: Ok(FollowedTask {
                id: Some(TaskId::nil()),
                task_type: None,
                bricks: vec![],
                parts: BTreeMap::from([(host, (PartStatus::InProgress, counters(files)))]),
            }),
        })
    };
    let mut now = picture(begin);
    for step in 1..=5u64 {
        let at = begin + secs(step * 10);
        match step {
            1 => now.followed = BTreeMap::from([(volume(0), followed(1, at))]),
            2 => {
                now.followed.insert(volume(0), followed(2, at));
                let mut history = History::default();
                let entry = HistoryEntry {
                    position: "1:0".into(),
                    at: received,
                    stamp: String::new(),
                    command: "volume rebalance dist stop".into(),
                    succeeded: true,
                    message: String::new(),
                };
                history.add(entry, at, secs(1));
                now.history = Arc::new(history);
            }
            3 => {
                now.peers = Some(Asked::again(
                    now.peers.as_ref(),
                    at,
                    Err(GlusterError {
                        kind: GlusterErrorKind::GlusterdDown,
                        message: "down".into(),
                        op_errno: 0,
                        hosts: vec![],
                    }),
                ));
                now.glusterd_answers = false;
            }
            4 => now.own = Some(own([0, 1].map(|n| (n, look(PartStatus::InProgress, at))))),
            _ => {
                now.followed.clear();
                now.own = Some(own([0, 1].map(|n| (n, look(PartStatus::Completed, at)))));
            }
        }
        let told_at = at + secs(2);
        for message in teller.news(&now, told_at) {
            assembler.take(message, received + told_at.duration_since(begin)).unwrap();
        }
        let put_together = assembler.picture().unwrap();
        let is_at = |at: Instant| received + at.duration_since(begin);
        let own = now.own.as_ref().unwrap();
        assert_eq!(put_together.own.len(), own.looks.len());
        for (volume, look) in own.looks.iter() {
            let told = &put_together.own[volume];
            assert_eq!((told.at, &told.holding), (is_at(look.at), &look.holding));
        }
        assert_eq!(put_together.followed.len(), now.followed.len());
        for (volume, report) in &now.followed {
            let told = &put_together.followed[volume];
            assert_eq!((told.at, &told.outcome), (is_at(report.at), &report.outcome));
        }
        let peers = now.peers.as_ref().unwrap();
        assert_eq!(put_together.peers.at, is_at(peers.at));
        assert_eq!(put_together.peers.outcome.as_ref().err(), peers.error.as_ref());
        assert_eq!(assembler.glusterd_answers(), Some(now.glusterd_answers));
        assert_eq!(put_together.history.len(), now.history.since(0).count());
    }
    let told = assembler.picture().unwrap().history[0].at;
    assert_eq!(told, received + secs(19));
}
