//! Which hosts the pool has, and how each of them answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Settings, since};
use crate::change::{Change, Planned};
use crate::event::{EventDraft, Severity};
use crate::host::Peer;
use crate::id::HostId;
use crate::observation::{HostPicture, HostView, Observation, Word};
use crate::record::{HostRecord, HostState, Recorded};

/// Gluster's words for a peer that is a member. A peer that is being probed or was
/// rejected is none.
const MEMBER: &str = "Peer in Cluster";

/// Why a new host counts as silent.
const NOT_YET: &str = "its agent has not answered yet";

/// The changes to hosts, and the hosts as they will be.
pub(super) fn plan(
    recorded: &Recorded,
    observed: &Observation,
    now: Timestamp,
    settings: &Settings,
) -> (Vec<Planned>, BTreeMap<HostId, HostRecord>) {
    let mut hosts = recorded.hosts.clone();
    let mut planned = Vec::new();
    let members = members(recorded, observed, now, settings);

    for (id, host) in &recorded.hosts {
        let mut host = host.clone();
        let was = host.state;
        if host.state != HostState::Left {
            if let Some(view) = observed.hosts.get(id) {
                take_word(&mut host, view, now);
            }
            // A list from before the host was heard of says nothing of it: agents ask for
            // peers seldom, and tell a new watcher what they know.
            let lacks_it = |m: &Members| !m.peers.contains_key(id) && m.at > host.since;
            if members.as_ref().is_some_and(lacks_it) {
                set_state(&mut host, HostState::Left, String::new(), now);
            }
        } else if members.as_ref().is_some_and(|m| m.peers.contains_key(id)) {
            set_state(&mut host, HostState::Silent, NOT_YET.to_owned(), now);
            if let Some(view) = observed.hosts.get(id) {
                take_word(&mut host, view, now);
            }
        }
        if host != recorded.hosts[id] {
            let events = (host.state != was).then(|| state_event(&host, was)).into_iter().collect();
            planned.push(Planned { change: Change::PutHost(*id, host.clone()), events });
            hosts.insert(*id, host);
        }
    }
    for (id, peer) in members.iter().flat_map(|m| &m.peers) {
        if hosts.contains_key(id) {
            continue;
        }
        let host = newcomer(peer, recorded, now);
        let message = match known_name(&host, recorded) {
            Some(name) => {
                format!("{name} has a new UUID ({id}): it counts as a new host of the pool")
            }
            None => format!("{} joined the pool; hod looks for its agent at {}", host.names[0], host.agent),
        };
        let events = vec![event(Severity::Info, "host-joined", message)];
        planned.push(Planned { change: Change::PutHost(*id, host.clone()), events });
        hosts.insert(*id, host);
    }
    (planned, hosts)
}

/// The pool's members, and when the oldest of the lists that name them was taken.
struct Members {
    peers: BTreeMap<HostId, Peer>,
    at: Timestamp,
}

/// The pool's members by its hosts' own word. `None` while nothing tells for sure.
///
/// A detached host names only itself, so hosts can tell of two pools. The pool goes
/// on where most of its recorded hosts are, then where most of its volumes are; if
/// that does not decide, nothing does.
fn members(
    recorded: &Recorded,
    observed: &Observation,
    now: Timestamp,
    settings: &Settings,
) -> Option<Members> {
    let mut told: Vec<((usize, usize), Timestamp, &[Peer])> = observed
        .hosts
        .iter()
        .filter(|(id, view)| {
            recorded.hosts.contains_key(id) && matches!(view.word, Word::Answering { glusterd: true, .. })
        })
        .filter_map(|(_, view)| view.picture.as_ref())
        .filter(|p| since(p.peers.at, now) <= settings.fresh_for)
        .filter_map(|p| Some((weight(p, recorded), p.peers.at, p.peers.seen()?.as_slice())))
        .collect();
    told.sort_by_key(|(weight, _, _)| std::cmp::Reverse(*weight));
    let ((best, at, main), others) = told.split_first()?;

    let main_ids: BTreeSet<HostId> = main.iter().map(|p| p.id).collect();
    let mut members: BTreeMap<HostId, Peer> = BTreeMap::new();
    let overlapping = |peers: &[Peer]| peers.iter().any(|p| main_ids.contains(&p.id));
    if others.iter().any(|(weight, _, peers)| weight == best && !overlapping(peers)) {
        return None;
    }
    let same_pool = || others.iter().filter(|(_, _, peers)| overlapping(peers));
    let at = same_pool().map(|(_, at, _)| *at).fold(*at, Timestamp::min);
    for peer in main.iter().chain(same_pool().flat_map(|(_, _, peers)| *peers)) {
        if peer.state.is_empty() || peer.state == MEMBER {
            members
                .entry(peer.id)
                .and_modify(|known| merge_names(&mut known.names, &peer.names))
                .or_insert_with(|| {
                    let mut peer = peer.clone();
                    peer.names.retain(|n| n != "localhost");
                    peer
                });
        }
    }
    Some(Members { peers: members, at })
}

/// How much of the recorded pool a host tells of. Hosts that left count too: what
/// this decides must not depend on what it decided before.
fn weight(picture: &HostPicture, recorded: &Recorded) -> (usize, usize) {
    let known = |peers: &Vec<Peer>| peers.iter().filter(|p| recorded.hosts.contains_key(&p.id)).count();
    (picture.peers.seen().map_or(0, known), picture.volumes.seen().map_or(0, Vec::len))
}

fn merge_names(known: &mut Vec<String>, more: &[String]) {
    for name in more {
        if name != "localhost" && !known.contains(name) {
            known.push(name.clone());
        }
    }
}

/// Records how a host answers.
fn take_word(host: &mut HostRecord, view: &HostView, now: Timestamp) {
    match &view.word {
        Word::Answering { glusterd: true, .. } => set_state(host, HostState::Answering, String::new(), now),
        Word::Answering { glusterd: false, .. } => {
            let why = "its agent answers, glusterd does not: start glusterd on it".to_owned();
            set_state(host, HostState::GlusterdDown, why, now);
        }
        Word::Silent { since, why } => set_state(host, HostState::Silent, why.clone(), *since),
        Word::Refused { why } => set_state(host, HostState::Refused, why.clone(), now),
    }
    if let (Word::Answering { .. }, Some(picture)) = (&view.word, &view.picture) {
        let told = &picture.identity;
        host.gluster_version.clone_from(&told.gluster_version);
        host.agent_version.clone_from(&told.agent_version);
        merge_names(&mut host.names, &told.names);
    }
}

/// A state that holds already keeps its time and its first reason: only a change is written.
fn set_state(host: &mut HostRecord, state: HostState, message: String, since: Timestamp) {
    if host.state != state {
        host.state = state;
        host.state_message = message;
        host.since = since;
    }
}

fn newcomer(peer: &Peer, recorded: &Recorded, now: Timestamp) -> HostRecord {
    let mut names = peer.names.clone();
    if names.is_empty() {
        names.push(peer.id.to_string());
    }
    // Agents listen on one port throughout a pool.
    let port = recorded
        .hosts
        .values()
        .find_map(|h| h.agent.rsplit_once(':').map(|(_, port)| port.to_owned()))
        .unwrap_or_default();
    let agent = if names[0].contains(':') {
        format!("[{}]:{port}", names[0])
    } else {
        format!("{}:{port}", names[0])
    };
    HostRecord {
        names,
        agent,
        gluster_version: String::new(),
        agent_version: String::new(),
        state: HostState::Silent,
        state_message: NOT_YET.to_owned(),
        since: now,
    }
}

/// A name of the newcomer that another host of the pool had.
fn known_name(host: &HostRecord, recorded: &Recorded) -> Option<String> {
    host.names.iter().find(|n| recorded.hosts.values().any(|h| h.names.contains(n))).cloned()
}

fn state_event(host: &HostRecord, was: HostState) -> EventDraft {
    let name = host.names.first().map_or("a host", String::as_str);
    let why = &host.state_message;
    if was == HostState::Left {
        return event(Severity::Info, "host-joined", format!("{name} is a member of the pool again"));
    }
    match host.state {
        HostState::Answering => event(Severity::Info, "host-answering", format!("{name} answers")),
        HostState::GlusterdDown => event(Severity::Warning, "glusterd-down", format!("{name}: {why}")),
        HostState::Silent => {
            event(Severity::Warning, "host-silent", format!("{name} does not answer: {why}"))
        }
        HostState::Left => event(Severity::Info, "host-left", format!("{name} was detached from the pool")),
        HostState::Refused => event(Severity::Error, "host-refused", format!("{name} is refused: {why}")),
    }
}

fn event(severity: Severity, kind: &'static str, message: String) -> EventDraft {
    EventDraft { severity, kind, message, volume: None, job: None, actor: "hod".to_owned() }
}
