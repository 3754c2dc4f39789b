//! Who may make locked calls: one at most, and nobody while a host may be frozen.

use hod_core::id::HostId;

use crate::support::agent::Fault;
use crate::support::pool::FakePool;
use crate::support::until;
use crate::support::world::World;

async fn granted_to(pool: &FakePool, wanted: &[HostId]) {
    until(&format!("the grant to be with {wanted:?}"), async || (pool.grants.now() == wanted).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_takes_over_from_a_host_that_is_gone() {
    let world = World::new().await;
    let mut pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    granted_to(&pool, &[pool.id(0)]).await;
    assert!(world.host(&pool.agents[0]).await.makes_locked_calls);

    pool.agents[0].kill();
    pool.connected(0, false);
    granted_to(&pool, &[pool.id(1)]).await;
    // Back again, it does not take the grant away from who has it.
    pool.agents[0].revive().await;
    pool.connected(0, true);
    until("the host to answer again", async || {
        let pool = world.shop().await;
        (pool.hosts_answering == 3).then_some(())
    })
    .await;
    granted_to(&pool, &[pool.id(1)]).await;
    assert_eq!(pool.grants.most(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn glusterd_down_on_the_leading_host() {
    let world = World::new().await;
    let pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    granted_to(&pool, &[pool.id(0)]).await;
    pool.agents[0].say(|script| script.glusterd = false);
    pool.connected(0, false);
    granted_to(&pool, &[pool.id(1)]).await;
    assert_eq!(pool.grants.most(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_while_a_host_may_be_frozen() {
    let world = World::new().await;
    let pool = FakePool::start(3).await;
    world.add_shop(&pool).await;
    granted_to(&pool, &[pool.id(0)]).await;
    pool.agents[2].say(|script| script.fault = Fault::Frozen);
    granted_to(&pool, &[]).await;
    // Its peers notice that it is dead, not frozen.
    pool.connected(2, false);
    granted_to(&pool, &[pool.id(0)]).await;
    pool.connected(2, true);
    granted_to(&pool, &[]).await;
    pool.agents[2].say(|script| script.fault = Fault::None);
    granted_to(&pool, &[pool.id(0)]).await;
    assert_eq!(pool.grants.most(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_a_pool_that_is_followed_quietly() {
    use hod_core::task::PartStatus;
    use hod_proto::coordinator::v1 as pb;

    let world = World::new().await;
    let pool = FakePool::start(2).await;
    let request =
        pb::AddPoolRequest { name: "shop".into(), agent: pool.address(), follow: pb::Follow::Quiet.into() };
    world.pools().add_pool(request).await.unwrap();
    pool.rebalance(crate::support::pool::new_task(), PartStatus::Completed, 3);
    world.job_with(pb::JobStatus::Finished).await;
    assert_eq!(pool.grants.most(), 0);
    world.end().await;
}
