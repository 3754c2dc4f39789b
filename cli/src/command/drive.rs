//! What the commands share that have something done: how they name a volume, what
//! they may be asked beside, and how their receipts are shown.

use clap::{Args, ValueEnum};
use hod_proto::coordinator::v1::{ListTasksRequest, Receipt, Throttle};
use hod_proto::types::v1::TaskType;
use jiff::Timestamp;
use tonic::{Response, Status};

use crate::client::{Client, told};
use crate::confirm::Sure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::plan;

use super::Context;
use super::watch::{self, Wait};

/// The volume that a command is about.
#[derive(Debug, Args)]
pub struct Target {
    /// The volume's name
    pub volume: String,
    /// The volume's pool, by name or id; needed where there are several
    #[arg(long, default_value = "", hide_default_value = true)]
    pub pool: String,
}

/// Only looking.
#[derive(Clone, Copy, Debug, Args)]
pub struct DryRun {
    /// Only check, and show the plan; exit code 8 where something is against it
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
}

/// Waiting for the end.
#[derive(Clone, Copy, Debug, Args)]
pub struct Waiting {
    /// Follow the job to its end; the exit code tells how it ended
    #[arg(long)]
    wait: bool,
}

impl Waiting {
    /// What is waited for, if anything.
    #[must_use]
    pub fn until(self, wait: Wait) -> Option<Wait> {
        self.wait.then_some(wait)
    }
}

/// How fast files are moved, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Speed {
    /// With few threads
    Lazy,
    /// Gluster's own measure
    Normal,
    /// With many threads
    Aggressive,
}

impl From<Speed> for Throttle {
    fn from(speed: Speed) -> Self {
        match speed {
            Speed::Lazy => Self::Lazy,
            Speed::Normal => Self::Normal,
            Speed::Aggressive => Self::Aggressive,
        }
    }
}

/// The throttle as the wire has it; without one the volume's own is kept.
#[must_use]
pub fn throttle(speed: Option<Speed>) -> i32 {
    speed.map_or(Throttle::Unspecified, Throttle::from).into()
}

/// What the coordinator answered to a command.
#[derive(Debug)]
pub struct Answered {
    receipt: Receipt,
    now: Timestamp,
}

impl Answered {
    /// The receipt in an answer. `doing` says what was asked for, of what.
    ///
    /// # Errors
    /// It was refused, or the coordinator can't be reached.
    pub fn of<T>(
        doing: &str,
        answer: Result<Response<T>, Status>,
        receipt: impl FnOnce(T) -> Option<Receipt>,
    ) -> Result<Self, Failure> {
        let (answer, now) = told(answer.map_err(|status| Failure::refused(doing, &status))?);
        Ok(Self { receipt: receipt(answer).unwrap_or_default(), now })
    }

    /// Shows a dry run's plan.
    ///
    /// # Errors
    /// There is none, or standard output can't be written to.
    pub fn plan(self, context: &Context) -> Result<Exit, Failure> {
        let plan = self.receipt.plan.ok_or_else(|| {
            Failure::new(Exit::Trouble, "the coordinator told no plan; nothing was asked of Gluster")
        })?;
        if context.screen.json {
            context.screen.json(&plan)?;
        } else {
            context.screen.text(&plan::page(&plan, &context.screen.look(self.now)))?;
        }
        Ok(if plan.problems.is_empty() { Exit::Ok } else { Exit::Refused })
    }

    /// Shows what was made, and follows its job where that is wanted.
    ///
    /// # Errors
    /// The job could not be followed, or standard output can't be written to.
    pub async fn receipt(
        self,
        context: &Context,
        client: Client,
        until: Option<Wait>,
    ) -> Result<Exit, Failure> {
        let screen = context.screen;
        let job = self.receipt.job_id.clone();
        match (screen.json, until) {
            // The first of a stream of lines.
            (true, Some(_)) => screen.json_line(&self.receipt)?,
            (true, None) => screen.json(&self.receipt)?,
            (false, _) => {
                screen.text(&plan::receipt(&self.receipt, until.is_none(), &screen.look(self.now)))?;
            }
        }
        match until {
            Some(_) if job.is_empty() => {
                Err(Failure::new(Exit::Trouble, "the coordinator named no job to wait for; see `hod jobs`"))
            }
            Some(until) => watch::wait(context, client, job, until).await,
            None => Ok(Exit::Ok),
        }
    }
}

/// Asks before something is done to a volume's task, naming the task's bricks where
/// it is a remove-brick whose bricks were not named.
///
/// # Errors
/// Nobody said yes, or the coordinator can't be reached.
pub async fn ask(
    client: &Client,
    sure: &Sure,
    target: &Target,
    bricks: &[String],
    deed: &str,
    effect: &str,
) -> Result<(), Failure> {
    if !sure.must_ask(deed, effect)? {
        return Ok(());
    }
    let mut bricks = bricks.to_vec();
    if bricks.is_empty() {
        bricks = bricks_of(client, target).await?;
    }
    let deed = if bricks.is_empty() { deed.to_owned() } else { format!("{deed} ({})", bricks.join(", ")) };
    sure.ask(&deed, effect).await
}

/// The bricks of the volume's remove-brick, as far as one is known.
async fn bricks_of(client: &Client, target: &Target) -> Result<Vec<String>, Failure> {
    let request = client.request(ListTasksRequest { pool: target.pool.clone() });
    let listed = client.tasks().list_tasks(request).await;
    let listed = listed.map_err(|status| Failure::refused("list tasks", &status))?.into_inner();
    let task = listed
        .tasks
        .into_iter()
        .find(|task| task.volume_name == target.volume && task.r#type() == TaskType::RemoveBrick);
    let bricks = task.into_iter().flat_map(|task| task.bricks);
    Ok(bricks.map(|brick| brick.name).collect())
}
