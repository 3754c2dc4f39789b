//! The fake coordinator's commands: it notes what it is asked, and answers what it was
//! given to answer.

use hod_proto::coordinator::v1::commands_server::Commands;
use hod_proto::coordinator::v1::*;
use tonic::{Request, Response, Status};

use super::{Answer, Shared};

impl Shared {
    /// Notes the request; the receipt, or for a dry run the plan.
    fn commanded<T: serde::Serialize>(
        &self,
        name: &'static str,
        request: &Request<T>,
        dry_run: bool,
    ) -> Result<Option<Receipt>, Status> {
        let mut state = self.called(request)?;
        let asked = serde_json::to_value(request.get_ref()).unwrap();
        state.commands.push((name, asked));
        Ok(Some(match dry_run {
            true => Receipt { plan: Some(state.plan.clone()), ..Receipt::default() },
            false => state.receipt.clone(),
        }))
    }
}

#[tonic::async_trait]
impl Commands for Shared {
    async fn start_rebalance(
        &self,
        request: Request<StartRebalanceRequest>,
    ) -> Answer<StartRebalanceResponse> {
        let receipt = self.commanded("StartRebalance", &request, request.get_ref().dry_run)?;
        Ok(Response::new(StartRebalanceResponse { receipt }))
    }

    async fn stop_rebalance(&self, request: Request<StopRebalanceRequest>) -> Answer<StopRebalanceResponse> {
        let receipt = self.commanded("StopRebalance", &request, false)?;
        Ok(Response::new(StopRebalanceResponse { receipt }))
    }

    async fn pause_rebalance(
        &self,
        request: Request<PauseRebalanceRequest>,
    ) -> Answer<PauseRebalanceResponse> {
        let receipt = self.commanded("PauseRebalance", &request, false)?;
        Ok(Response::new(PauseRebalanceResponse { receipt }))
    }

    async fn resume_rebalance(
        &self,
        request: Request<ResumeRebalanceRequest>,
    ) -> Answer<ResumeRebalanceResponse> {
        let receipt = self.commanded("ResumeRebalance", &request, false)?;
        Ok(Response::new(ResumeRebalanceResponse { receipt }))
    }

    async fn start_remove_brick(
        &self,
        request: Request<StartRemoveBrickRequest>,
    ) -> Answer<StartRemoveBrickResponse> {
        let receipt = self.commanded("StartRemoveBrick", &request, request.get_ref().dry_run)?;
        Ok(Response::new(StartRemoveBrickResponse { receipt }))
    }

    async fn stop_remove_brick(
        &self,
        request: Request<StopRemoveBrickRequest>,
    ) -> Answer<StopRemoveBrickResponse> {
        let receipt = self.commanded("StopRemoveBrick", &request, false)?;
        Ok(Response::new(StopRemoveBrickResponse { receipt }))
    }

    async fn commit_remove_brick(
        &self,
        request: Request<CommitRemoveBrickRequest>,
    ) -> Answer<CommitRemoveBrickResponse> {
        let receipt = self.commanded("CommitRemoveBrick", &request, request.get_ref().dry_run)?;
        Ok(Response::new(CommitRemoveBrickResponse { receipt }))
    }

    async fn force_remove_brick(
        &self,
        request: Request<ForceRemoveBrickRequest>,
    ) -> Answer<ForceRemoveBrickResponse> {
        let receipt = self.commanded("ForceRemoveBrick", &request, request.get_ref().dry_run)?;
        Ok(Response::new(ForceRemoveBrickResponse { receipt }))
    }

    async fn pause_remove_brick(
        &self,
        request: Request<PauseRemoveBrickRequest>,
    ) -> Answer<PauseRemoveBrickResponse> {
        let receipt = self.commanded("PauseRemoveBrick", &request, false)?;
        Ok(Response::new(PauseRemoveBrickResponse { receipt }))
    }

    async fn resume_remove_brick(
        &self,
        request: Request<ResumeRemoveBrickRequest>,
    ) -> Answer<ResumeRemoveBrickResponse> {
        let receipt = self.commanded("ResumeRemoveBrick", &request, false)?;
        Ok(Response::new(ResumeRemoveBrickResponse { receipt }))
    }

    async fn lower_replica_count(
        &self,
        request: Request<LowerReplicaCountRequest>,
    ) -> Answer<LowerReplicaCountResponse> {
        let receipt = self.commanded("LowerReplicaCount", &request, request.get_ref().dry_run)?;
        Ok(Response::new(LowerReplicaCountResponse { receipt }))
    }

    async fn replace_brick(&self, request: Request<ReplaceBrickRequest>) -> Answer<ReplaceBrickResponse> {
        let receipt = self.commanded("ReplaceBrick", &request, request.get_ref().dry_run)?;
        Ok(Response::new(ReplaceBrickResponse { receipt }))
    }

    async fn reset_brick(&self, request: Request<ResetBrickRequest>) -> Answer<ResetBrickResponse> {
        let receipt = self.commanded("ResetBrick", &request, request.get_ref().dry_run)?;
        Ok(Response::new(ResetBrickResponse { receipt }))
    }

    async fn set_windows(&self, request: Request<SetWindowsRequest>) -> Answer<SetWindowsResponse> {
        let receipt = self.commanded("SetWindows", &request, false)?;
        Ok(Response::new(SetWindowsResponse { receipt }))
    }

    async fn abandon_job(&self, request: Request<AbandonJobRequest>) -> Answer<AbandonJobResponse> {
        let receipt = self.commanded("AbandonJob", &request, false)?;
        Ok(Response::new(AbandonJobResponse { receipt }))
    }
}
