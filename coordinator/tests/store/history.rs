//! What is kept for a time: ended jobs and their ids, and evidence.

use std::collections::BTreeSet;

use hod_coordinator::store::{Evidence, NewExternalJob, Store as _, StoreError};
use hod_core::change::LockChange;
use hod_core::id::TaskId;
use hod_core::job::JobStatus;
use hod_core::record::TaskRecord;
use hod_core::task::TaskStatus;
use jiff::SignedDuration;

use crate::support::{Shop, World, found, put};

/// Tasks that ended: two days ago, found ended two days ago, and just now; and one
/// that runs since two days ago.
async fn history(world: &World, shop: &Shop) -> [TaskRecord; 4] {
    let long_ago = shop.now - SignedDuration::from_hours(48);
    let mut tasks = [shop.task(), shop.task(), shop.task(), shop.task()];
    for task in &mut tasks {
        task.found_at = long_ago;
    }
    for task in &mut tasks[..3] {
        (task.job_status, task.step_status, task.status) =
            (JobStatus::Finished, JobStatus::Finished, TaskStatus::Completed);
    }
    tasks[0].ended_at = Some(long_ago);
    tasks[2].ended_at = Some(shop.now);
    let mut plan: Vec<_> =
        tasks[..3].iter().map(|t| put(t, true, None, None, LockChange::Keep, "task-found")).collect();
    plan.push(found(&tasks[3]));
    shop.apply(world, &plan).await;
    tasks
}

#[tokio::test]
async fn ended_jobs_are_cleared_after_their_time_and_running_ones_never() {
    let world = World::new().await;
    let shop = world.shop().await;
    let [old, found_old, fresh, running] = history(&world, &shop).await;
    let yesterday = shop.now - SignedDuration::from_hours(24);
    let all: BTreeSet<TaskId> = [&old, &found_old, &fresh, &running].map(|t| t.task).into();
    // Gluster still lists one of them.
    let cleared = world.store.clear_ended(shop.lease, yesterday, &[old.task].into()).await.unwrap();
    assert_eq!(cleared, 2);
    let recorded = world.store.load(shop.pool.id, &all).await.unwrap();
    assert_eq!(recorded.tasks.keys().copied().collect::<BTreeSet<_>>(), [fresh.task, running.task].into());
    // Both are known still, and not found again.
    assert_eq!(recorded.cleared, [old.task, found_old.task].into());
    assert_eq!(world.store.cleared(shop.pool.id, &all).await.unwrap(), recorded.cleared);
    let events = world.events(shop.pool.id).await;
    shop.apply(&world, &[put(&old, true, None, None, LockChange::Keep, "task-found")]).await;
    assert_eq!(world.events(shop.pool.id).await, events);
    assert_eq!(world.store.clear_ended(shop.lease, yesterday, &BTreeSet::new()).await.unwrap(), 0);
    assert_eq!(world.store.cleared(shop.pool.id, &all).await.unwrap(), recorded.cleared, "cleared just now");
    // Long after, the id that is not listed any more is forgotten.
    let later = world.store.now().await.unwrap() + SignedDuration::from_secs(1);
    world.store.clear_ended(shop.lease, later, &[old.task].into()).await.unwrap();
    let recorded = world.store.load(shop.pool.id, &all).await.unwrap();
    assert_eq!(recorded.cleared, [old.task, fresh.task].into());
    assert_eq!(recorded.tasks.keys().copied().collect::<Vec<_>>(), [running.task]);
}

/// A failed task whose job was cleared runs again, when its host comes back.
#[tokio::test]
async fn a_cleared_task_that_runs_again_is_recorded_again() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    (task.job_status, task.step_status, task.status) =
        (JobStatus::Failed, JobStatus::Failed, TaskStatus::Failed);
    shop.apply(&world, &[put(&task, true, None, None, LockChange::Keep, "task-found")]).await;
    let later = shop.now + SignedDuration::from_secs(1);
    assert_eq!(world.store.clear_ended(shop.lease, later, &[task.task].into()).await.unwrap(), 1);
    (task.job_status, task.step_status, task.status) =
        (JobStatus::Started, JobStatus::Started, TaskStatus::Running);
    shop.apply(&world, &[found(&task)]).await;
    assert_eq!(shop.recorded(&world, &task).await, task);
    assert!(shop.load(&world, &[&task]).await.cleared.is_empty());
}

#[tokio::test]
async fn a_job_that_holds_a_volume_is_not_cleared() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let later = shop.now + SignedDuration::from_hours(1);
    assert_eq!(world.store.clear_ended(shop.lease, later, &BTreeSet::new()).await.unwrap(), 0);
    assert_eq!(shop.recorded(&world, &task).await, task);
}

#[tokio::test]
async fn evidence_is_kept_compressed_and_bounded() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let one = |what: String, raw: Vec<u8>| Evidence { at: shop.now, host: Some(shop.hosts[0]), what, raw };
    let answer = one("volume rebalance dist status".into(), b"<cliOutput/>".repeat(1000));
    world.store.keep_evidence(shop.lease, task.job, std::slice::from_ref(&answer)).await.unwrap();
    assert_eq!(world.store.evidence(task.job).await.unwrap(), std::slice::from_ref(&answer));
    assert!(world.count("SELECT octet_length(raw)::int8 FROM evidence").await < 200);
    // What is longer than is kept is cut; what can't be compressed still fits.
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..Evidence::MAX_BYTES + 1)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    world.store.keep_evidence(shop.lease, task.job, &[one("noise".into(), noise.clone())]).await.unwrap();
    let kept = world.store.evidence(task.job).await.unwrap();
    assert_eq!(kept[1].raw, noise[..Evidence::MAX_BYTES]);
    // Of many the newest stay.
    let many: Vec<Evidence> =
        (0..Evidence::MAX_PER_JOB).map(|n| one(format!("answer {n}"), Vec::new())).collect();
    world.store.keep_evidence(shop.lease, task.job, &many).await.unwrap();
    assert_eq!(world.store.evidence(task.job).await.unwrap(), many);
    world.store.keep_evidence(shop.lease, task.job, std::slice::from_ref(&answer)).await.unwrap();
    let kept = world.store.evidence(task.job).await.unwrap();
    assert_eq!((kept.len(), kept.last()), (Evidence::MAX_PER_JOB, Some(&answer)));
}

#[tokio::test]
async fn there_is_no_evidence_of_what_is_not_there() {
    let world = World::new().await;
    let (shop, other) = (world.shop().await, Shop::new(&world, "other").await);
    let new = NewExternalJob {
        pool: other.pool.id,
        description: "x".into(),
        origin: String::new(),
        volume: None,
        actor: String::new(),
    };
    let job = world.store.add_external_job(new).await.unwrap().id;
    // The lease of one pool does not serve for a job of another.
    let error = world.store.keep_evidence(shop.lease, job, &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "job", .. }), "{error}");
    world.store.keep_evidence(other.lease, job, &[]).await.unwrap();
    assert_eq!(world.store.evidence(job).await.unwrap(), []);
    assert!(world.store.evidence(shop.task().job).await.is_err());
}
