//! Commands that change a volume, from the request to the outcome.
//!
//! [`request`] reads what is asked, [`answers`] gives a request id that was there
//! before its first answer, and [`Commands`] carries out what is new: in a task of its
//! own, for a caller that goes away must not leave a command half waited for. It asks
//! for the volume first, by a call that takes no lock: where glusterd does not answer,
//! nothing is run, and that is sure. Nor is it for a coordinator whose pool another has
//! taken ([`fence`](crate::fence)). [`outcome`] says what is sure afterwards.

mod answers;
mod outcome;
mod request;

use std::sync::Arc;

use hod_core::error::GlusterError;
use hod_core::lease::Lease;
use hod_proto::agent::v1::CommandOutcome;
use hod_proto::convert::agent::Outcome;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tracing::Instrument as _;

use self::answers::{Answers, NotTaken};
use self::request::Asked;
use crate::fence::Fence;
use crate::gluster::{Change, GlusterCli};
use crate::locked::LockedCalls;
use crate::metrics::Metrics;
use crate::picture::Board;
use crate::service::refusal::bad_field;
use crate::watch::Wakes;

pub(crate) use self::request::{Command, volume as read_volume};

/// What commands are carried out with.
#[derive(Clone)]
pub(crate) struct Commands {
    with: Arc<Means>,
    answers: Answers,
}

/// What a command needs.
pub(crate) struct Means {
    pub(crate) gluster: Arc<GlusterCli>,
    pub(crate) fence: Fence,
    pub(crate) locked: LockedCalls,
    pub(crate) board: Board,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) metrics: Arc<Metrics>,
    /// What the agent waits for, for a while, before it ends.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Commands {
    pub(crate) fn new(with: Means) -> Self {
        Self { with: Arc::new(with), answers: Answers::default() }
    }

    /// Carries a command out, or gives the answer that its request id was given first.
    pub(crate) async fn run<R: Command>(&self, request: R) -> Result<R::Response, Status> {
        let asked = request.read().map_err(|bad| bad_field(bad.field, &bad.problem))?;
        let outcome = self.outcome(asked).await?;
        Ok(R::response(CommandOutcome::from(&*outcome)))
    }

    async fn outcome(&self, asked: Asked) -> Result<Arc<Outcome>, Status> {
        let Asked { id, lease, change } = asked;
        if self.with.stop.is_cancelled() {
            return Err(Status::unavailable("the agent is stopping: nothing was run"));
        }
        let fenced = match lease {
            Some(lease) => self.with.fence.pass(lease).await.err(),
            None => None,
        };
        let with = self.with.clone();
        let answer = match fenced {
            None => self.answers.first(id, &change, |change| {
                let span = tracing::info_span!("command", request_id = %id);
                let tasks = with.tasks.clone();
                let carried_out = async move { with.carry_out(&change, lease).await };
                tasks.spawn(carried_out.instrument(span.or_current()))
            }),
            Some(error) => match self.answers.again(id, &change) {
                // It was asked for in time, and may have been done.
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => {
                    tracing::warn!(request_id = %id, %change, %error, "was refused");
                    self.with.metrics.command_ended(change.verb(), "refused");
                    return Ok(Arc::new(Outcome::Refused(error)));
                }
                Err(e) => Err(e),
            },
        };
        match answer {
            Ok(answer) => Ok(answer.wait().await),
            Err(NotTaken::Other(first)) => Err(bad_field(
                "request_id",
                &format!("{id} was used for `{first}`: give each command an id of its own"),
            )),
            Err(NotTaken::Full) => Err(Status::resource_exhausted(
                "too many commands run at once: nothing was run; try again when some have ended",
            )),
        }
    }
}

impl Means {
    async fn carry_out(&self, change: &Change, lease: Option<Lease>) -> Outcome {
        tracing::info!(%change, "is run");
        let outcome = match self.refusal_before(change, lease).await {
            Some(refusal) => Outcome::Refused(refusal),
            None => {
                let answer = self.locked.change(change).await;
                outcome::of(answer, |host| self.board.picture().host_name(host))
            }
        };
        match &outcome {
            Outcome::Done { task, .. } => {
                let task = task.map(|id| id.to_string()).unwrap_or_default();
                tracing::info!(%change, %task, "is done");
            }
            Outcome::Refused(error) => tracing::warn!(%change, %error, "was refused"),
            Outcome::Unknown(reason) => tracing::warn!(%change, %reason, "may have been done or not"),
        }
        self.metrics.command_ended(change.verb(), outcome::word(&outcome));
        if !matches!(outcome, Outcome::Refused(_)) {
            self.wakes.all();
        }
        outcome
    }

    /// Whether glusterd answers, and knows the volume; and nobody took the pool meanwhile.
    async fn refusal_before(&self, change: &Change, lease: Option<Lease>) -> Option<GlusterError> {
        let refused = self.gluster.volume_info_of(&change.volume).await.err();
        refused.or_else(|| self.fence.check(lease?).err())
    }
}
