//! The stored functions, called as anybody with psql could.

use hod_coordinator::store::Store as _;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found};

async fn ids(world: &World, query: &str, id: Uuid) -> Vec<Uuid> {
    let rows = world.sql.query(query, &[&id]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// VDSM or GLUSTER, and nothing else.
#[tokio::test]
async fn check_if_job_has_tasks() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let job = task.job.into_untyped_uuid();
    let has = async || -> bool {
        world.sql.query_one("SELECT CheckIfJobHasTasks($1)", &[&job]).await.unwrap().get(0)
    };
    assert!(has().await);
    for (system, expected) in [("VDSM", true), ("HOD", false), ("GLUSTER", true)] {
        let update = "UPDATE step_external_ids SET system = $1::text::external_system";
        world.sql.execute(update, &[&system]).await.unwrap();
        assert_eq!(has().await, expected, "{system}");
    }
    world.sql.batch_execute("DELETE FROM step_external_ids").await.unwrap();
    assert!(!has().await, "no external id");
    let none = "SELECT CheckIfJobHasTasks(gen_random_uuid())";
    assert!(!world.sql.query_one(none, &[]).await.unwrap().get::<_, bool>(0));
}

/// All steps of an id, parents first, in whatever order they were written.
#[tokio::test]
async fn get_steps_by_external_task_id() {
    let world = World::new().await;
    let (shop, other) = (world.shop().await, Shop::new(&world, "other").await);
    let (task, more) = (shop.task(), shop.task());
    shop.apply(&world, &[found(&task)]).await;
    let steps = "SELECT id FROM GetStepsByExternalTaskId($1)";
    let id = task.task.into_untyped_uuid();
    assert_eq!(ids(&world, steps, id).await, [task.step.into_untyped_uuid()]);
    // The parent carries the id too, by another system.
    let insert =
        "INSERT INTO step_external_ids (pool_id, system, external_id, step_id, first_seen, last_seen)
                  VALUES ($1, 'VDSM', $2, $3, now(), now())";
    let pool = shop.pool.id.into_untyped_uuid();
    world.sql.execute(insert, &[&pool, &id, task.executing.as_untyped_uuid()]).await.unwrap();
    let expected = [task.executing.into_untyped_uuid(), task.step.into_untyped_uuid()];
    assert_eq!(ids(&world, steps, id).await, expected);
    assert!(ids(&world, steps, more.task.into_untyped_uuid()).await.is_empty());
    // A pool that was cloned has the same id; each pool's plan touches its own step.
    let mut twin = other.task();
    twin.task = task.task;
    other.apply(&world, &[found(&twin)]).await;
    assert_eq!(ids(&world, steps, id).await.len(), 3);
    let mut grown = task.clone();
    grown.message = "grown".into();
    shop.apply(&world, &[crate::support::changed(&grown)]).await;
    assert_eq!(shop.recorded(&world, &task).await, grown);
    assert_eq!(other.recorded(&world, &twin).await, twin);
}

/// A set-based statement can use it: the planner sees into it and looks ids up by
/// the index.
#[tokio::test]
async fn the_planner_sees_into_get_steps_by_external_task_id() {
    let world = World::new().await;
    let plan = world
        .sql
        .query(
            "EXPLAIN SELECT s.id FROM unnest(ARRAY[gen_random_uuid()]) t (id), GetStepsByExternalTaskId(t.id) s",
            &[],
        )
        .await
        .unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(!plan.contains("Function Scan on getsteps"), "{plan}");
    assert!(plan.contains("step_external_ids"), "{plan}");
}

#[tokio::test]
async fn external_ids_of_steps_by_their_status() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let running = "SELECT GetExternalIdsOfRunningSteps($1)";
    let pool = shop.pool.id.into_untyped_uuid();
    assert_eq!(ids(&world, running, pool).await, [task.task.into_untyped_uuid()]);
    world.store.abandon_job(task.job, "", "x").await.unwrap();
    assert!(ids(&world, running, pool).await.is_empty());
    let unknown = "SELECT GetExternalIdsFromSteps($1, 'GLUSTER', 'UNKNOWN')";
    assert_eq!(ids(&world, unknown, pool).await, [task.task.into_untyped_uuid()]);
    let vdsm = "SELECT GetExternalIdsFromSteps($1, 'VDSM', 'UNKNOWN')";
    assert!(ids(&world, vdsm, pool).await.is_empty());
}

#[tokio::test]
async fn end_steps_of_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (task, other) = (shop.task(), shop.task());
    shop.apply(&world, &[found(&task)]).await;
    let alone =
        crate::support::put(&other, true, None, None, hod_core::change::LockChange::Keep, "task-found");
    shop.apply(&world, &[alone]).await;
    let finish =
        "UPDATE steps SET status = 'FINISHED', transition = 'COMPLETE', ended_at = now() WHERE id = $1";
    world.sql.execute(finish, &[task.step.as_untyped_uuid()]).await.unwrap();
    let end = "SELECT EndStepsOfJob($1, 'ABORT', now())";
    let job = task.job.into_untyped_uuid();
    assert_eq!(ids(&world, end, job).await, [task.executing.into_untyped_uuid()], "the one that was open");
    assert!(ids(&world, end, job).await.is_empty());
    assert_eq!(
        world.count("SELECT count(*) FROM steps WHERE status = 'STARTED'").await,
        2,
        "the other job's"
    );
    let again = "SELECT EndStepsOfJob($1, 'RUN_AGAIN', now())";
    assert!(ids(&world, again, other.job.into_untyped_uuid()).await.is_empty(), "that ends nothing");
}

#[tokio::test]
async fn clear_jobs_leaves_open_ones_alone() {
    let world = World::new().await;
    let shop = world.shop().await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let clear = "SELECT ClearJobs(ARRAY[$1::uuid])";
    assert!(ids(&world, clear, task.job.into_untyped_uuid()).await.is_empty());
    assert_eq!(shop.recorded(&world, &task).await, task);
}
