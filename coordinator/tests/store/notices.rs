//! What watchers are told.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hod_coordinator::store::{NewExternalJob, Notice, Store as _};
use newtype_uuid::GenericUuid as _;

use crate::support::{DEADLINE, Shop, World, changed, found};

async fn next(notices: &mut BoxStream<'static, Notice>) -> Notice {
    tokio::time::timeout(DEADLINE, notices.next()).await.expect("a notice").unwrap()
}

/// Everything up to and with this notice.
async fn up_to(notices: &mut BoxStream<'static, Notice>, last: Notice) -> Vec<Notice> {
    let mut heard = Vec::new();
    while heard.last() != Some(&last) {
        heard.push(next(notices).await);
    }
    heard
}

async fn add_job(world: &World, shop: &Shop) -> hod_core::id::JobId {
    let new = NewExternalJob {
        pool: shop.pool.id,
        description: "x".into(),
        origin: String::new(),
        volume: None,
        actor: String::new(),
    };
    world.store.add_external_job(new).await.unwrap().id
}

#[tokio::test]
async fn every_watcher_hears_of_what_was_committed() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (mut one, mut two) = (world.store.listen(), world.store.listen());
    assert_eq!(next(&mut one).await, Notice::LookAgain);
    assert_eq!(next(&mut two).await, Notice::LookAgain);
    let mut task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    for watcher in [&mut one, &mut two] {
        let heard = [next(watcher).await, next(watcher).await];
        assert_eq!(heard, [Notice::Job(task.job), Notice::Events(shop.pool.id)]);
    }
    // Counters are no event, but a change of the job.
    task.parts.values_mut().for_each(|part| part.counters.files = 5);
    shop.apply(&world, &[changed(&task)]).await;
    assert_eq!(next(&mut one).await, Notice::Job(task.job));
    // What was refused is told to nobody: the next notice is of what comes after.
    let nowhere = shop.task_of(hod_core::id::VolumeId::from_untyped_uuid(uuid::Uuid::new_v4()), "nowhere");
    shop.try_apply(&world, &[found(&nowhere)]).await;
    let job = add_job(&world, &shop).await;
    let heard = [next(&mut one).await, next(&mut one).await];
    assert!(heard.contains(&Notice::Job(job)) && heard.contains(&Notice::Events(shop.pool.id)), "{heard:?}");
    // A job that is cleared has changed too.
    world.store.end_external_job(job, hod_core::job::JobStatus::Failed, "").await.unwrap();
    world.store.clear_external_job(job, "").await.unwrap();
    world.store.remove_pool(shop.pool.id).await.unwrap();
    let heard = up_to(&mut one, Notice::Pool(shop.pool.id)).await;
    assert_eq!(heard.iter().filter(|n| **n == Notice::Job(job)).count(), 2, "{heard:?}");
}

/// A payload has a limit, and a plan has none.
#[tokio::test]
async fn a_large_plan_is_told_of_wholly() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut notices = world.store.listen();
    assert_eq!(next(&mut notices).await, Notice::LookAgain);
    let tasks: Vec<_> = (0..1001).map(|_| shop.task()).collect();
    let mut plan: Vec<_> = tasks
        .iter()
        .map(|t| crate::support::put(t, true, None, None, hod_core::change::LockChange::Keep, "task-found"))
        .collect();
    plan.iter_mut().skip(1).for_each(|planned| planned.events.clear());
    shop.apply(&world, &plan).await;
    let heard = up_to(&mut notices, Notice::Events(shop.pool.id)).await;
    for task in &tasks {
        assert!(heard.contains(&Notice::Job(task.job)));
    }
}

/// The connection is lost and comes back: watchers look at everything again, and
/// hear what comes then.
#[tokio::test]
async fn after_a_lost_connection_watchers_look_again() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut notices = world.store.listen();
    assert_eq!(next(&mut notices).await, Notice::LookAgain);
    let listening = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(world.count(listening).await, 1);
    assert_eq!(next(&mut notices).await, Notice::LookAgain);
    let job = add_job(&world, &shop).await;
    up_to(&mut notices, Notice::Job(job)).await;
}

/// With the last watcher the connection goes.
#[tokio::test]
async fn nobody_watches_nobody_listens() {
    let world = World::new().await;
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(world.count(listening).await, 0);
    let mut notices = world.store.listen();
    next(&mut notices).await;
    assert_eq!(world.count(listening).await, 1);
    drop(notices);
    crate::support::until("the connection to be closed", async || {
        (world.count(listening).await == 0).then_some(())
    })
    .await;
}
