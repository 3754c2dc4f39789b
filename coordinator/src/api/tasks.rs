//! `hod.coordinator.v1.Tasks`: what is recorded of Gluster's tasks, beside what the
//! hosts say of them now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hod_core::id::{HostId, PoolId, TaskId, VolumeId};
use hod_core::observation::{Holding, HostPicture, Word};
use hod_core::record::HostState;
use hod_proto::convert::common::duration;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::host_says::Answer;
use hod_proto::coordinator::v1::tasks_client::TasksClient;
use hod_proto::coordinator::v1::tasks_server::Tasks;
use hod_proto::types::v1 as types;
use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::ages::Ages;
use super::{Api, check, forward, problem, tell};
use crate::store::{Pool, PoolHost};
use crate::sync::live::{Live, Now};

#[tonic::async_trait]
impl Tasks for Api {
    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        let sent_on = forward::is_sent_on(request.metadata());
        let told = match self.pool_or_all(&request.into_inner().pool).await? {
            Some(pool) if !sent_on => {
                self.is_for_us(&pool)?;
                self.tasks_here(Some(pool.id)).await?
            }
            None if !sent_on => self.tasks_of_all().await?,
            pool => self.tasks_here(pool.map(|p| p.id)).await?,
        };
        Ok(Response::new(told))
    }

    async fn get_task(
        &self,
        request: Request<pb::GetTaskRequest>,
    ) -> Result<Response<pb::GetTaskResponse>, Status> {
        let sent_on = forward::is_sent_on(request.metadata());
        let id: TaskId = check::id("task_id", &request.into_inner().task_id)?;
        let task = self.store.task(id).await.map_err(problem::store)?;
        if !sent_on {
            self.is_for_us(&self.store.pool(&task.pool.to_string()).await.map_err(problem::store)?)?;
        }
        let pool = Some(task.pool);
        let hosts = self.store.hosts(pool).await.map_err(problem::store)?;
        let ages = Ages::read(&*self.store, pool).await.map_err(problem::store)?;
        let observed = self.sync.live(task.pool).map(|live| live.now()).unwrap_or_default();
        let now = self.sync.clock().now();
        let says = hosts
            .iter()
            .filter(|h| h.host.state != HostState::Left)
            .map(|h| pb::HostSays {
                host_id: h.id.to_string(),
                host_name: name(h),
                ..says(id, task.record.volume, observed.get(&h.id), now)
            })
            .collect();
        Ok(Response::new(pb::GetTaskResponse { task: Some(tell::task(&task, &ages)), says }))
    }
}

impl Api {
    /// Each pool's tasks, as its holder tells them.
    async fn tasks_of_all(&self) -> Result<pb::ListTasksResponse, Status> {
        let pools = self.store.pools().await.map_err(problem::store)?;
        if pools.iter().all(|pool| self.held_elsewhere(pool).is_none()) {
            return self.tasks_here(None).await;
        }
        let mut all = pb::ListTasksResponse::default();
        for told in join_all(pools.iter().map(|pool| self.tasks_of(pool))).await {
            let told = told?;
            all.tasks.extend(told.tasks);
            all.silent.extend(told.silent);
        }
        Ok(all)
    }

    async fn tasks_of(&self, pool: &Pool) -> Result<pb::ListTasksResponse, Status> {
        if let Some(holder) = self.held_elsewhere(pool) {
            let request = forward::sent_on(pb::ListTasksRequest { pool: pool.name.clone() });
            let ask = |channel| async move {
                let mut tasks = TasksClient::new(channel).max_decoding_message_size(forward::ANSWER_AT_MOST);
                tasks.list_tasks(request).await
            };
            if let Some(told) = self.forwarder.ask(&holder, ask).await {
                return Ok(told);
            }
        }
        self.tasks_here(Some(pool.id)).await
    }

    /// By what is recorded, and by what is heard here.
    async fn tasks_here(&self, pool: Option<PoolId>) -> Result<pb::ListTasksResponse, Status> {
        let hosts = self.store.hosts(pool).await.map_err(problem::store)?;
        let lives = self.lives(&hosts);
        let listed: BTreeSet<TaskId> = lives.values().flat_map(|live| live.task_ids()).collect();
        let tasks = self.store.tasks(pool, &listed).await.map_err(problem::store)?;
        let ages = Ages::read(&*self.store, pool).await.map_err(problem::store)?;
        let now = self.sync.clock().now();
        Ok(pb::ListTasksResponse {
            tasks: tasks.iter().map(|task| tell::task(task, &ages)).collect(),
            silent: hosts
                .iter()
                .filter(|h| h.host.state != HostState::Left)
                .filter_map(|h| silent(h, lives.get(&h.pool).map(|l| l.now()), now))
                .collect(),
        })
    }

    fn lives(&self, hosts: &[PoolHost]) -> BTreeMap<hod_core::id::PoolId, Arc<Live>> {
        let pools: BTreeSet<_> = hosts.iter().map(|h| h.pool).collect();
        pools.into_iter().filter_map(|id| Some((id, self.sync.live(id)?))).collect()
    }
}

/// A host that could not be asked, if it is one: by what is heard now, and since
/// when by what is recorded, which outlives a restart.
fn silent(
    host: &PoolHost,
    observed: Option<BTreeMap<HostId, Now>>,
    now: Timestamp,
) -> Option<pb::SilentHost> {
    let heard = observed.and_then(|mut hosts| hosts.remove(&host.id));
    if heard.as_ref().is_some_and(Now::answers) {
        return None;
    }
    let recorded =
        (host.host.state != HostState::Answering).then(|| (host.host.since, host.host.state_message.clone()));
    let (since, message) = recorded.unwrap_or_else(|| match heard.map(|h| h.word) {
        Some(Word::Silent { since, why }) => (since, why),
        Some(Word::Refused { why }) => (now, why),
        Some(Word::Answering { .. }) => (now, "its glusterd does not answer its agent".to_owned()),
        None => (now, "was not heard of yet since the coordinator started".to_owned()),
    });
    Some(pb::SilentHost {
        host_id: host.id.to_string(),
        host_name: name(host),
        pool: host.pool_name.clone(),
        silent_for: Some(duration(age(since, now))),
        message,
    })
}

/// What one host's own glusterd says of a task: seen with its age, absent with its
/// age, or unknown and why.
fn says(task: TaskId, volume: VolumeId, host: Option<&Now>, now: Timestamp) -> pb::HostSays {
    let unknown =
        |message: String| pb::HostSays { answer: Answer::Unknown.into(), message, ..pb::HostSays::default() };
    let Some(host) = host else {
        return unknown("its agent was not heard of yet".to_owned());
    };
    let trouble = match &host.word {
        Word::Answering { glusterd: true, .. } => None,
        Word::Answering { .. } => Some("its glusterd does not answer its agent".to_owned()),
        Word::Silent { why, .. } | Word::Refused { why } => Some(why.clone()),
    };
    let look = host.picture.as_deref().and_then(|p| look_at(p, task, volume));
    let Some((at, part)) = look else {
        let because = |p: &HostPicture| p.own_error.as_ref().map(ToString::to_string);
        let why = trouble.or_else(|| host.picture.as_deref().and_then(because));
        return unknown(why.unwrap_or_else(|| "it tells nothing of the volume".to_owned()));
    };
    let (answer, status, counters) = match part {
        Some((status, counters)) => (Answer::Holds, status, counters),
        None => (Answer::HoldsNot, types::PartStatus::Unspecified, None),
    };
    pb::HostSays {
        answer: answer.into(),
        status: status.into(),
        counters,
        age: Some(duration(age(at, now))),
        // What a host said before it fell silent stays said, with its age.
        message: trouble.unwrap_or_default(),
        ..pb::HostSays::default()
    }
}

type Part = (types::PartStatus, Option<types::Counters>);

/// When the host was looked at for the volume's task, and its part if it holds it.
fn look_at(picture: &HostPicture, task: TaskId, volume: VolumeId) -> Option<(Timestamp, Option<Part>)> {
    let look = picture.own.get(&volume)?;
    let part = match &look.holding {
        Holding::Task(own) if own.id == task => Some((own.status.into(), own.counters.map(Into::into))),
        Holding::Task(_) | Holding::Nothing { .. } => None,
    };
    Some((look.at, part))
}

fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

fn name(host: &PoolHost) -> String {
    host.host.names.first().cloned().unwrap_or_else(|| host.id.to_string())
}
