//! Attends to a pool's agents: one collector for every host that is in the pool,
//! and one agent at most that may make locked calls.
//!
//! It needs no database, only the hosts as they were last recorded: that a host
//! may be frozen is noticed, and the grant taken back, also while PostgreSQL is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hod_core::id::HostId;
use hod_core::record::{HostRecord, HostState};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::collect::{Assignment, collect};
use super::leader;
use super::live::Live;
use crate::metrics::PoolMetrics;
use crate::network::Network;
use crate::store::Follow;

/// Silence comes without a word to wake by, so it is looked for this often.
const LOOK: Duration = Duration::from_secs(1);

/// How a pool's agents are attended to.
#[derive(Clone, Debug)]
pub struct Manner {
    /// How running tasks are followed.
    pub follow: Follow,
    /// How agents are reached.
    pub network: Network,
    /// A stream that brings no message for so long is given up.
    pub silent_after: Duration,
}

/// Attends until it is stopped, then waits for every stream to be closed.
pub async fn attend(
    manner: Manner,
    mut hosts: watch::Receiver<BTreeMap<HostId, HostRecord>>,
    live: Arc<Live>,
    metrics: PoolMetrics,
    stop: CancellationToken,
) {
    // What collectors left that were torn down with a loop that panicked.
    live.forget_all();
    let mut changes = live.changes();
    let mut attendance =
        Attendance { manner, live, posts: BTreeMap::new(), tasks: JoinSet::new(), last: None };
    loop {
        let members = hosts.borrow_and_update().clone();
        attendance.man(&members);
        // Another may have taken the pool, and given the grant to another agent.
        let may = attendance.live.tenure().lease().is_some();
        let leader = attendance.grant(&members, may);
        metrics.leading.set(i64::from(leader.is_some()));
        tokio::select! {
            () = stop.cancelled() => break,
            Ok(()) = changes.changed() => {}
            Ok(()) = hosts.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    attendance.live.set_leader(None);
    attendance.posts.clear();
    while attendance.tasks.join_next().await.is_some() {}
}

struct Attendance {
    manner: Manner,
    live: Arc<Live>,
    posts: BTreeMap<HostId, Post>,
    tasks: JoinSet<()>,
    /// Who was chosen last: after a pause in which nobody was, it goes on.
    last: Option<HostId>,
}

/// A collector at work. It ends when this is dropped.
struct Post {
    agent: String,
    grant: watch::Sender<bool>,
    _stop: DropGuard,
}

impl Attendance {
    /// A collector for every host that is in the pool, and for no other.
    fn man(&mut self, hosts: &BTreeMap<HostId, HostRecord>) {
        let of = |id: &HostId| hosts.get(id).filter(|h| h.state != HostState::Left);
        // One whose agent moved is begun anew once the old collector has ended.
        self.posts.retain(|id, post| of(id).is_some_and(|h| h.agent == post.agent));
        while self.tasks.try_join_next().is_some() {}
        for (id, host) in hosts {
            if of(id).is_none() || self.posts.contains_key(id) || self.live.listens_to(*id) {
                continue;
            }
            self.live.listen_to(*id);
            let (grant, granted) = watch::channel(false);
            let stop = CancellationToken::new();
            let work = Assignment {
                host: *id,
                name: host.names.first().cloned().unwrap_or_else(|| id.to_string()),
                agent: host.agent.clone(),
                network: self.manner.network.clone(),
                silent_after: self.manner.silent_after,
            };
            self.tasks.spawn(collect(work, self.live.clone(), granted, stop.clone()));
            let post = Post { agent: host.agent.clone(), grant, _stop: stop.drop_guard() };
            self.posts.insert(*id, post);
        }
    }

    /// Decides who may make locked calls. The grant is given to another only when
    /// nobody holds it any more.
    fn grant(&mut self, hosts: &BTreeMap<HostId, HostRecord>, may: bool) -> Option<HostId> {
        let choose = || leader::choose(self.last, self.manner.follow, hosts, &self.live.now());
        let chosen = may.then(choose).flatten();
        self.last = chosen.or(self.last);
        self.live.set_leader(chosen);
        for (_, post) in self.posts.iter().filter(|(id, _)| Some(**id) != chosen) {
            post.set(false);
        }
        let others = self.live.holders().into_iter().any(|id| Some(id) != chosen);
        if let (Some(post), false) = (chosen.and_then(|id| self.posts.get(&id)), others) {
            post.set(true);
        }
        chosen
    }
}

impl Post {
    fn set(&self, grant: bool) {
        self.grant.send_if_modified(|held| std::mem::replace(held, grant) != grant);
    }
}
