//! `hod.coordinator.v1.Commands`: what operators have hod do. Requests are read here;
//! how each command runs is its own file's, in [`crate::commands`].

use std::sync::Arc;

use hod_proto::convert::common::duration;
use hod_proto::convert::coordinator::throttle;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::commands_server::Commands;
use tonic::{Request, Response, Status};

use super::{Api, check, identity, problem};
use crate::commands::commit_remove_brick::CommitRemoveBrick;
use crate::commands::ending::Ending;
use crate::commands::force_remove_brick::ForceRemoveBrick;
use crate::commands::lower_replica_count::LowerReplicaCount;
use crate::commands::pause_rebalance::PauseRebalance;
use crate::commands::pause_remove_brick::PauseRemoveBrick;
use crate::commands::replace_brick::ReplaceBrick;
use crate::commands::reset_brick::ResetBrick;
use crate::commands::resume_rebalance::ResumeRebalance;
use crate::commands::resume_remove_brick::ResumeRemoveBrick;
use crate::commands::runner::Command;
use crate::commands::start_rebalance::StartRebalance;
use crate::commands::start_remove_brick::StartRemoveBrick;
use crate::commands::stop_rebalance::StopRebalance;
use crate::commands::stop_remove_brick::StopRemoveBrick;
use crate::commands::{Asked, Receipt, Refusal, Shown};
use crate::store::{Pool, VolumeWindow};

type Answer<T> = Result<Response<T>, Status>;

macro_rules! rows {
    ($($(#[$doc:meta])* $call:ident($request:ident) -> $response:ident: |$api:ident, $asked:ident, $actor:ident| $done:expr;)*) => {
        #[tonic::async_trait]
        impl Commands for Api {
            $(
                async fn $call(&self, request: Request<pb::$request>) -> Answer<pb::$response> {
                    let $actor = identity::actor(&request)?;
                    let ($api, $asked) = (self, request.into_inner());
                    let receipt = Box::pin($done).await?;
                    Ok(Response::new(pb::$response { receipt: Some(receipt) }))
                }
            )*
        }
    };
}

rows! {
    start_rebalance(StartRebalanceRequest) -> StartRebalanceResponse: |api, asked, actor| {
        let throttle = throttle("throttle", asked.throttle).map_err(|e| problem::unreadable(&e))?;
        let command = StartRebalance {
            fix_layout: asked.fix_layout,
            force: asked.force,
            throttle,
            windows: windows(asked.windows),
        };
        api.run(command, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    stop_rebalance(StopRebalanceRequest) -> StopRebalanceResponse: |api, asked, actor| {
        api.end(StopRebalance, &asked.pool, asked.volume, actor, false)
    };
    pause_rebalance(PauseRebalanceRequest) -> PauseRebalanceResponse: |api, asked, actor| {
        api.end(PauseRebalance, &asked.pool, asked.volume, actor, false)
    };
    resume_rebalance(ResumeRebalanceRequest) -> ResumeRebalanceResponse: |api, asked, actor| {
        api.run(ResumeRebalance, &asked.pool, asked.volume, actor, false)
    };
    start_remove_brick(StartRemoveBrickRequest) -> StartRemoveBrickResponse: |api, asked, actor| {
        let throttle = throttle("throttle", asked.throttle).map_err(|e| problem::unreadable(&e))?;
        let command =
            StartRemoveBrick { bricks: asked.bricks, throttle, auto_commit: asked.auto_commit };
        api.run(command, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    stop_remove_brick(StopRemoveBrickRequest) -> StopRemoveBrickResponse: |api, asked, actor| {
        let ending = StopRemoveBrick { bricks: asked.bricks };
        api.end(ending, &asked.pool, asked.volume, actor, false)
    };
    commit_remove_brick(CommitRemoveBrickRequest) -> CommitRemoveBrickResponse: |api, asked, actor| {
        let ending = CommitRemoveBrick {
            bricks: asked.bricks,
            accept_data_loss: asked.accept_data_loss,
            dry_run: asked.dry_run,
        };
        api.end(ending, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    force_remove_brick(ForceRemoveBrickRequest) -> ForceRemoveBrickResponse: |api, asked, actor| {
        let force =
            ForceRemoveBrick { bricks: asked.bricks, accept_data_loss: asked.accept_data_loss };
        async move {
            let asked = api.asked(&asked.pool, asked.volume, actor, asked.dry_run).await?;
            receipt(api.commands.force_remove_brick(force, asked).await)
        }
    };
    pause_remove_brick(PauseRemoveBrickRequest) -> PauseRemoveBrickResponse: |api, asked, actor| {
        api.end(PauseRemoveBrick, &asked.pool, asked.volume, actor, false)
    };
    resume_remove_brick(ResumeRemoveBrickRequest) -> ResumeRemoveBrickResponse: |api, asked, actor| {
        api.run(ResumeRemoveBrick, &asked.pool, asked.volume, actor, false)
    };
    lower_replica_count(LowerReplicaCountRequest) -> LowerReplicaCountResponse: |api, asked, actor| {
        let command = LowerReplicaCount { replica_count: asked.replica_count, bricks: asked.bricks };
        api.run(command, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    replace_brick(ReplaceBrickRequest) -> ReplaceBrickResponse: |api, asked, actor| {
        let command = ReplaceBrick { old: asked.old_brick, new: asked.new_brick };
        api.run(command, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    reset_brick(ResetBrickRequest) -> ResetBrickResponse: |api, asked, actor| {
        api.run(ResetBrick { brick: asked.brick }, &asked.pool, asked.volume, actor, asked.dry_run)
    };
    set_windows(SetWindowsRequest) -> SetWindowsResponse: |api, asked, actor| async move {
        let windows = windows(asked.windows);
        let asked = api.asked(&asked.pool, asked.volume, actor, false).await?;
        receipt(api.commands.set_windows(asked, windows).await)
    };
    abandon_job(AbandonJobRequest) -> AbandonJobResponse: |api, asked, actor| async move {
        let job = check::id("job_id", &asked.job_id)?;
        receipt(api.commands.abandon(job, &actor, &asked.reason).await)
    };
}

impl Api {
    async fn run(
        &self,
        command: impl Command,
        pool: &str,
        volume: String,
        actor: String,
        dry_run: bool,
    ) -> Result<pb::Receipt, Status> {
        let asked = self.asked(pool, volume, actor, dry_run).await?;
        receipt(self.commands.run(Arc::new(command), asked).await)
    }

    async fn end(
        &self,
        ending: impl Ending,
        pool: &str,
        volume: String,
        actor: String,
        dry_run: bool,
    ) -> Result<pb::Receipt, Status> {
        let asked = self.asked(pool, volume, actor, dry_run).await?;
        receipt(self.commands.end(Arc::new(ending), asked).await)
    }

    async fn asked(&self, pool: &str, volume: String, actor: String, dry_run: bool) -> Result<Asked, Status> {
        check::needed("volume", &volume)?;
        Ok(Asked { pool: self.pool_meant(pool).await?, volume, actor, dry_run })
    }

    /// The pool that is named; the only one there is, if none is.
    async fn pool_meant(&self, name: &str) -> Result<Pool, Status> {
        if !name.is_empty() {
            return self.pool_named(name).await;
        }
        let mut pools = self.store.pools().await.map_err(problem::store)?;
        match (pools.pop(), pools.as_slice()) {
            (Some(only), []) => Ok(only),
            (None, _) => Err(problem::invalid("pool", "there is none yet: add one first")),
            (Some(last), others) => {
                let mut names: Vec<&str> = others.iter().map(|p| p.name.as_str()).collect();
                names.push(&last.name);
                let problem = format!("is needed, as there are several: {}", names.join(", "));
                Err(problem::invalid("pool", problem))
            }
        }
    }
}

fn windows(windows: Vec<pb::Window>) -> Vec<VolumeWindow> {
    let read = |w: pb::Window| VolumeWindow {
        weekdays: w.weekdays,
        begin: w.begin,
        end: w.end,
        zone: if w.time_zone.is_empty() { "UTC".to_owned() } else { w.time_zone },
    };
    windows.into_iter().map(read).collect()
}

fn receipt(done: Result<Receipt, Refusal>) -> Result<pb::Receipt, Status> {
    let done = done.map_err(problem::command)?;
    Ok(pb::Receipt {
        job_id: done.job.map(|id| id.to_string()).unwrap_or_default(),
        step_id: done.step.map(|id| id.to_string()).unwrap_or_default(),
        message: done.message,
        plan: done.plan.map(plan),
    })
}

fn plan(shown: Shown) -> pb::Plan {
    pb::Plan {
        estimate: shown.estimate().map(duration),
        description: shown.description,
        problems: shown.problems.iter().map(Into::into).collect(),
        bytes_to_move: shown.bytes_to_move,
        bricks: shown.bricks.iter().map(Into::into).collect(),
        rate: shown.rate.unwrap_or(0),
    }
}
