//! Runs a command that ends, or halts, what is there: a found task as well as hod's own.
//!
//! It makes no job. What Gluster refuses leaves job, step and lock untouched; what it
//! does is found by the sync.

use std::sync::Arc;

use async_trait::async_trait;
use hod_core::command::problem::Problem;
use hod_core::event::Severity;
use hod_core::record::TaskRecord;
use hod_proto::convert::agent::Outcome;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::agents::{Acting, not_run};
use super::fault::{FaultPoint, reach};
use super::gather::{Known, Needs};
use super::refusal::in_words;
use super::{Asked, Commands, NOT_HELD, Receipt, Refusal, Shown};
use crate::store::CommandEvent;

/// A command that ends or halts the task that is there.
#[async_trait]
pub trait Ending: Send + Sync + 'static {
    /// What it does, such as `stop the rebalance`.
    fn what(&self) -> &'static str;

    /// What it has to know of the bricks.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Whether the task is to go on later.
    fn is_pause(&self) -> bool {
        false
    }

    /// All that is wrong, and the task it is about.
    async fn check(&self, known: &Known) -> CheckedEnd;

    /// Has an agent do it. It is called once.
    async fn execute(&self, known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome;
}

/// What the checks of an [`Ending`] came to.
#[derive(Debug, Default)]
pub struct CheckedEnd {
    /// All that is wrong.
    pub problems: Vec<Problem>,
    /// The task it is about; `None` only with a problem.
    pub task: Option<TaskRecord>,
    /// The task is paused: Gluster has nothing to end, only the record has.
    pub paused: bool,
    /// What else is to be told, such as a loss that is accepted.
    pub notes: Vec<(Severity, &'static str, String)>,
}

impl Commands {
    /// Runs a command that ends or halts a task, and returns what became of it. It
    /// goes on if who asked goes away.
    ///
    /// # Errors
    /// All that is wrong, or why Gluster refused. Nothing was changed then.
    pub async fn end(self: &Arc<Self>, ending: Arc<dyn Ending>, asked: Asked) -> Result<Receipt, Refusal> {
        let known = Box::pin(self.gather(&asked.pool, &asked.volume, ending.needs())).await?;
        let checked = ending.check(&known).await;
        if asked.dry_run {
            let description = format!("{} of {}", ending.what(), known.volume.name);
            let message = format!("{description}: nothing was done");
            let plan = Shown { description, problems: checked.problems, ..Shown::default() };
            return Ok(Receipt { message, plan: Some(plan), ..Receipt::default() });
        }
        let CheckedEnd { problems, task, paused, notes } = checked;
        Refusal::unless_empty(&known.volume.name, problems)?;
        let Some(task) = task else {
            let message = format!("{} has no such task", known.volume.name);
            let problem = Problem::new("no-task", message, "there is nothing to end").of("volume");
            return Err(Refusal::problem(&known.volume.name, problem));
        };
        reach(FaultPoint::EndingChecked);
        let run = End { commands: self.clone(), ending, known, task, notes, actor: asked.actor };
        let done = self.tasks.spawn(async move {
            match paused {
                true => run.end_paused().await,
                false => Box::pin(run.go()).await,
            }
        });
        done.await.map_err(|_| Refusal::Interrupted)?
    }
}

/// A command that has been checked.
struct End {
    commands: Arc<Commands>,
    ending: Arc<dyn Ending>,
    known: Known,
    task: TaskRecord,
    notes: Vec<(Severity, &'static str, String)>,
    actor: String,
}

impl End {
    async fn end_paused(self) -> Result<Receipt, Refusal> {
        self.commands.store.end_paused(self.known.lease, self.task.job, &self.actor).await?;
        self.commands.wake(&self.known.pool);
        Ok(self.receipt(format!("{} was paused and has ended", self.task.description())))
    }

    async fn go(self) -> Result<Receipt, Refusal> {
        self.note().await?;
        reach(FaultPoint::EndingNoted);
        info!(
            pool = %self.known.pool.name, volume = %self.known.volume.name, job = %self.task.job,
            actor = %self.actor, "{}", self.ending.what()
        );
        let outcome = match self.known.agents.acting(Uuid::new_v4()).await {
            Ok(_) if !self.commands.holds(&self.known) => Outcome::Refused(not_run(NOT_HELD)),
            Ok(acting) => self.ending.execute(&self.known, &self.task, &acting).await,
            Err(why) => Outcome::Refused(not_run(&why)),
        };
        reach(FaultPoint::EndingActed);
        let result = self.tell(outcome).await;
        reach(FaultPoint::EndingTold);
        result
    }

    /// What was asked for, by whom, before it is done; what can't be recorded is not done.
    async fn note(&self) -> Result<(), Refusal> {
        for (severity, kind, message) in &self.notes {
            let event = self.event(*severity, kind, message.clone());
            self.commands.store.record_command(self.known.lease, self.task.job, &event).await?;
        }
        if self.ending.is_pause() {
            return Ok(self.commands.store.set_pause(self.known.lease, self.task.step, &self.actor).await?);
        }
        if self.task.pause.is_some() {
            // It is to end, not to go on later.
            let store = &self.commands.store;
            store.clear_pause(self.known.lease, self.task.step, &self.actor, "it is to end instead").await?;
        }
        let message = format!("{} was asked to {}", self.task.description(), self.ending.what());
        let event = self.event(Severity::Info, "command", message);
        Ok(self.commands.store.record_command(self.known.lease, self.task.job, &event).await?)
    }

    async fn tell(&self, outcome: Outcome) -> Result<Receipt, Refusal> {
        let subject = self.known.volume.name.clone();
        let result = match outcome {
            Outcome::Done { .. } => Ok(self.receipt(format!(
                "Gluster has done it ({}): the job follows within seconds",
                self.ending.what()
            ))),
            Outcome::Unknown(why) => {
                warn!(job = %self.task.job, "{} may have been done or not: {why}", self.ending.what());
                let message = format!(
                    "whether Gluster did it ({}) is not known: {why}; the job will tell within minutes",
                    self.ending.what()
                );
                Ok(self.receipt(message))
            }
            Outcome::Refused(error) => {
                let why = in_words(&error);
                if let Err(e) = self.refused(&why).await {
                    error!(job = %self.task.job, "can't record that Gluster refused it ({why}): {e}");
                }
                Err(Refusal::Gluster { subject, error })
            }
        };
        self.commands.wake(&self.known.pool);
        result
    }

    async fn refused(&self, why: &str) -> Result<(), crate::store::StoreError> {
        if self.ending.is_pause() {
            return self.commands.store.clear_pause(self.known.lease, self.task.step, &self.actor, why).await;
        }
        let message = format!("Gluster refused to {}: {why}", self.ending.what());
        let event = self.event(Severity::Warning, "command-refused", message);
        self.commands.store.record_command(self.known.lease, self.task.job, &event).await
    }

    fn event(&self, severity: Severity, kind: &'static str, message: String) -> CommandEvent {
        CommandEvent { severity, kind, message, actor: self.actor.clone() }
    }

    fn receipt(&self, message: String) -> Receipt {
        Receipt { job: Some(self.task.job), step: Some(self.task.step), message, plan: None }
    }
}
