//! Asking a pool's agents: with deadlines, and sure of what is sure.

use std::collections::BTreeMap;
use std::time::Duration;

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::id::HostId;
use hod_core::record::{HostRecord, HostState};
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;
use tokio::time::timeout;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::network::Network;
use crate::store::Lease;
use crate::sync::agent::{Agent, AgentAddress};
use crate::sync::live::Live;

/// A question that reads is given up after this time: get-state may wait 5 s for a
/// task that starts (seen), and its agent allows it 20 s.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// What became of a command that is not answered by then is not known. Gluster's own
/// time-out is 120 s, and the agent asks before.
const COMMAND: Duration = Duration::from_secs(170);

/// A pool's agents.
#[derive(Clone, Debug)]
pub struct Agents {
    pool: String,
    lease: Lease,
    network: Network,
    hosts: BTreeMap<HostId, (String, String)>,
    /// Who is asked for what takes a lock: the pool's leader, else whoever answers.
    order: Vec<HostId>,
}

/// An agent that is asked to run a command.
pub struct Acting {
    /// The connection.
    pub agent: Agent,
    /// The host it is on.
    pub host: HostId,
    /// The request's id: the same id again runs nothing.
    pub request: Uuid,
    /// The pool's lease: with one that another has taken since nothing is run.
    pub lease: Lease,
}

impl Agents {
    pub(super) fn of(
        pool: &str,
        lease: Lease,
        network: &Network,
        hosts: &BTreeMap<HostId, HostRecord>,
        live: &Live,
    ) -> Self {
        let members = hosts.iter().filter(|(_, h)| h.state != HostState::Left);
        let called = |id: &HostId, h: &HostRecord| h.names.first().cloned().unwrap_or_else(|| id.to_string());
        let hosts: BTreeMap<_, _> = members.map(|(id, h)| (*id, (called(id, h), h.agent.clone()))).collect();
        let now = live.now();
        let answers = |id: &HostId| now.get(id).is_some_and(|n| n.answers());
        let leader = live.holders().into_iter().find(|id| hosts.contains_key(id) && answers(id));
        let others = hosts.keys().copied().filter(|id| answers(id) && Some(*id) != leader);
        let order = leader.into_iter().chain(others).collect();
        Self { pool: pool.to_owned(), lease, network: network.clone(), hosts, order }
    }

    /// What a host is called.
    #[must_use]
    pub fn name(&self, host: HostId) -> String {
        self.hosts.get(&host).map_or_else(|| host.to_string(), |(name, _)| name.clone())
    }

    /// A connection to a host's agent.
    ///
    /// # Errors
    /// In words, why there is none.
    pub async fn connect(&self, host: HostId) -> Result<Agent, String> {
        let Some((_, address)) = self.hosts.get(&host) else {
            return Err(format!("{host} is no host of pool {}", self.pool));
        };
        let address: AgentAddress = address.parse().map_err(|e| format!("{e}"))?;
        Agent::connect(&address, &self.network).await.map_err(|e| e.to_string())
    }

    /// An agent to be asked for what one agent is asked for. Connecting runs nothing,
    /// so if one can't be reached the next is tried.
    ///
    /// # Errors
    /// In words, if none can be reached.
    pub async fn any(&self) -> Result<(HostId, Agent), String> {
        let mut why = "none of its agents answers".to_owned();
        for host in &self.order {
            match self.connect(*host).await {
                Ok(agent) => return Ok((*host, agent)),
                Err(e) => why = e,
            }
        }
        Err(format!("nobody of pool {} can be asked: {why}", self.pool))
    }

    /// An agent to run a command.
    ///
    /// # Errors
    /// In words, if none can be reached: nothing was run.
    pub async fn acting(&self, request: Uuid) -> Result<Acting, String> {
        let (host, agent) = self.any().await?;
        Ok(Acting { agent, host, request, lease: self.lease })
    }
}

impl Acting {
    /// Has the agent run a command: what became of it, as far as that is sure.
    pub async fn run<R>(
        &self,
        call: impl Future<Output = Result<Response<R>, Status>>,
        outcome: impl FnOnce(R) -> Option<pb::CommandOutcome>,
    ) -> Outcome {
        match timeout(COMMAND, call).await {
            Ok(Ok(answer)) => match outcome(answer.into_inner()).map(Outcome::try_from) {
                Some(Ok(outcome)) => outcome,
                Some(Err(e)) => Outcome::Unknown(format!("the agent's answer can't be read: {e}")),
                None => Outcome::Unknown("the agent's answer is empty".to_owned()),
            },
            Ok(Err(status)) => of_status(&status),
            Err(_) => Outcome::Unknown(format!("its agent gave no answer within {COMMAND:?}")),
        }
    }
}

/// Only what the agent says before it runs anything is a refusal.
fn of_status(status: &Status) -> Outcome {
    match status.code() {
        Code::InvalidArgument
        | Code::ResourceExhausted
        | Code::Unimplemented
        | Code::PermissionDenied
        | Code::Unauthenticated => Outcome::Refused(not_run(&words(status))),
        _ => Outcome::Unknown(format!("its agent did not answer: {}", words(status))),
    }
}

/// Nothing was run, and why.
pub(super) fn not_run(why: &str) -> GlusterError {
    GlusterError { kind: GlusterErrorKind::NotRun, message: why.to_owned(), op_errno: 0, hosts: Vec::new() }
}

/// An agent's answer, within a time.
pub(super) async fn within<R>(
    time: Duration,
    call: impl Future<Output = Result<Response<R>, Status>>,
) -> Result<R, String> {
    match timeout(time, call).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(words(&status)),
        Err(_) => Err(format!("no answer within {time:?}")),
    }
}

pub(super) fn words(status: &Status) -> String {
    match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    }
}
