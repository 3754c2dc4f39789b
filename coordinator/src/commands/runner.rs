//! Runs a command that starts something: check, open, act, record, hand over.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hod_core::command::intention::{Intended, Intention};
use hod_core::command::problem::Problem;
use hod_core::command::space::BrickPlan;
use hod_core::event::Severity;
use hod_core::id::StepId;
use hod_core::job::StepType;
use hod_proto::convert::agent::Outcome;
use jiff::Timestamp;
use newtype_uuid::GenericUuid as _;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::agents::{Acting, not_run};
use super::fault::{FaultPoint, reach};
use super::gather::{Known, Needs};
use super::refusal::in_words;
use super::{Asked, Commands, NOT_HELD, Receipt, Refusal, Shown, throttle};
use crate::store::{CommandEvent, NewCommand, NewThrottle, Resume, StoreError, VolumeWindow};

/// The store may be away for so long while an answer waits to be recorded. One that
/// is not recorded is no harm: Gluster's own state tells.
const RECORD: Duration = Duration::from_secs(60);
/// What was opened longer ago than this is not acted on any more: the plan may have
/// settled it meanwhile.
const STALE: Duration = Duration::from_secs(60);

/// A command that starts something (origin: GlusterAsyncCommandBase).
#[async_trait]
pub trait Command: Send + Sync + 'static {
    /// The word for it, such as `rebalance-start`.
    fn action(&self) -> &'static str;

    /// The sub-step that carries what it starts (origin: getStepType).
    fn step_type(&self) -> StepType;

    /// What it has to know of the bricks.
    fn needs(&self) -> Needs {
        Needs { bricks: true, split_brain: false }
    }

    /// All that is wrong, what it would do, and what it intends.
    async fn check(&self, known: &Known) -> Checked;

    /// Has an agent do it (origin: executeAndReturnTask). It is called once.
    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome;
}

/// What a command's checks came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the job does, in words.
    pub description: String,
    /// All that is wrong.
    pub problems: Vec<Problem>,
    /// What would move, at most, in bytes.
    pub bytes_to_move: u64,
    /// The volume's bricks, before and after.
    pub bricks: Vec<BrickPlan>,
    /// What is opened; `None` only with a problem.
    pub opening: Option<Opening>,
    /// What else is to be told with it, such as a loss that was accepted.
    pub notes: Vec<(Severity, &'static str, String)>,
}

/// What is opened.
#[derive(Debug)]
pub enum Opening {
    /// A job.
    New(NewJob),
    /// The next run of a paused task, on its own job.
    Resume(StepId),
}

/// A job that is opened.
#[derive(Debug)]
pub struct NewJob {
    /// What an agent will be asked for.
    pub intended: Intended,
    /// The volume's windows from now on; `None`: as they are.
    pub windows: Option<Vec<VolumeWindow>>,
    /// The throttle that is set for it.
    pub throttle: Option<NewThrottle>,
    /// Whether a remove-brick is committed by itself.
    pub auto_commit: bool,
}

impl NewJob {
    /// A job with nothing set for it.
    #[must_use]
    pub fn of(intended: Intended) -> Self {
        Self { intended, windows: None, throttle: None, auto_commit: false }
    }
}

impl Commands {
    /// Runs a command: returns as soon as it is opened, and goes on in a task of its
    /// own, which whoever asked can't interrupt.
    ///
    /// # Errors
    /// All that is wrong, or why it could not be opened. Nothing was changed then.
    pub async fn run(self: &Arc<Self>, command: Arc<dyn Command>, asked: Asked) -> Result<Receipt, Refusal> {
        let began_at = self.store.now().await?;
        let known = Box::pin(self.gather(&asked.pool, &asked.volume, command.needs())).await?;
        let checked = command.check(&known).await;
        if asked.dry_run {
            let Checked { description, problems, bytes_to_move, bricks, .. } = checked;
            let message = format!("{description}: nothing was done");
            let plan = Shown { description, problems, bytes_to_move, bricks, rate: known.rate };
            return Ok(Receipt { message, plan: Some(plan), ..Receipt::default() });
        }
        let Checked { description, problems, opening, notes, .. } = checked;
        Refusal::unless_empty(&known.volume.name, problems)?;
        let Some(opening) = opening else {
            let problem = Problem::new("not-readable", "what is asked for can't be read", "name it anew");
            return Err(Refusal::problem(&known.volume.name, problem));
        };
        reach(FaultPoint::Checked);

        let run = Run { commands: self.clone(), command, known, actor: asked.actor, description, notes };
        let (tell, told) = oneshot::channel();
        self.tasks.spawn(async move { run.go(opening, began_at, tell).await });
        told.await.map_err(|_| Refusal::Interrupted)?
    }
}

/// A command that has been checked.
struct Run {
    commands: Arc<Commands>,
    command: Arc<dyn Command>,
    known: Known,
    actor: String,
    description: String,
    notes: Vec<(Severity, &'static str, String)>,
}

impl Run {
    async fn go(
        self,
        opening: Opening,
        began_at: Timestamp,
        tell: oneshot::Sender<Result<Receipt, Refusal>>,
    ) {
        let throttle = match &opening {
            Opening::New(new) => new.throttle.clone(),
            Opening::Resume(_) => None,
        };
        let intention = match self.open(opening, began_at).await {
            Ok(intention) => intention,
            Err(e) => {
                // Who asked may be gone; nothing was changed, so nothing is lost.
                let _ = tell.send(Err(e));
                return;
            }
        };
        let opened = Instant::now();
        info!(
            pool = %self.known.pool.name, volume = %self.known.volume.name, job = %intention.job,
            actor = %self.actor, "{}", self.description
        );
        let message = format!("{}: follow it with hod job {}", self.description, intention.job);
        let receipt = Receipt { job: Some(intention.job), step: Some(intention.step), message, plan: None };
        // Who asked may be gone: it goes on.
        let _ = tell.send(Ok(receipt));
        reach(FaultPoint::Opened);
        self.note(&intention).await;
        if let Some(outcome) = self.act(&intention, throttle, opened).await {
            reach(FaultPoint::Acted);
            self.record(&intention, &outcome).await;
            reach(FaultPoint::Recorded);
        }
        self.commands.wake(&self.known.pool);
        reach(FaultPoint::HandedOver);
    }

    /// Lock, job, steps and intention, in one transaction.
    async fn open(&self, opening: Opening, began_at: Timestamp) -> Result<Intention, Refusal> {
        let opened = match opening {
            Opening::New(NewJob { mut intended, windows, throttle, auto_commit }) => {
                if let Intended::Start(start) = &mut intended {
                    start.before.extend(self.known.before.iter().copied());
                }
                let new = NewCommand {
                    pool: self.known.pool.id,
                    volume: self.known.volume.id,
                    action: self.command.action().to_owned(),
                    description: self.description.clone(),
                    step_type: self.command.step_type(),
                    actor: self.actor.clone(),
                    intended,
                    began_at,
                    windows,
                    throttle,
                    auto_commit,
                };
                self.commands.store.open_command(self.known.lease, &new).await
            }
            Opening::Resume(step) => {
                let before = self.known.before.clone();
                let resume = Resume { step, before, actor: self.actor.clone() };
                self.commands.store.open_resume(self.known.lease, &resume).await
            }
        };
        opened.map_err(|e| match e {
            StoreError::Busy { volume, job, doing } => {
                let message = format!("{volume} is in the hands of job {job}: {doing}");
                let advice = format!("wait for it, or stop it: hod job {job}");
                Refusal::problem(&volume, Problem::new("volume-busy", message, advice).of("volume"))
            }
            e => Refusal::Store(e),
        })
    }

    async fn note(&self, intention: &Intention) {
        for (severity, kind, message) in &self.notes {
            let event = CommandEvent {
                severity: *severity,
                kind,
                message: message.clone(),
                actor: self.actor.clone(),
            };
            if let Err(e) = self.commands.store.record_command(self.known.lease, intention.job, &event).await
            {
                error!(job = %intention.job, "can't record that {message}: {e}");
            }
        }
    }

    /// Asks one agent. `None`: it was settled meanwhile, and nothing was asked for.
    async fn act(
        &self,
        intention: &Intention,
        throttle: Option<NewThrottle>,
        opened: Instant,
    ) -> Option<Outcome> {
        let acting = match self.known.agents.acting(intention.id.into_untyped_uuid()).await {
            Ok(acting) => acting,
            Err(why) => return Some(Outcome::Refused(not_run(&why))),
        };
        // A coordinator that was paused in between must not act on what was settled.
        match self.commands.store.open_intention(intention.id).await {
            Ok(Some(_)) if !self.commands.holds(&self.known) => {
                return Some(Outcome::Refused(not_run(NOT_HELD)));
            }
            Ok(Some(_)) if opened.elapsed() < STALE => {}
            Ok(Some(_)) => {
                let why = format!("it was not asked for within {STALE:?}");
                return Some(Outcome::Refused(not_run(&why)));
            }
            Ok(None) => return None,
            Err(e) => {
                warn!(job = %intention.job, "nothing was run, as the record can't be read: {e}");
                return Some(Outcome::Refused(not_run(&format!("the record could not be read: {e}"))));
            }
        }
        if let Some(throttle) = throttle
            && let Some(refused) = self.set_throttle(intention, &throttle, &acting).await
        {
            return Some(refused);
        }
        reach(FaultPoint::Prepared);
        Some(self.command.execute_and_return_task(&self.known, &intention.what, &acting).await)
    }

    /// Sets the throttle. A task is not started at another speed than was asked for.
    async fn set_throttle(
        &self,
        intention: &Intention,
        throttle: &NewThrottle,
        acting: &Acting,
    ) -> Option<Outcome> {
        let request = Uuid::new_v5(&acting.request, b"throttle");
        let setting = Acting { agent: acting.agent.clone(), request, ..*acting };
        let (lease, volume) = (self.known.lease, &self.known.volume);
        let why = match throttle::put(&setting, &volume.name, Some(&throttle.set)).await {
            Outcome::Done { .. } => {
                if let Err(e) = self.commands.store.throttle_is_set(lease, volume.id, &throttle.set).await {
                    // It is put back in either case: whether it is set shows in the volume.
                    warn!(job = %intention.job, "can't record that the throttle is set: {e}");
                }
                return None;
            }
            Outcome::Refused(error) => in_words(&error),
            Outcome::Unknown(why) => why,
        };
        Some(Outcome::Refused(not_run(&format!(
            "it was not started, as {} could not be set to {}: {why}",
            throttle::OPTION,
            throttle.set
        ))))
    }

    async fn record(&self, intention: &Intention, outcome: &Outcome) {
        let answer = match outcome {
            Outcome::Refused(error) => hod_core::command::intention::Answer::Refused(in_words(error)),
            outcome => outcome.answer(),
        };
        let deadline = Instant::now() + RECORD;
        loop {
            // It is what it is, also under a lease that was taken anew meanwhile.
            let told = match self.commands.lease(&self.known.pool).await {
                Ok(lease) => self.commands.store.answer(lease, intention.id, &answer).await,
                Err(e) => Err(StoreError::Unavailable(e.to_string())),
            };
            match told {
                Ok(_) => return,
                Err(StoreError::Unavailable(_)) if Instant::now() < deadline => {
                    sleep(Duration::from_secs(1)).await;
                }
                Err(e) => {
                    error!(
                        job = %intention.job,
                        "can't record what became of it ({answer:?}), Gluster's own state will tell: {e}"
                    );
                    return;
                }
            }
        }
    }
}
