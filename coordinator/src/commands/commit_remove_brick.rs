//! `remove-brick commit`, through the gate: no file may be lost unknowingly.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use hod_core::brick::Brick;
use hod_core::command::checks;
use hod_core::command::gate::{Gate, GateFacts, gate};
use hod_core::command::problem::Problem;
use hod_core::event::Severity;
use hod_core::id::HostId;
use hod_core::record::TaskRecord;
use hod_core::task::{Counters, PartStatus, TaskStatus};
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;
use hod_proto::convert::agent::outcome::Part;

use super::agents::{Acting, Agents, within};
use super::ending::{CheckedEnd, Ending};
use super::gather::{Known, Needs};
use super::resolve::as_listed;
use super::walk::walk;

/// A status call takes the volume's lock: Gluster's own time-out bounds it.
const STATUS: std::time::Duration = std::time::Duration::from_secs(130);

/// Takes the bricks away once the gate is open.
#[derive(Clone, Debug, Default)]
pub struct CommitRemoveBrick {
    /// As the operator names them; none: the task's.
    pub bricks: Vec<String>,
    /// The number of files that are knowingly given up.
    pub accept_data_loss: Option<u64>,
    /// Only says what shuts the gate: a loss that could be accepted shuts it too.
    pub dry_run: bool,
}

#[async_trait]
impl Ending for CommitRemoveBrick {
    fn what(&self) -> &'static str {
        "commit the remove-brick"
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
                Problem::new(
                    "paused",
                    "it is paused, so its files have not all been moved",
                    "let it go on first",
                )
                .of("volume"),
            );
            return CheckedEnd { problems, ..CheckedEnd::default() };
        }
        let named = known.resolve("bricks", &self.bricks);
        problems.extend(named.problems);
        let (gate, unread) = self.gate(known, &task, named.bricks).await;
        problems.extend(unread);
        let accepted = self.accept_data_loss.filter(|_| !self.dry_run);
        let passed = gate.pass(accepted);
        let is_open = problems.is_empty() && passed.is_ok();
        problems.extend(passed.err().unwrap_or_default());
        let mut notes = Vec::new();
        if let (Some(files), true, false) = (accepted, is_open, gate.loss.is_empty()) {
            let why: Vec<&str> = gate.loss.iter().map(|p| p.message.as_str()).collect();
            let message = format!("the loss of {files} files was accepted: {}", why.join("; "));
            notes.push((Severity::Warning, "data-loss-accepted", message));
        }
        CheckedEnd { problems, task: Some(task), paused: false, notes }
    }

    async fn execute(&self, known: &Known, task: &TaskRecord, acting: &Acting) -> Outcome {
        let request = pb::CommitRemoveBrickRequest {
            request_id: acting.request.to_string(),
            volume: known.volume.name.clone(),
            bricks: as_listed(task),
            lease: Some(acting.lease.into()),
        };
        acting.run(acting.agent.client.clone().commit_remove_brick(request), |answer| answer.outcome).await
    }
}

type Parts = BTreeMap<HostId, (PartStatus, Counters)>;

impl CommitRemoveBrick {
    /// The gate, and why the task's status could not be asked for, if it could not.
    async fn gate(&self, known: &Known, task: &TaskRecord, named: Vec<Brick>) -> (Gate, Option<Problem>) {
        let must: BTreeSet<HostId> =
            task.parts.iter().filter(|(_, p)| p.must_take_part).map(|(host, _)| *host).collect();
        let all_completed = |parts: &Parts| {
            must.iter().all(|h| parts.get(h).is_some_and(|(s, _)| *s == PartStatus::Completed))
        };
        let mut told = status(&known.agents, known, task).await;
        let bricks: Vec<Brick> = task.bricks.iter().filter_map(|b| b.brick.clone()).collect();
        let mut walks = BTreeMap::new();
        // While it runs files are left for sure, and a walk would only cost.
        let walked = told.as_ref().is_ok_and(all_completed);
        if walked {
            walks = walk(&known.agents, &known.volume.name, &bricks).await;
            // A walk may take long: what counts is how it stands after.
            told = status(&known.agents, known, task).await;
        }
        let unread = told.as_ref().err().map(|why| {
            let message = format!("how the task stands is not known: {why}");
            Problem::new("status-unknown", message, "try again in a moment")
        });
        let names = known.hosts.iter().map(|(id, h)| (*id, h.name.clone())).collect();
        let facts = GateFacts {
            task,
            parts: told.unwrap_or_default(),
            named,
            walks,
            geo_replication: known.geo_replication,
            names,
        };
        let mut gate = gate(&facts);
        if !walked {
            gate.problems.retain(|p| p.code != "walk-missing");
        }
        if unread.is_some() {
            gate.problems.retain(|p| p.code != "host-silent");
        }
        (gate, unread)
    }
}

/// How every host's part stands, by a status call made now.
async fn status(agents: &Agents, known: &Known, task: &TaskRecord) -> Result<Parts, String> {
    let (_, agent) = agents.any().await?;
    let request = pb::GetTaskStatusRequest { volume: known.volume.name.clone() };
    let told = within(STATUS, agent.client.clone().get_task_status(request)).await?;
    let told = told.task.unwrap_or_default();
    if told.task_id != task.task.to_string() {
        return Err(match told.task_id.as_str() {
            "" => "Gluster knows of no task of the volume".to_owned(),
            other => format!("Gluster tells of another task, {other}"),
        });
    }
    let parts: Result<Vec<Part>, _> = told.parts.into_iter().map(Part::try_from).collect();
    let parts = parts.map_err(|e| format!("the agent's answer can't be read: {e}"))?;
    Ok(parts.into_iter().filter_map(|p| Some((p.host?, (p.status, p.counters)))).collect())
}
