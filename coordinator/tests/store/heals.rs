//! Bricks replaced and reset: hod's own task, from the command to the end of the heal.

use std::collections::{BTreeMap, BTreeSet};

use hod_coordinator::store::{CommandStore as _, FoundHeal, HealProgress, Store as _, StoreError};
use hod_core::brick::{Brick, TaskBrick};
use hod_core::command::intention::{Intended, Intention};
use hod_core::id::TaskId;
use hod_core::job::JobStatus;
use hod_core::record::{Attention, AttentionCode, PartRecord};
use hod_core::task::{Counters, PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::commands::{apply_as_core_does, command, settled, task_id};
use crate::support::{Shop, World};

async fn replace(world: &World, shop: &Shop, task: TaskId) -> Intention {
    let (old, new) = ("/bricks/d1", "/bricks/d9");
    let brick = |path: &str| Brick { host: shop.hosts[2], path: path.into() };
    let what = Intended::ReplaceBrick { old: brick(old), new: brick(new), task };
    world.store.open_command(shop.lease, &command(shop, what)).await.unwrap()
}

fn progress(shop: &Shop, files: u64) -> HealProgress {
    let part = PartRecord {
        must_take_part: true,
        held: false,
        not_held: None,
        status: PartStatus::InProgress,
        counters: Counters { files, ..Counters::default() },
        changed_at: shop.now,
    };
    HealProgress {
        parts: BTreeMap::from([(shop.hosts[2], part)]),
        attention: vec![Attention { code: AttentionCode::WaitingForHost, text: "split-brain".into() }],
        message: "12 entries wait to be healed".into(),
    }
}

#[tokio::test]
async fn a_brick_is_replaced_from_the_command_to_the_end_of_its_heal() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = task_id();
    let intention = replace(&world, &shop, task).await;
    let shown = world.store.task(task).await.unwrap().record;
    assert_eq!((shown.job, shown.step, shown.status), (intention.job, intention.step, TaskStatus::Running));
    assert_eq!(shown.task_type, Some(TaskType::ReplaceBrick { reset: false }));
    let names: Vec<&str> = shown.bricks.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["node-c:/bricks/d1", "node-c:/bricks/d9"]);
    // It is shown like any, and no plan looks for it.
    assert_eq!(world.store.tasks(Some(shop.pool.id), &BTreeSet::new()).await.unwrap().len(), 1);
    let recorded = world.store.load(shop.pool.id, &BTreeSet::from([task])).await.unwrap();
    assert!(recorded.tasks.is_empty() && recorded.cleared.is_empty());
    let steps = world
        .sql
        .query("SELECT id FROM GetStepsByExternalTaskId($1)", &[task.as_untyped_uuid()])
        .await
        .unwrap();
    assert_eq!(steps[0].get::<_, Uuid>(0), intention.step.into_untyped_uuid());

    assert!(world.store.open_heals(shop.pool.id).await.unwrap().is_empty(), "not settled yet");
    let error = world
        .store
        .finish_heal(shop.lease, intention.job, Transition::Complete, "healed", "hod")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    apply_as_core_does(&world, &shop, &[settled(&shop, &intention, None, "its heal is watched")], &[]).await;
    let [heal] = world.store.open_heals(shop.pool.id).await.unwrap().try_into().unwrap();
    assert_eq!((heal.record.task, heal.record.message.as_str()), (task, "its heal is watched"));

    let progress = progress(&shop, 7);
    world.store.put_heal(shop.lease, intention.step, &progress).await.unwrap();
    let shown = world.store.task(task).await.unwrap().record;
    assert_eq!(
        (&shown.parts, &shown.attention, &shown.message),
        (&progress.parts, &progress.attention, &progress.message)
    );
    let written = "SELECT xmin::text FROM step_tasks UNION ALL SELECT xmin::text FROM jobs UNION ALL SELECT xmin::text FROM step_hosts";
    let rows = async || -> Vec<String> {
        world.sql.query(written, &[]).await.unwrap().iter().map(|r| r.get(0)).collect()
    };
    let before = rows().await;
    world.store.put_heal(shop.lease, intention.step, &progress).await.unwrap();
    assert_eq!(rows().await, before, "nothing changed, nothing is written");

    let job = world
        .store
        .finish_heal(shop.lease, intention.job, Transition::Complete, "healed", "hod")
        .await
        .unwrap();
    assert_eq!((job.status, job.message.as_str()), (JobStatus::Finished, "healed"));
    assert_eq!(job.steps[2].task.as_ref().unwrap().record.status, TaskStatus::Completed);
    assert!(shop.load(&world, &[]).await.locks.is_empty());
    assert!(world.store.open_heals(shop.pool.id).await.unwrap().is_empty());
    let error = world.store.put_heal(shop.lease, intention.step, &progress).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
    let error =
        world.store.finish_heal(shop.lease, intention.job, Transition::Fail, "no", "hod").await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_replacement_that_was_refused_fails_with_its_task() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = task_id();
    let intention = replace(&world, &shop, task).await;
    let plan = [settled(&shop, &intention, Some(Transition::Fail), "refused by Gluster: no")];
    apply_as_core_does(&world, &shop, &plan, &[]).await;
    let shown = world.store.task(task).await.unwrap().record;
    assert_eq!((shown.status, shown.job_status), (TaskStatus::Failed, JobStatus::Failed));
    assert!(world.store.open_heals(shop.pool.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_replacement_that_was_found_is_one_job_and_ends_with_its_heal() {
    let world = World::new().await;
    let shop = world.shop().await;
    let [brick, _]: [TaskBrick; 2] = shop.bricks().try_into().unwrap();
    let found = FoundHeal {
        pool: shop.pool.id,
        volume: shop.volume,
        task: task_id(),
        description: "Replacing brick node-c:/bricks/d0 of volume dist".into(),
        reset: false,
        brick,
        actor: "root on node-c".into(),
    };
    let job = world.store.add_found_heal(shop.lease, &found).await.unwrap();
    assert!(job.external);
    assert_eq!(shop.load(&world, &[]).await.locks[&shop.volume], job.id);
    assert_eq!(world.store.add_found_heal(shop.lease, &found).await.unwrap(), job);
    let events = world.events(shop.pool.id).await;
    assert_eq!(events.iter().filter(|e| e.kind == "task-found").count(), 1);
    let error = world.store.end_external_job(job.id, JobStatus::Finished, "bob").await.unwrap_err();
    assert!(error.to_string().contains("ends when the task does"), "{error}");
    let [heal] = world.store.open_heals(shop.pool.id).await.unwrap().try_into().unwrap();
    assert_eq!(heal.record.bricks, [found.brick]);
    world.store.finish_heal(shop.lease, job.id, Transition::Abort, "volume deleted", "hod").await.unwrap();
    assert!(shop.load(&world, &[]).await.locks.is_empty());
}
