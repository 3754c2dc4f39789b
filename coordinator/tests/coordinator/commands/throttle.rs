//! The throttle: set for a task, and put back after it.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskStatus;

use super::{shop, start_rebalance};
use crate::support::gluster::Reply;
use crate::support::pool::{FakePool, counters};
use crate::support::until;
use crate::support::world::World;

const OPTION: &str = "cluster.rebal-throttle";

fn lazily() -> pb::StartRebalanceRequest {
    pb::StartRebalanceRequest { throttle: pb::Throttle::Lazy.into(), ..start_rebalance() }
}

async fn start(world: &World) -> String {
    let answer = world.commands().start_rebalance(lazily()).await.unwrap().into_inner();
    answer.receipt.unwrap().job_id
}

fn now(pool: &FakePool) -> Option<String> {
    pool.gluster.scripts()[0].volumes[0].options.get(OPTION).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_put_back_also_after_a_restart() {
    let (mut world, pool) = shop(2, |_| {}).await;
    let job = start(&world).await;
    world.task_is(&job, TaskStatus::Running).await;
    assert_eq!(now(&pool).as_deref(), Some("lazy"));
    assert_eq!(pool.gluster.calls()[0], format!("volume set dist {OPTION} lazy"));
    world.stop().await;
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.start().await;
    world.job_is(&job, JobStatus::Finished).await;
    // It was not set before, so it is reset.
    until("the throttle to be put back", async || now(&pool).is_none().then_some(())).await;
    assert!(pool.gluster.calls().iter().any(|c| *c == format!("volume reset dist {OPTION}")));
    until("it to be told", async || {
        world.event_kinds().await.contains(&"throttle-put-back".to_owned()).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_has_set_meanwhile_stays() {
    let (world, pool) = shop(2, |_| {}).await;
    let set = |value: &str| {
        let value = value.to_owned();
        pool.gluster.everywhere(move |script| {
            script.volumes[0].options.insert(OPTION.into(), value.clone());
        });
    };
    set("aggressive");
    let job = start(&world).await;
    world.task_is(&job, TaskStatus::Running).await;
    pool.gluster.parts(PartStatus::Completed, counters(1));
    until("its former value", async || (now(&pool).as_deref() == Some("aggressive")).then_some(())).await;

    let job = start(&world).await;
    world.task_is(&job, TaskStatus::Running).await;
    set("normal");
    let asked = pool.gluster.calls().len();
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.job_is(&job, JobStatus::Finished).await;
    let pool_id = world.store.pool("shop").await.unwrap().id;
    until("it to be forgotten", async || {
        world.store.throttles(pool_id).await.unwrap().is_empty().then_some(())
    })
    .await;
    assert_eq!(now(&pool).as_deref(), Some("normal"));
    assert_eq!(pool.gluster.calls().len(), asked);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_throttled_is_not_started() {
    let (world, pool) = shop(2, |_| {}).await;
    pool.gluster.reply("set", Reply::Refuse("Staging failed on node-b"));
    let job = start(&world).await;
    let ended = world.job_is(&job, JobStatus::Failed).await;
    assert!(ended.message.contains("Staging failed") && ended.message.contains(OPTION), "{ended:?}");
    assert_eq!(pool.gluster.calls().len(), 1);
    world.end().await;
}
