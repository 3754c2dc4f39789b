//! Commits the remove-bricks that asked for it, once the gate is open. What shuts it
//! is told once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hod_core::event::Severity;
use hod_core::id::JobId;
use tokio::time::Instant;

use super::throttles::why;
use super::{Chore, House};
use crate::commands::Refusal;
use crate::commands::commit_remove_brick::CommitRemoveBrick;
use crate::store::CommandEvent;

/// Who commits.
const ACTOR: &str = "hod (auto-commit)";
/// A gate that was shut is tried again after this time: a walk costs.
const AGAIN: Duration = Duration::from_secs(300);

#[derive(Default)]
pub(super) struct AutoCommit {
    /// When each job's gate was found shut last.
    shut: BTreeMap<JobId, Instant>,
}

#[async_trait]
impl Chore for AutoCommit {
    fn name(&self) -> &'static str {
        "committing remove-bricks"
    }

    fn on_news(&self) -> bool {
        true
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let awaiting = house.commands.store.awaiting_auto_commit(house.pool.id).await?;
        self.shut
            .retain(|job, at| at.elapsed() < AGAIN && awaiting.iter().any(|task| task.record.job == *job));
        let mut failed = Ok(());
        for task in awaiting {
            let record = task.record;
            if self.shut.contains_key(&record.job) {
                continue;
            }
            let asked = house.asked(record.volume, ACTOR);
            let commit = Arc::new(CommitRemoveBrick::default());
            let why = match Box::pin(house.commands.end(commit, asked)).await {
                // Whether it was done shows; it is not asked for again at once.
                Ok(_) => {
                    self.shut.insert(record.job, Instant::now());
                    continue;
                }
                Err(e @ (Refusal::Problems { .. } | Refusal::Gluster { .. })) => why(&e),
                Err(e) => {
                    failed = Err(e);
                    continue;
                }
            };
            self.shut.insert(record.job, Instant::now());
            let event = CommandEvent {
                severity: Severity::Warning,
                kind: "auto-commit-waits",
                message: format!("it is not committed by itself yet: {why}"),
                actor: ACTOR.to_owned(),
            };
            house.commands.store.record_once(house.lease()?, record.job, &event).await?;
        }
        failed
    }
}
