//! Plans applied, and what is recorded then.

use std::time::Duration;

use hod_coordinator::store::{Store as _, StoreError};
use hod_core::change::{Change, LockChange, Planned};
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{HostId, VolumeId};
use hod_core::job::JobStatus;
use hod_core::record::{Absence, Attention, AttentionCode, HostState, TaskRecord};
use hod_core::task::{Counters, PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, changed, ended, found, host, put, quiet};

/// Everything that a record can hold comes back as it was.
#[tokio::test]
async fn what_is_recorded_is_read_as_it_was_written() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut volume = shop.volume(shop.volume, "dist");
    volume.trouble = Some(("locked by another transaction".into(), shop.now));
    volume.volume.bricks[1].brick = None;
    volume.volume.bricks.pop();
    let left = HostId::from_untyped_uuid(Uuid::new_v4());
    let mut gone = host("node-d", shop.now);
    gone.names.clear();
    (gone.state, gone.state_message) = (HostState::Left, "detached".into());
    let task = everything(&shop);
    let plan =
        [quiet(Change::PutHost(left, gone.clone())), quiet(Change::PutVolume(volume.clone())), found(&task)];
    let mut expected = shop.load(&world, &[]).await;
    plan.iter().for_each(|planned| expected.apply(&planned.change));
    shop.apply(&world, &plan).await;
    let recorded = shop.load(&world, &[&task]).await;
    assert_eq!(recorded, expected);
    assert_eq!(recorded.hosts[&left], gone);
    assert_eq!(recorded.volumes[&shop.volume], volume);
    assert_eq!(recorded.tasks[&task.task], task);
}

/// A remove-brick with a value in every field.
fn everything(shop: &Shop) -> TaskRecord {
    let mut task = shop.task();
    task.task_type = Some(TaskType::RemoveBrick);
    task.bricks = shop.bricks();
    task.message = "awaiting commit".into();
    task.step_status = JobStatus::Finished;
    task.status = TaskStatus::Completed;
    task.followed = true;
    task.attention =
        vec![Attention { code: AttentionCode::AwaitingCommit, text: "commit or stop it".into() }];
    task.absence = Absence {
        looks: 3,
        span: Duration::from_nanos(123_456_789_001),
        since: Some(shop.now),
        last: Some(shop.now),
    };
    let parts: Vec<_> = task.parts.values_mut().collect();
    let [a, b, c] = parts.try_into().unwrap();
    a.counters = Counters {
        files: 1,
        bytes: 5_000_000_000,
        scanned: 3,
        failed: 4,
        skipped: 5,
        run_time: Some(Duration::from_millis(1_500)),
    };
    a.status = PartStatus::Completed;
    (b.must_take_part, b.held, b.not_held) = (false, false, Some((2, shop.now)));
    (b.status, c.status) = (PartStatus::Unknown, PartStatus::Reset);
    task
}

#[tokio::test]
async fn every_type_of_task_comes_back() {
    let world = World::new().await;
    let shop = world.shop().await;
    let types = [
        Some(TaskType::Rebalance { fix_layout: false }),
        Some(TaskType::Rebalance { fix_layout: true }),
        Some(TaskType::RemoveBrick),
        Some(TaskType::ReplaceBrick { reset: false }),
        Some(TaskType::ReplaceBrick { reset: true }),
        Some(TaskType::Other("Tier migration".into())),
        None,
    ];
    for task_type in types {
        let mut task = shop.task();
        task.task_type = task_type;
        shop.apply(&world, &[put(&task, true, None, None, LockChange::Keep, "task-found")]).await;
        assert_eq!(shop.recorded(&world, &task).await, task);
        // A type that is told only later.
        task.task_type = Some(TaskType::RemoveBrick);
        shop.apply(&world, &[changed(&task)]).await;
        assert_eq!(shop.recorded(&world, &task).await, task);
    }
}

#[tokio::test]
async fn a_found_task_is_a_job_with_its_tree() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let job = world.store.job(task.job).await.unwrap();
    assert_eq!(job.description, "Rebalancing volume dist");
    assert!(job.external);
    assert_eq!((job.status, job.started_at, job.ended_at), (JobStatus::Started, None, None));
    assert_eq!(job.subjects.len(), 1);
    assert_eq!((job.subjects[0].volume, job.subjects[0].name.as_str()), (shop.volume, "dist"));
    let [executing, step] = job.steps.as_slice() else { panic!("{:?}", job.steps) };
    assert_eq!((executing.id, executing.parent, executing.number), (task.executing, None, 1));
    assert_eq!((step.id, step.parent, step.number), (task.step, Some(task.executing), 2));
    let carried = step.task.as_ref().unwrap();
    assert_eq!(carried.record, task);
    assert_eq!(carried.host_names[&shop.hosts[1]], "node-b");
    assert!(executing.task.is_none());
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], task.job);
    let volumes = world.store.volumes(Some(shop.pool.id)).await.unwrap();
    assert_eq!(volumes[0].locked_by, Some(task.job));
}

/// Applied twice, by whomever, a plan makes one job and tells of it once.
#[tokio::test]
async fn a_task_that_is_found_twice_is_one_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let events = world.events(shop.pool.id).await;
    let mut later = task.clone();
    later.message = "seen by another".into();
    shop.apply(&world, &[found(&later)]).await;
    assert_eq!(shop.recorded(&world, &task).await, task);
    assert_eq!(world.count("SELECT count(*) FROM jobs").await, 1);
    assert_eq!(world.events(shop.pool.id).await, events);
}

#[tokio::test]
async fn a_task_that_is_found_ended_has_no_end_time() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    (task.job_status, task.step_status, task.status) =
        (JobStatus::Finished, JobStatus::Finished, TaskStatus::Completed);
    task.running_at = None;
    shop.apply(&world, &[put(&task, true, None, None, LockChange::Keep, "task-found")]).await;
    assert_eq!(shop.recorded(&world, &task).await, task);
    let job = world.store.job(task.job).await.unwrap();
    assert_eq!((job.status, job.ended_at), (JobStatus::Finished, None));
    assert!(job.steps.iter().all(|s| s.status == JobStatus::Finished && s.ended_at.is_none()));
    assert!(shop.load(&world, &[]).await.tasks.is_empty(), "an ended task is loaded only when observed");
}

/// Ends with its steps, gives the lock back, runs again, is lost, and is told after all.
#[tokio::test]
async fn a_job_goes_through_its_life_with_its_steps() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let life = [
        (Transition::Fail, JobStatus::Failed, TaskStatus::Failed),
        (Transition::RunAgain, JobStatus::Started, TaskStatus::Running),
        (Transition::Lose, JobStatus::Unknown, TaskStatus::Unknown),
        (Transition::Complete, JobStatus::Finished, TaskStatus::Completed),
    ];
    for (transition, status, task_status) in life {
        let lock = match status {
            JobStatus::Started => LockChange::Take,
            _ => LockChange::Release,
        };
        (task.job_status, task.step_status, task.status) = (status, status, task_status);
        task.ended_at = (!status.is_open()).then_some(shop.now);
        shop.apply(&world, &[put(&task, false, Some(transition), Some(transition), lock, "task-moved")])
            .await;
        assert_eq!(shop.recorded(&world, &task).await, task, "{transition:?}");
        let job = world.store.job(task.job).await.unwrap();
        assert_eq!(job.ended_at, task.ended_at, "{transition:?}");
        let steps: Vec<_> = job.steps.iter().map(|s| (s.status, s.ended_at)).collect();
        assert_eq!(steps, [(status, task.ended_at); 2], "{transition:?}");
        assert_eq!(shop.load(&world, &[]).await.locks.is_empty(), !status.is_open());
    }
}

/// A remove-brick's step ends with the migration, its job with the commit.
#[tokio::test]
async fn a_job_may_outlast_its_step() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    task.task_type = Some(TaskType::RemoveBrick);
    shop.apply(&world, &[found(&task)]).await;
    (task.step_status, task.status) = (JobStatus::Finished, TaskStatus::Completed);
    let migrated = put(&task, false, None, Some(Transition::Complete), LockChange::Keep, "migration-ended");
    shop.apply(&world, &[migrated]).await;
    let job = world.store.job(task.job).await.unwrap();
    assert_eq!(job.status, JobStatus::Started);
    assert_eq!([job.steps[0].status, job.steps[1].status], [JobStatus::Started, JobStatus::Finished]);
    assert!(job.steps[1].ended_at.is_some());
    (task.job_status, task.ended_at) = (JobStatus::Finished, Some(shop.now));
    let committed = put(&task, false, Some(Transition::Complete), None, LockChange::Release, "task-ended");
    shop.apply(&world, &[committed]).await;
    assert_eq!(shop.recorded(&world, &task).await, task);
    let job = world.store.job(task.job).await.unwrap();
    assert_eq!([job.steps[0].status, job.steps[1].status], [JobStatus::Finished; 2]);
}

/// What a job brought along of its own ends with it too.
#[tokio::test]
async fn open_steps_end_with_their_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let third = "INSERT INTO steps (id, pool_id, job_id, number, type, description, status, external)
                 SELECT gen_random_uuid(), pool_id, id, 3, 'FINALIZING', 'Finalizing', 'STARTED', true FROM jobs";
    world.sql.batch_execute(third).await.unwrap();
    (task.job_status, task.step_status, task.status) =
        (JobStatus::Aborted, JobStatus::Aborted, TaskStatus::Aborted);
    task.ended_at = Some(shop.now);
    shop.apply(&world, &[ended(&task, Transition::Abort)]).await;
    let job = world.store.job(task.job).await.unwrap();
    assert!(job.steps.iter().all(|s| s.status == JobStatus::Aborted), "{:?}", job.steps);
}

#[tokio::test]
async fn parts_and_bricks_are_recorded_as_they_are_now() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = everything(&shop);
    shop.apply(&world, &[found(&task)]).await;
    let left = *task.parts.keys().next().unwrap();
    task.parts.remove(&left);
    let part = task.parts.values_mut().next().unwrap();
    (part.status, part.counters.files) = (PartStatus::Stopped, 77);
    task.bricks.remove(0);
    shop.apply(&world, &[changed(&task)]).await;
    assert_eq!(shop.recorded(&world, &task).await, task);
    let mut volume = shop.volume(shop.volume, "renamed");
    volume.volume.bricks.remove(0);
    volume.volume.options.clear();
    shop.apply(&world, &[quiet(Change::PutVolume(volume.clone()))]).await;
    assert_eq!(shop.load(&world, &[]).await.volumes[&shop.volume], volume);
}

/// Nothing has changed: nothing is written, so no row has moved.
#[tokio::test]
async fn what_has_not_changed_is_not_written() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = everything(&shop);
    shop.apply(&world, &[found(&task)]).await;
    let places = "SELECT string_agg(place, ' ') FROM (
        SELECT 'h' || ctid || xmin AS place FROM hosts UNION ALL SELECT 'v' || ctid || xmin FROM volumes UNION ALL
        SELECT 'b' || ctid || xmin FROM bricks UNION ALL SELECT 'j' || ctid || xmin FROM jobs UNION ALL
        SELECT 's' || ctid || xmin FROM steps UNION ALL SELECT 't' || ctid || xmin FROM step_tasks UNION ALL
        SELECT 'p' || ctid || xmin FROM step_hosts UNION ALL SELECT 'k' || ctid || xmin FROM step_bricks UNION ALL
        SELECT 'l' || ctid || xmin FROM volume_locks ORDER BY 1) places";
    let before: String = world.sql.query_one(places, &[]).await.unwrap().get(0);
    let hosts = world.store.hosts(Some(shop.pool.id)).await.unwrap();
    let mut plan: Vec<Planned> = hosts.iter().map(|h| quiet(Change::PutHost(h.id, h.host.clone()))).collect();
    plan.push(shop.put_volume(shop.volume, "dist"));
    plan.push(found(&task));
    plan.push(put(&task, false, None, None, LockChange::Take, "task-changed"));
    shop.apply(&world, &plan).await;
    let after: String = world.sql.query_one(places, &[]).await.unwrap().get(0);
    assert_eq!(after, before);
    assert_eq!(world.store.apply(shop.lease, &[]).await.unwrap().applied, 0);
}

/// What can't be applied is told and stands alone; all else is applied, in order.
#[tokio::test]
async fn one_bad_change_stops_no_other() {
    let world = World::new().await;
    let shop = world.shop().await;
    let other = Shop::new(&world, "other").await;
    let volumes: Vec<VolumeId> = (0..7).map(|_| VolumeId::from_untyped_uuid(Uuid::new_v4())).collect();
    let mut plan: Vec<Planned> = volumes.iter().map(|id| shop.put_volume(*id, &id.to_string())).collect();
    // A host of the other pool, a volume with no name, a task on a volume that is
    // not known, a counter that fits no column.
    plan.insert(2, quiet(Change::PutHost(other.hosts[0], host("node-x", shop.now))));
    plan.insert(5, shop.put_volume(VolumeId::from_untyped_uuid(Uuid::new_v4()), " "));
    let homeless = shop.task_of(VolumeId::from_untyped_uuid(Uuid::new_v4()), "nowhere");
    plan.push(found(&homeless));
    let mut huge = shop.task();
    huge.parts.values_mut().next().unwrap().counters.bytes = u64::MAX;
    plan.push(found(&huge));
    let good = shop.task();
    plan.push(found(&good));
    let applied = shop.try_apply(&world, &plan).await;
    let failed: Vec<usize> = applied.failed.iter().map(|f| f.index).collect();
    assert_eq!(failed, [2, 5, 9, 10]);
    assert_eq!(applied.applied, plan.len() - 4);
    let claim = applied.failed[0].error.to_string();
    assert!(claim.contains("node-x") && claim.contains("pool other"), "{claim}");
    let recorded = shop.load(&world, &[&good, &homeless, &huge]).await;
    assert!(volumes.iter().all(|id| recorded.volumes.contains_key(id)));
    assert_eq!(recorded.tasks.keys().collect::<Vec<_>>(), [&good.task]);
    assert_eq!(world.events(shop.pool.id).await.last().unwrap().job, Some(good.job));
    assert_eq!(world.count("SELECT count(*) FROM jobs").await, 1, "nothing is left of what was refused");
}

/// Any prefix, then the whole: the end is the same as of the whole at once.
#[tokio::test]
async fn a_plan_that_was_cut_short_is_finished_by_the_next() {
    let world = World::new().await;
    for cut in 0..=4 {
        let shop = Shop::new(&world, &format!("shop-{cut}")).await;
        let (first, mut second) = (shop.task(), shop.task());
        second.job_status = JobStatus::Finished;
        (second.step_status, second.status) = (JobStatus::Finished, TaskStatus::Completed);
        let mut grown = first.clone();
        grown.parts.values_mut().for_each(|part| part.counters.files = 9);
        let plan = [
            shop.put_volume(shop.volume, "renamed"),
            found(&first),
            put(&second, true, None, None, LockChange::Keep, "task-found"),
            changed(&grown),
        ];
        shop.apply(&world, &plan[..cut]).await;
        shop.apply(&world, &plan).await;
        assert_eq!(shop.recorded(&world, &first).await, grown, "cut after {cut}");
        assert_eq!(shop.recorded(&world, &second).await, second, "cut after {cut}");
        let told = world.events(shop.pool.id).await;
        assert_eq!(told.iter().filter(|e| e.kind == "task-found").count(), 2, "cut after {cut}");
    }
}

/// Between a plan's making and its applying an operator gave the job up: it stays so.
#[tokio::test]
async fn a_plan_that_is_out_of_date_changes_nothing() {
    let world = World::new().await;
    let shop = world.shop().await;
    let mut task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    world.store.abandon_job(task.job, "ops", "host is scrapped").await.unwrap();
    let abandoned = shop.recorded(&world, &task).await;
    assert!(abandoned.abandoned);
    assert_eq!(abandoned.job_status, JobStatus::Unknown);
    task.message = "going on".into();
    let applied = shop.try_apply(&world, &[changed(&task)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "{:?}", applied.failed);
    assert_eq!(shop.recorded(&world, &task).await, abandoned);
    let unknown = shop.task();
    let applied = shop.try_apply(&world, &[changed(&unknown)]).await;
    assert!(matches!(applied.failed[0].error, StoreError::Stale(_)), "a task that was never found");
}

#[tokio::test]
async fn a_lock_is_taken_from_the_job_it_is_to_be_taken_from() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (first, second, third) = (shop.task(), shop.task(), shop.task());
    shop.apply(&world, &[found(&first)]).await;
    let applied = shop.try_apply(&world, &[found(&second)]).await;
    let error = applied.failed[0].error.to_string();
    assert!(error.contains("dist") && error.contains(&first.job.to_string()), "{error}");
    let take = |task, from| put(task, true, None, None, LockChange::TakeFrom(from), "task-found");
    let applied = shop.try_apply(&world, &[take(&second, third.job)]).await;
    assert_eq!(applied.failed.len(), 1, "it is not the third's");
    shop.apply(&world, &[take(&second, first.job)]).await;
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], second.job);
}

/// A coordinator that was paused and wakes can change nothing.
#[tokio::test]
async fn without_the_last_lease_nothing_is_written() {
    let world = World::new().await;
    let shop = world.shop().await;
    world.take(shop.pool.id, "coordinator-2").await;
    let plan = [found(&shop.task())];
    let error = world.store.apply(shop.lease, &plan).await.unwrap_err();
    assert!(matches!(&error, StoreError::LeaseLost { holder, .. } if holder == "coordinator-2"), "{error}");
    let draft = EventDraft {
        severity: Severity::Info,
        kind: "x",
        message: "x".into(),
        volume: None,
        job: None,
        actor: "hod".into(),
    };
    assert!(world.store.record(shop.lease, &[draft]).await.is_err());
    assert_eq!(world.count("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn a_volume_that_is_gone_is_not_loaded_and_may_come_back() {
    let world = World::new().await;
    let shop = world.shop().await;
    shop.apply(&world, &[quiet(Change::VolumeGone(shop.volume))]).await;
    assert!(shop.load(&world, &[]).await.volumes.is_empty());
    assert!(world.store.volumes(None).await.unwrap().is_empty());
    shop.apply(&world, &[shop.put_volume(shop.volume, "dist")]).await;
    assert_eq!(shop.load(&world, &[]).await.volumes.len(), 1);
}
