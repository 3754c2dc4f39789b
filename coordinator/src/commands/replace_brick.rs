//! `replace-brick … commit force`: another brick comes into a brick's place, and is
//! healed. One job from check to healed; the heal is watched by housekeeping.

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::checks;
use hod_core::command::intention::Intended;
use hod_core::command::problem::Problem;
use hod_core::command::space::BrickPlan;
use hod_core::id::TaskId;
use hod_core::job::StepType;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::agents::{Acting, not_run};
use super::gather::{Known, Needs};
use super::resolve::{Named, read, with_unresolved};
use super::runner::{Checked, Command, NewJob, Opening};

/// Puts another brick in a brick's place.
#[derive(Clone, Debug, Default)]
pub struct ReplaceBrick {
    /// The volume's brick, as the operator names it.
    pub old: String,
    /// The new one.
    pub new: String,
}

#[async_trait]
impl Command for ReplaceBrick {
    fn action(&self) -> &'static str {
        "replace-brick"
    }

    fn step_type(&self) -> StepType {
        StepType::ReplacingBrick
    }

    fn needs(&self) -> Needs {
        Needs { bricks: true, split_brain: true }
    }

    async fn check(&self, known: &Known) -> Checked {
        let old = known.resolve("old_brick", std::slice::from_ref(&self.old));
        let (new, mut problems) = self.new_brick(known, old.bricks.first());
        let volume_brick = old.bricks.first().and_then(|b| known.volume_brick(b));
        let unread = !old.problems.is_empty();
        let mut found = checks::replace_brick(&known.facts(), volume_brick, new.as_ref().map(|b| b.host));
        if unread {
            // Why it could not be read is told already.
            found.retain(|p| p.code != "no-such-brick");
        }
        found.extend(known.split_brain_problem());
        problems.extend(found);
        let intended = match (old.bricks.first(), new) {
            (Some(old), Some(new)) => {
                let task = TaskId::from_untyped_uuid(Uuid::new_v4());
                Some(Intended::ReplaceBrick { old: old.clone(), new, task })
            }
            _ => None,
        };
        Checked {
            description: format!("Replacing {} of volume {} by {}", self.old, known.volume.name, self.new),
            bytes_to_move: old.bricks.first().map_or(0, |old| to_heal(known, old)),
            bricks: as_they_are(known),
            problems: with_unresolved(Named { problems: old.problems, bricks: old.bricks }, problems),
            opening: intended.map(|intended| Opening::New(NewJob::of(intended))),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, intended: &Intended, acting: &Acting) -> Outcome {
        let (Intended::ReplaceBrick { old, .. }, Ok(new)) = (intended, read("new_brick", &self.new)) else {
            return Outcome::Refused(not_run("what is recorded replaces no brick"));
        };
        let request = pb::ReplaceBrickRequest {
            request_id: acting.request.to_string(),
            volume: known.volume.name.clone(),
            old_brick: known.names(std::slice::from_ref(old)).join(""),
            new_brick: new.to_string(),
            lease: Some(acting.lease.into()),
        };
        acting.run(acting.agent.client.clone().replace_brick(request), |answer| answer.outcome).await
    }
}

impl ReplaceBrick {
    /// The new brick, and what is wrong with it.
    fn new_brick(&self, known: &Known, old: Option<&Brick>) -> (Option<Brick>, Vec<Problem>) {
        let field = "new_brick";
        let new = match read(field, &self.new).and_then(|name| known.new_brick(field, &name)) {
            Ok(new) => new,
            Err(problem) => return (None, vec![problem]),
        };
        let mut problems = Vec::new();
        let volumes = known.recorded.volumes.values().map(|r| &r.volume);
        let used = volumes.chain([&known.volume]).find(|v| v.has(&new));
        if old == Some(&new) {
            let message = format!("{} is the brick that is to be replaced", self.new);
            let advice = "to take the same brick into service anew, reset it: leave the new brick out";
            problems.push(Problem::new("same-brick", message, advice).of(field));
        } else if let Some(volume) = used {
            let message = format!("{} is a brick of volume {} already", self.new, volume.name);
            problems.push(Problem::new("brick-in-use", message, "name a folder that is no brick").of(field));
        }
        (Some(new), problems)
    }
}

/// What has to be copied to a brick of this set, at most.
pub(super) fn to_heal(known: &Known, old: &Brick) -> u64 {
    let facts = known.facts();
    let is_old = |b: &hod_core::volume::VolumeBrick| b.brick.as_ref() == Some(old);
    let set = known.volume.sets().find(|set| set.iter().any(is_old)).unwrap_or_default();
    let used = set.iter().filter(|b| !b.arbiter && !is_old(b)).filter_map(|b| facts.brick(b).space);
    used.map(|s| s.total.saturating_sub(s.free)).max().unwrap_or(0)
}

/// The volume's bricks, where nothing is reckoned of what comes after.
pub(super) fn as_they_are(known: &Known) -> Vec<BrickPlan> {
    let facts = known.facts();
    let bricks = known.volume.bricks.iter();
    bricks
        .map(|b| BrickPlan { brick: b.clone(), space: facts.brick(b).space, free_after: None, goes: false })
        .collect()
}
