use std::sync::Arc;

use hod_core::host::{HostIdentity, Peer};
use hod_core::observation::{HostPicture, Look, Word};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;

fn id(n: u128) -> HostId {
    use newtype_uuid::GenericUuid as _;
    HostId::from_untyped_uuid(Uuid::from_u128(n))
}

fn record() -> HostRecord {
    HostRecord {
        names: vec!["node".into()],
        agent: "node:7460".into(),
        gluster_version: "10.3".into(),
        agent_version: "0.1.0".into(),
        state: HostState::Answering,
        state_message: String::new(),
        since: Timestamp::UNIX_EPOCH,
    }
}

fn answering(id: HostId, peers: &[(HostId, bool)]) -> Now {
    let none = |at| Look { at, outcome: Ok(Vec::new()) };
    Now {
        word: Word::Answering { at: Timestamp::UNIX_EPOCH, glusterd: true },
        picture: Some(Arc::new(HostPicture {
            identity: HostIdentity {
                id,
                names: Vec::new(),
                gluster_version: String::new(),
                agent_version: String::new(),
            },
            peers: Look {
                at: Timestamp::UNIX_EPOCH,
                outcome: Ok(peers
                    .iter()
                    .map(|(id, connected)| Peer {
                        id: *id,
                        names: Vec::new(),
                        connected: *connected,
                        state: String::new(),
                    })
                    .collect()),
            },
            volumes: none(Timestamp::UNIX_EPOCH),
            own: BTreeMap::new(),
            own_error: None,
            followed: BTreeMap::new(),
            history: Vec::new(),
        })),
    }
}

/// Three hosts that answer, and call each other connected as said.
fn pool(connected: bool) -> (BTreeMap<HostId, HostRecord>, BTreeMap<HostId, Now>) {
    let ids = [id(1), id(2), id(3)];
    let peers = ids.map(|id| (id, connected));
    (ids.map(|id| (id, record())).into(), ids.map(|id| (id, answering(id, &peers))).into())
}

fn silence(now: &mut BTreeMap<HostId, Now>, id: HostId) {
    if let Some(view) = now.get_mut(&id) {
        view.word = Word::Silent { since: Timestamp::UNIX_EPOCH, why: "no word".into() };
    }
}

#[test]
fn the_lowest_at_first_and_then_the_present_one() {
    let (hosts, now) = pool(true);
    let chosen = |present| choose(present, Follow::Normal, &hosts, &now);
    assert_eq!(chosen(None), Some(id(1)));
    assert_eq!(chosen(Some(id(3))), Some(id(3)));
    assert_eq!(chosen(Some(id(9))), Some(id(1)), "no member");
}

#[test]
fn another_takes_over_from_a_dead_host() {
    let (hosts, mut now) = pool(false);
    silence(&mut now, id(1));
    let chosen = choose(Some(id(1)), Follow::Normal, &hosts, &now);
    assert_eq!(chosen, Some(id(2)));
}

#[test]
fn another_takes_over_where_glusterd_is_down() {
    let (hosts, mut now) = pool(false);
    now.get_mut(&id(1)).unwrap().word = Word::Answering { at: Timestamp::UNIX_EPOCH, glusterd: false };
    let chosen = choose(Some(id(1)), Follow::Normal, &hosts, &now);
    assert_eq!(chosen, Some(id(2)));
}

#[test]
fn nobody_while_a_host_may_be_frozen() {
    let (hosts, mut now) = pool(true);
    silence(&mut now, id(3));
    assert_eq!(suspect(&hosts, &now), Some(id(3)));
    let chosen = choose(Some(id(1)), Follow::Normal, &hosts, &now);
    assert_eq!(chosen, None);
    // Not looked at yet since this coordinator started: the same.
    now.remove(&id(3));
    let chosen = choose(None, Follow::Normal, &hosts, &now);
    assert_eq!(chosen, None);
}

#[test]
fn nobody_while_glusterd_itself_may_be_frozen() {
    let (hosts, mut now) = pool(true);
    now.get_mut(&id(3)).unwrap().word = Word::Answering { at: Timestamp::UNIX_EPOCH, glusterd: false };
    let chosen = choose(Some(id(1)), Follow::Normal, &hosts, &now);
    assert_eq!(chosen, None);
}

#[test]
fn a_host_without_an_agent_keeps_nobody() {
    let (mut hosts, mut now) = pool(true);
    hosts.get_mut(&id(3)).unwrap().agent_version.clear();
    now.remove(&id(3));
    let chosen = choose(None, Follow::Normal, &hosts, &now);
    assert_eq!(chosen, Some(id(1)));
}

#[test]
fn a_host_that_left_neither_leads_nor_keeps_anybody() {
    let (mut hosts, mut now) = pool(true);
    hosts.get_mut(&id(1)).unwrap().state = HostState::Left;
    silence(&mut now, id(1));
    let chosen = choose(Some(id(1)), Follow::Normal, &hosts, &now);
    assert_eq!(chosen, Some(id(2)));
}

#[test]
fn nobody_in_a_pool_that_is_followed_quietly() {
    let (hosts, now) = pool(true);
    let chosen = choose(Some(id(1)), Follow::Quiet, &hosts, &now);
    assert_eq!(chosen, None);
}
