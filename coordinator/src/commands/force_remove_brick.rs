//! `remove-brick force`: takes whole sets away without moving their files.
//!
//! On a volume without a task it is a job of its own; on one whose remove-brick is
//! under way it ends that.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::checks;
use hod_core::command::gate::Walk;
use hod_core::command::intention::Intended;
use hod_core::command::problem::Problem;
use hod_core::event::Severity;
use hod_core::job::StepType;
use hod_core::record::TaskRecord;
use hod_core::task::{TaskStatus, TaskType};
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::{Acting, not_run};
use super::ending::{CheckedEnd, Ending};
use super::gather::{Known, Needs};
use super::resolve::{Named, as_listed, other_bricks, with_unresolved};
use super::runner::{Checked, Command, NewJob, Opening};
use super::walk::walk;
use super::{Asked, Commands, Receipt, Refusal};

/// Takes bricks away: what only they hold is lost.
#[derive(Clone, Debug, Default)]
pub struct ForceRemoveBrick {
    /// As the operator names them.
    pub bricks: Vec<String>,
    /// The number of files that are knowingly given up.
    pub accept_data_loss: Option<u64>,
}

type Notes = Vec<(Severity, &'static str, String)>;

impl Commands {
    /// Takes bricks away by force.
    ///
    /// # Errors
    /// As for [`Commands::run`] and [`Commands::end`].
    pub async fn force_remove_brick(
        self: &Arc<Self>,
        force: ForceRemoveBrick,
        asked: Asked,
    ) -> Result<Receipt, Refusal> {
        let known = Box::pin(self.gather(&asked.pool, &asked.volume, Needs::default())).await?;
        let under_way = known.task.as_ref().is_some_and(|t| t.task_type == Some(TaskType::RemoveBrick));
        match under_way {
            true => Box::pin(self.end(Arc::new(force), asked)).await,
            false => Box::pin(self.run(Arc::new(force), asked)).await,
        }
    }
}

impl ForceRemoveBrick {
    /// What files only the bricks hold: all that lie on them, for none of the others of
    /// their sets stays.
    async fn loss(&self, known: &Known, bricks: &[Brick]) -> (Vec<Problem>, Notes) {
        let walks = walk(&known.agents, &known.volume.name, bricks).await;
        let mut problems = Vec::new();
        let unfinished = walks.iter().filter_map(|(brick, walk)| match walk {
            Walk::Unfinished(why) => Some((brick, why)),
            Walk::Finished { .. } => None,
        });
        for (brick, why) in unfinished {
            problems.push(Problem::new(
                "walk-unfinished",
                format!(
                    "how many files would be lost with {} is not known: {why}",
                    known.names(std::slice::from_ref(brick)).join("")
                ),
                "bring its host's agent up, or use Gluster's own command line once you are sure",
            ));
        }
        let files = lost(known, &walks);
        let mut notes = Notes::new();
        match self.accept_data_loss {
            _ if files == 0 => {}
            // Of a migration that goes on fewer and fewer are lost.
            Some(accepted) if files <= accepted => {
                let message = format!("the loss of {files} files was accepted (up to {accepted})");
                notes.push((Severity::Warning, "data-loss-accepted", message));
            }
            accepted => {
                let said = accepted.map(|a| format!(", not {a}")).unwrap_or_default();
                problems.push(
                    Problem::new(
                        "files-lost",
                        format!("{files} files lie on these bricks and would be lost{said}"),
                        "move them with remove-brick start, or name their number if you mean to lose them",
                    )
                    .of("accept_data_loss"),
                );
            }
        }
        (problems, notes)
    }
}

/// How many files lie on the bricks: each is on every brick of its set.
fn lost(known: &Known, walks: &BTreeMap<Brick, Walk>) -> u64 {
    let files = |brick: &Brick| match walks.get(brick) {
        Some(Walk::Finished { files, .. }) => *files,
        _ => 0,
    };
    let of_set = |set: &[hod_core::volume::VolumeBrick]| {
        set.iter().filter_map(|b| b.brick.as_ref()).map(files).max().unwrap_or(0)
    };
    known.volume.sets().map(of_set).fold(0, u64::saturating_add)
}

#[async_trait]
impl Command for ForceRemoveBrick {
    fn action(&self) -> &'static str {
        "remove-brick-force"
    }

    fn step_type(&self) -> StepType {
        StepType::RemovingBricks
    }

    async fn check(&self, known: &Known) -> Checked {
        let Named { bricks, problems } = known.resolve("bricks", &self.bricks);
        let mut found = checks::force_remove_brick(&known.facts(), &bricks);
        let mut notes = Notes::new();
        if found.is_empty() && problems.is_empty() {
            let (loss, accepted) = self.loss(known, &bricks).await;
            (found, notes) = (loss, accepted);
        }
        let opening = Opening::New(NewJob::of(Intended::TakeBricks { bricks: bricks.clone() }));
        Checked {
            description: format!(
                "Removing {} from volume {} by force",
                self.bricks.join(", "),
                known.volume.name
            ),
            problems: with_unresolved(Named { bricks, problems }, found),
            opening: Some(opening),
            notes,
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        match intended {
            Intended::TakeBricks { bricks } => take(known, known.names(bricks), 0, acting).await,
            _ => Outcome::Refused(not_run("what is recorded takes no bricks")),
        }
    }
}

#[async_trait]
impl Ending for ForceRemoveBrick {
    fn what(&self) -> &'static str {
        "end the remove-brick by force"
    }

    fn needs(&self) -> Needs {
        Needs { bricks: true, split_brain: false }
    }

    async fn check(&self, known: &Known) -> CheckedEnd {
        let mut problems = checks::stop(&known.facts(), true);
        problems.extend(known.unsettled());
        let Some(task) = known.task.clone().filter(|_| problems.is_empty()) else {
            return CheckedEnd { problems, ..CheckedEnd::default() };
        };
        if task.status == TaskStatus::Paused {
            problems.push(
                Problem::new("paused", "the remove-brick is paused", "end it with stop first, then force")
                    .of("volume"),
            );
        }
        let named = known.resolve("bricks", &self.bricks);
        problems.extend(other_bricks(&task, &named));
        let mut notes = Notes::new();
        if problems.is_empty() {
            let bricks: Vec<Brick> = task.bricks.iter().filter_map(|b| b.brick.clone()).collect();
            (problems, notes) = self.loss(known, &bricks).await;
        }
        CheckedEnd { problems, task: Some(task), paused: false, notes }
    }

    async fn execute(&self, known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome {
        take(known, as_listed(task), 0, acting).await
    }
}

/// Has Gluster take bricks away; with a replica count, one of each set.
pub(super) async fn take(known: &Known, bricks: Vec<String>, replica_count: u32, acting: &Acting) -> Outcome {
    let request = pb::ForceRemoveBrickRequest {
        request_id: acting.request.to_string(),
        volume: known.volume.name.clone(),
        bricks,
        replica_count,
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().force_remove_brick(request), |answer| answer.outcome).await
}
