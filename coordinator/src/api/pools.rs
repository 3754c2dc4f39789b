//! `hod.coordinator.v1.Pools`: pools, their hosts and their volumes.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use hod_core::id::{HostId, PoolId};
use hod_proto::convert::coordinator;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::pools_client::PoolsClient;
use hod_proto::coordinator::v1::pools_server::Pools;
use tonic::{Request, Response, Status};
use tracing::info;

use super::{Api, forward, identity, problem, tell};
use crate::store::{Pool, PoolVolume};

#[tonic::async_trait]
impl Pools for Api {
    async fn add_pool(
        &self,
        request: Request<pb::AddPoolRequest>,
    ) -> Result<Response<pb::AddPoolResponse>, Status> {
        let actor = identity::actor(&request)?;
        let pool = self.take_up(request.into_inner(), actor).await?;
        let id = pool.id;
        info!(pool = %pool.name, "was added");
        self.sync.begin(pool.clone());
        Ok(Response::new(pb::AddPoolResponse {
            pool: Some(tell::pool(pool)),
            hosts: self.hosts_of(Some(id)).await?,
        }))
    }

    async fn list_pools(
        &self,
        _request: Request<pb::ListPoolsRequest>,
    ) -> Result<Response<pb::ListPoolsResponse>, Status> {
        let pools = self.store.pools().await.map_err(problem::store)?;
        Ok(Response::new(pb::ListPoolsResponse { pools: pools.into_iter().map(tell::pool).collect() }))
    }

    async fn get_pool(
        &self,
        request: Request<pb::GetPoolRequest>,
    ) -> Result<Response<pb::GetPoolResponse>, Status> {
        let pool = self.pool_named(&request.into_inner().pool).await?;
        Ok(Response::new(pb::GetPoolResponse { pool: Some(tell::pool(pool)) }))
    }

    async fn remove_pool(
        &self,
        request: Request<pb::RemovePoolRequest>,
    ) -> Result<Response<pb::RemovePoolResponse>, Status> {
        let actor = identity::actor(&request)?;
        let pool = self.pool_named(&request.into_inner().pool).await?;
        // Its sync ends by itself then; it is only waited for.
        self.store.remove_pool(pool.id).await.map_err(problem::store)?;
        self.sync.end(pool.id).await;
        // Its events are gone with it, so the log is where this is told.
        info!(pool = %pool.name, %actor, "was removed, with its jobs");
        Ok(Response::new(pb::RemovePoolResponse {}))
    }

    async fn list_hosts(
        &self,
        request: Request<pb::ListHostsRequest>,
    ) -> Result<Response<pb::ListHostsResponse>, Status> {
        let sent_on = forward::is_sent_on(request.metadata());
        let hosts = match self.pool_or_all(&request.into_inner().pool).await? {
            Some(pool) if !sent_on => {
                self.is_for_us(&pool)?;
                self.hosts_of(Some(pool.id)).await?
            }
            None if !sent_on => self.hosts_of_all().await?,
            pool => self.hosts_of(pool.map(|p| p.id)).await?,
        };
        Ok(Response::new(pb::ListHostsResponse { hosts }))
    }

    async fn list_volumes(
        &self,
        request: Request<pb::ListVolumesRequest>,
    ) -> Result<Response<pb::ListVolumesResponse>, Status> {
        let pool = self.pool_or_all(&request.into_inner().pool).await?;
        let volumes = self.store.volumes(pool.map(|p| p.id)).await.map_err(problem::store)?;
        let mut windows = BTreeMap::new();
        for pool in volumes.iter().map(|v| v.pool).collect::<BTreeSet<_>>() {
            windows.insert(pool, self.store.windows(pool).await.map_err(problem::store)?);
        }
        let told = |volume: PoolVolume| {
            let windows = windows.get_mut(&volume.pool).and_then(|of| of.remove(&volume.record.volume.id));
            tell::volume(volume, windows.unwrap_or_default())
        };
        Ok(Response::new(pb::ListVolumesResponse { volumes: volumes.into_iter().map(told).collect() }))
    }
}

impl Api {
    /// Each pool's hosts, as its holder tells them.
    async fn hosts_of_all(&self) -> Result<Vec<pb::Host>, Status> {
        let pools = self.store.pools().await.map_err(problem::store)?;
        if pools.iter().all(|pool| self.held_elsewhere(pool).is_none()) {
            return self.hosts_of(None).await;
        }
        let told = join_all(pools.iter().map(|pool| self.hosts_told_of(pool))).await;
        let told: Result<Vec<Vec<pb::Host>>, Status> = told.into_iter().collect();
        Ok(told?.into_iter().flatten().collect())
    }

    async fn hosts_told_of(&self, pool: &Pool) -> Result<Vec<pb::Host>, Status> {
        if let Some(holder) = self.held_elsewhere(pool) {
            let request = forward::sent_on(pb::ListHostsRequest { pool: pool.name.clone() });
            let ask = |channel| async move { PoolsClient::new(channel).list_hosts(request).await };
            if let Some(told) = self.forwarder.ask(&holder, ask).await {
                return Ok(told.hosts);
            }
        }
        self.hosts_of(Some(pool.id)).await
    }

    async fn hosts_of(&self, pool: Option<PoolId>) -> Result<Vec<pb::Host>, Status> {
        let hosts = self.store.hosts(pool).await.map_err(problem::store)?;
        let pools: BTreeSet<PoolId> = hosts.iter().map(|h| h.pool).collect();
        let callers: BTreeSet<HostId> = pools
            .into_iter()
            .filter_map(|pool| self.sync.live(pool))
            .flat_map(|live| live.holders())
            .collect();
        Ok(hosts
            .iter()
            .map(|h| coordinator::host(&h.pool_name, h.id, &h.host, callers.contains(&h.id)))
            .collect())
    }
}
