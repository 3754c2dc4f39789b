//! Pauses, and runs that add up.

use std::collections::{BTreeMap, BTreeSet};

use hod_coordinator::store::{CommandStore as _, Resume, Store as _, StoreError};
use hod_core::change::LockChange;
use hod_core::command::intention::{Intended, Intention};
use hod_core::job::JobStatus;
use hod_core::record::TaskRecord;
use hod_core::task::{Counters, TaskStatus};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;

use crate::commands::{adopted, apply_as_core_does, kinds, open, settled, task_of};
use crate::support::{Shop, World, changed, ended};

/// A rebalance that hod started and that runs.
async fn running(world: &World, shop: &Shop) -> TaskRecord {
    let intention = open(world, shop).await;
    let task = task_of(shop, &intention);
    shop.apply(world, &[adopted(&intention, &task)]).await;
    task
}

/// Files moved by each host, ten bytes each.
fn moved(task: &mut TaskRecord, files: [u64; 3]) {
    for (part, files) in task.parts.values_mut().zip(files) {
        part.counters = Counters { files, bytes: 10 * files, scanned: 100, ..Counters::default() };
    }
}

/// The task paused, after it moved files.
async fn paused(world: &World, shop: &Shop, task: &TaskRecord, files: [u64; 3]) -> TaskRecord {
    world.store.set_pause(shop.lease, task.step, "alice").await.unwrap();
    let mut task = shop.recorded(world, task).await;
    assert_eq!(task.pause.as_ref().unwrap().by, "alice");
    moved(&mut task, files);
    (task.status, task.message) = (TaskStatus::Paused, "paused".into());
    apply_as_core_does(world, shop, &[changed(&task)], &[&task]).await;
    task
}

async fn resume(world: &World, shop: &Shop, task: &TaskRecord) -> Result<Intention, StoreError> {
    let resume = Resume { step: task.step, before: BTreeSet::new(), actor: "bob".into() };
    world.store.open_resume(shop.lease, &resume).await
}

#[tokio::test]
async fn a_pause_keeps_the_job_open_and_the_volume_its_own() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = running(&world, &shop).await;
    paused(&world, &shop, &task, [30, 0, 5]).await;
    let job = world.store.job(task.job).await.unwrap();
    assert_eq!((job.status, job.steps[2].status), (JobStatus::Started, JobStatus::Started));
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], task.job);
    let error = world.store.set_pause(shop.lease, task.step, "bob").await.unwrap_err();
    assert_eq!(error.to_string(), "Rebalancing volume dist is paused already, by alice");
    let error = world.store.clear_pause(shop.lease, task.step, "bob", "no").await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

/// A pause is written by who asks for it; a plan that was made before neither loses it
/// nor ends what is meant to go on.
#[tokio::test]
async fn a_plan_from_before_the_pause_does_not_undo_it() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut before = running(&world, &shop).await;
    world.store.set_pause(shop.lease, before.step, "alice").await.unwrap();
    before.message = "counters, and no word of a pause".into();
    shop.apply(&world, &[changed(&before)]).await;
    let pause = shop.recorded(&world, &before).await.pause;
    assert_eq!(pause.unwrap().by, "alice");
    let mut stopped = before.clone();
    (stopped.job_status, stopped.step_status, stopped.status) =
        (JobStatus::Aborted, JobStatus::Aborted, TaskStatus::Aborted);
    stopped.ended_at = Some(shop.now);
    let applied = shop.try_apply(&world, &[ended(&stopped, Transition::Abort)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "{applied:?}");
    // The other way round: the stop was refused, and the pause was taken back.
    let mut paused = shop.recorded(&world, &before).await;
    paused.status = TaskStatus::Paused;
    world.store.clear_pause(shop.lease, before.step, "alice", "refused by Gluster: no").await.unwrap();
    let applied = shop.try_apply(&world, &[changed(&paused)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "{applied:?}");
    let now = shop.recorded(&world, &before).await;
    assert_eq!((now.status, now.pause), (TaskStatus::Running, None));
    assert_eq!(kinds(&world.events(shop.pool.id).await)[2..], ["command", "command-refused"]);
}

/// Three runs: each is a new id on the same step, and what they moved adds up.
#[tokio::test]
async fn runs_add_up_and_the_newest_stands_for_the_step() {
    let world = World::new().await;
    let shop = world.shop().await;
    let first = running(&world, &shop).await;
    let first = paused(&world, &shop, &first, [30, 0, 5]).await;
    let intention = resume(&world, &shop, &first).await.unwrap();
    assert_eq!((intention.job, intention.step, intention.actor.as_str()), (first.job, first.step, "bob"));
    let Intended::Start(start) = &intention.what else { panic!("{intention:?}") };
    assert_eq!((start.run, &start.earlier), (2, &first.moved_by_host()));
    assert!(start.before.contains(&first.task));
    let mut second = task_of(&shop, &intention);
    moved(&mut second, [1, 2, 0]);
    let plan = [adopted(&intention, &second)];
    apply_as_core_does(&world, &shop, &plan, &[&first, &second]).await;
    apply_as_core_does(&world, &shop, &plan, &[&first, &second]).await;
    let recorded = shop.load(&world, &[&first]).await;
    assert_eq!(recorded.cleared, BTreeSet::from([first.task]), "known, and over");
    assert_eq!(recorded.tasks, BTreeMap::from([(second.task, second.clone())]));
    assert_eq!(world.store.cleared(shop.pool.id, &BTreeSet::from([first.task])).await.unwrap().len(), 1);
    assert_eq!(second.counters().files, 38);

    let second = paused(&world, &shop, &second, [4, 2, 0]).await;
    let intention = resume(&world, &shop, &second).await.unwrap();
    let Intended::Start(start) = &intention.what else { panic!("{intention:?}") };
    assert_eq!((start.run, start.before.len()), (3, 2));
    let files: Vec<u64> = start.earlier.values().map(|c| c.files).collect();
    let mut expected: Vec<u64> = second.moved_by_host().values().map(|c| c.files).collect();
    assert_eq!(files.iter().sum::<u64>(), 41);
    expected.sort_unstable();
    assert_eq!(expected, [2, 5, 34]);
    let third = task_of(&shop, &intention);
    apply_as_core_does(&world, &shop, &[adopted(&intention, &third)], &[&first, &second, &third]).await;

    // An old id finds the step, which is shown as its last run.
    let shown = world.store.task(first.task).await.unwrap().record;
    assert_eq!((shown.task, shown.run, shown.counters().files), (third.task, 3, 41));
    let steps = "SELECT count(*) FROM GetStepsByExternalTaskId($1)";
    for task in [&first, &second, &third] {
        let row = world.sql.query_one(steps, &[task.task.as_untyped_uuid()]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1);
    }
    let running = "SELECT GetExternalIdsOfRunningSteps($1)";
    let rows = world.sql.query(running, &[shop.pool.id.as_untyped_uuid()]).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.get(0)).collect::<Vec<uuid::Uuid>>(), [third.task.into_untyped_uuid()]);
    // What is said of an earlier run does not touch the last one.
    let applied = shop.try_apply(&world, &[changed(&second)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "{applied:?}");
    assert_eq!(shop.recorded(&world, &third).await, third);
    let ended = "SELECT count(*) FROM step_external_ids WHERE ended = 'ABORTED'";
    assert_eq!(world.count(ended).await, 2, "the runs before were stopped");
}

#[tokio::test]
async fn a_pause_that_could_not_be_ended_is_still_a_pause() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = running(&world, &shop).await;
    let task = paused(&world, &shop, &task, [30, 0, 5]).await;
    let intention = resume(&world, &shop, &task).await.unwrap();
    let again = resume(&world, &shop, &task).await.unwrap_err();
    assert!(matches!(again, StoreError::Busy { job, .. } if job == task.job), "{again}");
    let plan = [settled(&shop, &intention, None, "refused by Gluster: no")];
    apply_as_core_does(&world, &shop, &plan, &[&task]).await;
    let now = shop.recorded(&world, &task).await;
    assert_eq!(now, TaskRecord { message: "refused by Gluster: no".into(), ..task.clone() });
    let recorded = shop.load(&world, &[]).await;
    assert!(recorded.intentions.is_empty());
    assert_eq!(recorded.locks[&shop.volume], task.job);
    resume(&world, &shop, &task).await.unwrap();
}

#[tokio::test]
async fn a_paused_task_is_stopped_without_gluster() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = running(&world, &shop).await;
    let error = world.store.end_paused(shop.lease, task.job, "bob").await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    let task = paused(&world, &shop, &task, [1, 1, 1]).await;
    let intention = resume(&world, &shop, &task).await.unwrap();
    let error = world.store.end_paused(shop.lease, task.job, "bob").await.unwrap_err();
    assert!(error.to_string().contains("about to go on"), "{error}");
    shop.apply(&world, &[settled(&shop, &intention, None, "no")]).await;
    let job = world.store.end_paused(shop.lease, task.job, "bob").await.unwrap();
    assert_eq!(job.status, JobStatus::Aborted);
    let record = &job.steps[2].task.as_ref().unwrap().record;
    assert_eq!((record.status, record.step_status), (TaskStatus::Aborted, JobStatus::Aborted));
    assert!(shop.load(&world, &[]).await.locks.is_empty());
    let last = world.events(shop.pool.id).await.pop().unwrap();
    assert_eq!((last.kind.as_str(), last.actor.as_str()), ("task-ended", "bob"));
    let error = resume(&world, &shop, &task).await.unwrap_err();
    assert!(error.to_string().contains("has ended"), "{error}");
}

#[tokio::test]
async fn only_what_is_paused_goes_on() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let task = task_of(&shop, &intention);
    let error = resume(&world, &shop, &task).await.unwrap_err();
    assert!(error.to_string().contains("has no task yet"), "{error}");
    let error = world.store.set_pause(shop.lease, task.step, "bob").await.unwrap_err();
    assert!(error.to_string().contains("has no task yet"), "{error}");
    shop.apply(&world, &[adopted(&intention, &task)]).await;
    let error = resume(&world, &shop, &task).await.unwrap_err();
    assert!(error.to_string().contains("is not paused: RUNNING"), "{error}");
}

/// Somebody started another while it was paused: both are settled in one plan.
#[tokio::test]
async fn a_paused_job_is_superseded_with_its_resume_under_way() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = running(&world, &shop).await;
    let task = paused(&world, &shop, &task, [1, 1, 1]).await;
    let intention = resume(&world, &shop, &task).await.unwrap();
    let mut over = task.clone();
    (over.job_status, over.step_status, over.status) =
        (JobStatus::Aborted, JobStatus::Aborted, TaskStatus::Aborted);
    (over.message, over.ended_at) = ("superseded".into(), Some(shop.now));
    let other = shop.task();
    let took = LockChange::TakeFrom(task.job);
    let plan = [
        ended(&over, Transition::Abort),
        crate::support::put(&other, true, None, None, took, "task-found"),
        settled(&shop, &intention, None, "another task was started"),
    ];
    shop.apply(&world, &plan).await;
    let recorded = shop.load(&world, &[&task]).await;
    assert!(recorded.intentions.is_empty());
    assert_eq!(recorded.locks[&shop.volume], other.job);
    assert_eq!(recorded.tasks[&task.task], over, "its message stays its own");
}
