//! `rebalance start`, `rebalance fix-layout start`.

use async_trait::async_trait;
use hod_core::command::checks;
use hod_core::command::intention::{Intended, Start};
use hod_core::command::problem::Problem;
use hod_core::command::space;
use hod_core::job::StepType;
use hod_core::task::TaskType;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use super::gather::Known;
use super::runner::{Checked, Command, NewJob, Opening};
use super::{set_windows, throttle};
use crate::store::VolumeWindow;

/// The word for a start by force: it goes on so after a pause.
pub(super) const FORCED: &str = "rebalance-start-force";

/// Spreads files over the bricks anew.
#[derive(Clone, Debug, Default)]
pub struct StartRebalance {
    /// Only the layout of folders.
    pub fix_layout: bool,
    /// Also files whose target brick has less free space.
    pub force: bool,
    /// Gluster's word for how fast.
    pub throttle: Option<&'static str>,
    /// The volume's windows from now on; none: as they are.
    pub windows: Vec<VolumeWindow>,
}

#[async_trait]
impl Command for StartRebalance {
    fn action(&self) -> &'static str {
        match (self.fix_layout, self.force) {
            (true, _) => "fix-layout-start",
            (false, true) => FORCED,
            (false, false) => "rebalance-start",
        }
    }

    fn step_type(&self) -> StepType {
        StepType::RebalancingVolume
    }

    async fn check(&self, known: &Known) -> Checked {
        let facts = known.facts();
        let mut problems = Vec::new();
        if self.fix_layout && self.force {
            problems.push(
                Problem::new(
                    "bad-option",
                    "a fix-layout moves no file that could be forced",
                    "leave one of the two out",
                )
                .of("force"),
            );
        }
        problems.extend(set_windows::problems(&self.windows));
        problems.extend(checks::start_rebalance(&facts));
        let what = if self.fix_layout { "Fixing the layout" } else { "Rebalancing" };
        let of = if self.fix_layout { "of volume" } else { "volume" };
        // Where files will go is Gluster's to decide: only what is there now is shown.
        let mut bricks = space::plan(&facts, &[]).map(|p| p.bricks).unwrap_or_default();
        bricks.iter_mut().for_each(|b| b.free_after = None);
        let start = Start {
            task_type: TaskType::Rebalance { fix_layout: self.fix_layout },
            bricks: Vec::new(),
            before: known.before.clone(),
            run: 1,
            earlier: std::collections::BTreeMap::new(),
        };
        Checked {
            description: format!("{what} {of} {}", known.volume.name),
            problems,
            bricks,
            opening: Some(Opening::New(NewJob {
                windows: (!self.windows.is_empty()).then(|| self.windows.clone()),
                throttle: throttle::wanted(&known.volume, self.throttle),
                ..NewJob::of(Intended::Start(start))
            })),
            ..Checked::default()
        }
    }

    async fn execute_and_return_task(&self, known: &Known, _: &Intended, acting: &Acting) -> Outcome {
        start(known, acting, self.fix_layout, self.force).await
    }
}

/// Has Gluster start a rebalance.
pub(super) async fn start(known: &Known, acting: &Acting, fix_layout: bool, force: bool) -> Outcome {
    let request = pb::StartRebalanceRequest {
        request_id: acting.request.to_string(),
        volume: known.volume.name.clone(),
        fix_layout,
        force,
        lease: Some(acting.lease.into()),
    };
    acting.run(acting.agent.client.clone().start_rebalance(request), |answer| answer.outcome).await
}
