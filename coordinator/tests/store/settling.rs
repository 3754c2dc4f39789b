//! Intentions settled: a task adopted, or something else that they came to.

use hod_coordinator::store::{CommandStore as _, Store as _, StoreError};
use hod_core::brick::Brick;
use hod_core::change::{Change, LockChange};
use hod_core::command::intention::Intended;
use hod_core::job::JobStatus;
use hod_core::record::TaskRecord;
use hod_core::task::TaskStatus;
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::commands::{adopted, apply_as_core_does, command, open, settled, task_of};
use crate::support::{World, changed, found, put};

#[tokio::test]
async fn a_task_that_was_intended_belongs_to_its_job_however_often_it_is_told() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let task = task_of(&shop, &intention);
    let plan = [adopted(&intention, &task)];
    apply_as_core_does(&world, &shop, &plan, &[&task]).await;
    let events = world.events(shop.pool.id).await;
    apply_as_core_does(&world, &shop, &plan, &[&task]).await;
    assert_eq!(world.events(shop.pool.id).await, events, "told once");
    let job = world.store.job(intention.job).await.unwrap();
    assert_eq!(job.description, "Rebalancing volume dist");
    assert_eq!(job.steps[2].task.as_ref().unwrap().record, task);
    let carried = world
        .sql
        .query("SELECT id FROM GetStepsByExternalTaskId($1)", &[task.task.as_untyped_uuid()])
        .await
        .unwrap();
    assert_eq!(carried.iter().map(|r| r.get(0)).collect::<Vec<Uuid>>(), [intention.step.into_untyped_uuid()]);
    // A volume that is renamed leaves the command's own words alone.
    let mut renamed = task.clone();
    renamed.volume_name = "other".into();
    shop.apply(&world, &[changed(&renamed)]).await;
    assert_eq!(world.store.job(intention.job).await.unwrap().description, "Rebalancing volume dist");
}

#[tokio::test]
async fn a_task_that_was_over_when_it_was_first_seen_ends_its_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let mut task = task_of(&shop, &intention);
    (task.job_status, task.step_status, task.status) =
        (JobStatus::Failed, JobStatus::Failed, TaskStatus::Failed);
    task.ended_at = Some(shop.now);
    let mut planned = adopted(&intention, &task);
    let Change::PutTask(put) = &mut planned.change else { panic!() };
    put.lock = LockChange::Release;
    apply_as_core_does(&world, &shop, &[planned], &[&task]).await;
    let job = world.store.job(intention.job).await.unwrap();
    assert_eq!(job.status, JobStatus::Failed);
    let statuses: Vec<_> = job.steps.iter().map(|s| s.status).collect();
    assert_eq!(statuses, [JobStatus::Finished, JobStatus::Failed, JobStatus::Failed]);
}

/// An operator gave the job up: the task that comes late is not its own any more.
#[tokio::test]
async fn a_task_that_comes_after_its_job_was_abandoned_is_found() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let job = world.store.abandon_job(intention.job, "bob", "the agent is dead").await.unwrap();
    assert_eq!(job.status, JobStatus::Unknown);
    let recorded = shop.load(&world, &[]).await;
    assert!(recorded.intentions.is_empty() && recorded.locks.is_empty());
    let task = task_of(&shop, &intention);
    let applied = shop.try_apply(&world, &[adopted(&intention, &task)]).await;
    let [failed] = applied.failed.as_slice() else { panic!("{applied:?}") };
    assert!(matches!(failed.error, StoreError::Stale(_)), "{}", failed.error);
    let found_task = TaskRecord { task: task.task, ..shop.task() };
    shop.apply(&world, &[found(&found_task)]).await;
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], found_task.job);
    assert_eq!(world.store.job(intention.job).await.unwrap().status, JobStatus::Unknown, "left as it was");
}

/// A task that is another job's already is not taken from it.
#[tokio::test]
async fn a_task_of_another_job_is_not_adopted() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let other = shop.task();
    let alone = put(&other, true, None, None, LockChange::Keep, "task-found");
    shop.apply(&world, &[alone]).await;
    let task = TaskRecord { task: other.task, ..task_of(&shop, &intention) };
    let applied = shop.try_apply(&world, &[adopted(&intention, &task)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "{applied:?}");
    assert_eq!(shop.load(&world, &[]).await.intentions[&shop.volume], intention);
    assert_eq!(shop.recorded(&world, &other).await, other);
}

#[tokio::test]
async fn what_failed_gives_the_volume_back_once() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let plan = [settled(&shop, &intention, Some(Transition::Fail), "refused by Gluster: no")];
    apply_as_core_does(&world, &shop, &plan, &[]).await;
    let job = world.store.job(intention.job).await.unwrap();
    assert_eq!((job.status, job.message.as_str()), (JobStatus::Failed, "refused by Gluster: no"));
    assert!(job.steps[1..].iter().all(|s| s.status == JobStatus::Failed && s.ended_at.is_some()));
    let events = world.events(shop.pool.id).await;
    let next = open(&world, &shop).await;
    apply_as_core_does(&world, &shop, &plan, &[]).await;
    assert_eq!(world.events(shop.pool.id).await.len(), events.len() + 1, "told once");
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], next.job, "the next one's lock is its own");
    assert_eq!(world.store.job(intention.job).await.unwrap(), job);
}

/// Somebody was faster at Gluster's own command line: that task has the volume.
#[tokio::test]
async fn gluster_wins_where_another_task_came_first() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let task = shop.task();
    let took = LockChange::TakeFrom(intention.job);
    let plan = [
        put(&task, true, None, None, took, "task-found"),
        settled(&shop, &intention, Some(Transition::Fail), "another task was started at the same time"),
    ];
    apply_as_core_does(&world, &shop, &plan, &[&task]).await;
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], task.job);
}

#[tokio::test]
async fn bricks_that_were_taken_away_finish_the_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let bricks = vec![Brick { host: shop.hosts[2], path: "/bricks/d1".into() }];
    let new = command(&shop, Intended::TakeBricks { bricks });
    let intention = world.store.open_command(shop.lease, &new).await.unwrap();
    let plan = [settled(&shop, &intention, Some(Transition::Complete), "the bricks are out of the volume")];
    apply_as_core_does(&world, &shop, &plan, &[]).await;
    assert_eq!(world.store.job(intention.job).await.unwrap().status, JobStatus::Finished);
}
