//! Who writes for a pool.

use hod_coordinator::store::{Lease, Store as _, StoreError};
use hod_core::id::PoolId;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::World;

#[tokio::test]
async fn the_last_to_take_a_pool_holds_it() {
    let world = World::new().await;
    let shop = world.shop().await;
    world.store.renew_lease(shop.lease).await.unwrap();
    let second = world.store.take_lease(shop.pool.id, "coordinator-2").await.unwrap();
    assert!(second.epoch > shop.lease.epoch);
    let error = world.store.renew_lease(shop.lease).await.unwrap_err();
    assert!(matches!(&error, StoreError::LeaseLost { holder, .. } if holder == "coordinator-2"), "{error}");
    world.store.renew_lease(second).await.unwrap();
    let pool = world.store.pool("shop").await.unwrap();
    assert_eq!(pool.holder, "coordinator-2");
    assert!(pool.holder_seen_at.unwrap() >= shop.now);
}

#[tokio::test]
async fn a_pool_that_is_not_there_can_not_be_held() {
    let world = World::new().await;
    let pool = PoolId::from_untyped_uuid(Uuid::new_v4());
    let missing = |error: StoreError| matches!(error, StoreError::NotFound { what: "pool", .. });
    assert!(missing(world.store.take_lease(pool, "x").await.unwrap_err()));
    assert!(missing(world.store.renew_lease(Lease { pool, epoch: 1 }).await.unwrap_err()));
}
