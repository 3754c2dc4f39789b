//! Lowers a replica count: takes one copy of everything away, and moves no data.
//! Gluster takes it as a `remove-brick … replica N … force` only (108).

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::command::intention::Intended;
use hod_core::job::StepType;
use hod_proto::convert::agent::Outcome;

use super::agents::{Acting, not_run};
use super::force_remove_brick::take;
use super::gather::{Known, Needs};
use super::resolve::with_unresolved;
use super::runner::{Checked, Command, NewJob, Opening};

/// Takes one brick of each replica set away.
#[derive(Clone, Debug, Default)]
pub struct LowerReplicaCount {
    /// The count that is left.
    pub replica_count: u32,
    /// As the operator names them.
    pub bricks: Vec<String>,
}

#[async_trait]
impl Command for LowerReplicaCount {
    fn action(&self) -> &'static str {
        "replica-lower"
    }

    fn step_type(&self) -> StepType {
        StepType::RemovingBricks
    }

    fn needs(&self) -> Needs {
        Needs { bricks: true, split_brain: true }
    }

    async fn check(&self, known: &Known) -> Checked {
        let named = known.resolve("bricks", &self.bricks);
        let bricks = named.bricks.clone();
        let mut found = checks::lower_replica_count(&known.facts(), self.replica_count, &bricks);
        found.extend(known.split_brain_problem());
        Checked {
            description: format!(
                "Lowering the replica count of volume {} to {}, without {}",
                known.volume.name,
                self.replica_count,
                self.bricks.join(", ")
            ),
            problems: with_unresolved(named, found),
            opening: Some(Opening::New(NewJob::of(Intended::TakeBricks { bricks }))),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        match intended {
            Intended::TakeBricks { bricks } => {
                take(known, known.names(bricks), self.replica_count, acting).await
            }
            _ => Outcome::Refused(not_run("what is recorded takes no bricks")),
        }
    }
}
