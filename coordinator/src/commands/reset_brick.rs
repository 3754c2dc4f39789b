//! `reset-brick`: the same brick is taken into service anew, and healed.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::command::intention::Intended;
use hod_core::error::GlusterError;
use hod_core::id::TaskId;
use hod_core::job::StepType;
use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::reset_brick_request::Phase;
use hod_proto::convert::agent::Outcome;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::agents::{Acting, not_run};
use super::gather::{Known, Needs};
use super::replace_brick::{as_they_are, to_heal};
use super::resolve::{Named, with_unresolved};
use super::runner::{Checked, Command, NewJob, Opening};

/// Takes a brick into service anew.
#[derive(Clone, Debug, Default)]
pub struct ResetBrick {
    /// The volume's brick, as the operator names it.
    pub brick: String,
}

#[async_trait]
impl Command for ResetBrick {
    fn action(&self) -> &'static str {
        "reset-brick"
    }

    fn step_type(&self) -> StepType {
        StepType::ReplacingBrick
    }

    fn needs(&self) -> Needs {
        Needs { bricks: true, split_brain: true }
    }

    async fn check(&self, known: &Known) -> Checked {
        let Named { bricks, problems } = known.resolve("brick", std::slice::from_ref(&self.brick));
        let brick = bricks.first().cloned();
        let volume_brick = brick.as_ref().and_then(|b| known.volume_brick(b));
        let host = brick.as_ref().map(|b| b.host);
        let mut found = checks::replace_brick(&known.facts(), volume_brick, host);
        for problem in &mut found {
            if problem.field == "old_brick" {
                problem.field = "brick";
            }
        }
        if !problems.is_empty() {
            found.retain(|p| p.code != "no-such-brick");
        }
        found.extend(known.split_brain_problem());
        let task = TaskId::from_untyped_uuid(Uuid::new_v4());
        let intended = brick.clone().map(|brick| Intended::ResetBrick { brick, task });
        Checked {
            description: format!("Resetting {} of volume {}", self.brick, known.volume.name),
            bytes_to_move: brick.map_or(0, |b| to_heal(known, &b)),
            bricks: as_they_are(known),
            problems: with_unresolved(Named { bricks, problems }, found),
            opening: intended.map(|intended| Opening::New(NewJob::of(intended))),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        let Intended::ResetBrick { brick, .. } = intended else {
            return Outcome::Refused(not_run("what is recorded resets no brick"));
        };
        let name = known.names(std::slice::from_ref(brick)).join("");
        let started = phase(known, &name, Phase::Start, acting, acting.request).await;
        if !matches!(started, Outcome::Done { .. }) {
            return started;
        }
        let request = Uuid::new_v5(&acting.request, b"commit");
        match phase(known, &name, Phase::Commit, acting, request).await {
            Outcome::Refused(error) => {
                let message = format!(
                    "{name} was taken out of service, and Gluster refused to take it back: {}; mend that, \
                     then reset it again",
                    error.message
                );
                Outcome::Refused(GlusterError { message, ..error })
            }
            outcome => outcome,
        }
    }
}

async fn phase(known: &Known, brick: &str, phase: Phase, acting: &Acting, request: Uuid) -> Outcome {
    let request = pb::ResetBrickRequest {
        request_id: request.to_string(),
        volume: known.volume.name.clone(),
        brick: brick.to_owned(),
        phase: phase.into(),
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().reset_brick(request), |answer| answer.outcome).await
}
