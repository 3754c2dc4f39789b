//! Rules that must hold are constraints: the database itself refuses what breaks them.

use std::collections::BTreeSet;

use newtype_uuid::GenericUuid as _;

use crate::support::{World, found};

/// What each statement tries, and by which constraint it is refused. `P`, `J`, `S`,
/// `T`, `V`, `H` stand for the ids of a pool, a job, its sub-step, its task, its
/// volume and a host.
const REFUSED: &[(&str, &str)] = &[
    // Names and words.
    ("INSERT INTO pools (id, name) VALUES (gen_random_uuid(), 'shop')", "pools_name_key"),
    ("INSERT INTO pools (id, name) VALUES (gen_random_uuid(), ' ')", "pools_name_check"),
    ("UPDATE jobs SET description = E'\\t' WHERE id = 'J'", "jobs_description_check"),
    ("UPDATE steps SET description = '' WHERE id = 'S'", "steps_description_check"),
    ("UPDATE volumes SET name = '' WHERE id = 'V'", "volumes_name_check"),
    // A host is a member of one pool.
    (
        "INSERT INTO hosts (pool_id, id, names, agent, state, since)
         VALUES ('O', 'H', '{x}', 'x:7460', 'SILENT', now())",
        "hosts_in_one_pool",
    ),
    // When it ended goes with whether it has.
    ("UPDATE jobs SET ended_at = now() WHERE id = 'J'", "jobs_ended_at_of_ended"),
    ("UPDATE jobs SET found_ended = true WHERE id = 'J'", "jobs_ended_at_of_ended"),
    ("UPDATE steps SET ended_at = now() WHERE id = 'S'", "steps_ended_at_of_ended"),
    (
        "UPDATE steps SET status = 'FINISHED', transition = 'COMPLETE' WHERE id = 'S'",
        "steps_ended_at_of_ended",
    ),
    // Locks: one a volume, of an open job, of a volume and a job of the pool.
    ("INSERT INTO volume_locks (pool_id, volume_id, job_id) VALUES ('P', 'V', 'J')", "volume_locks_pkey"),
    ("UPDATE volume_locks SET job_open = false", "volume_locks_job_open_check"),
    (
        "UPDATE jobs SET status = 'FAILED', transition = 'FAIL', ended_at = now() WHERE id = 'J'",
        "volume_locks_of_open_jobs",
    ),
    ("DELETE FROM jobs WHERE id = 'J'", "volume_locks_of_open_jobs"),
    ("UPDATE volume_locks SET job_id = gen_random_uuid()", "volume_locks_of_open_jobs"),
    ("UPDATE volume_locks SET volume_id = gen_random_uuid()", "volume_locks_pool_id_volume_id_fkey"),
    // An external id is on one step, whatever became of it.
    (
        "INSERT INTO step_external_ids (pool_id, system, external_id, step_id, run, first_seen, last_seen)
         VALUES ('P', 'GLUSTER', 'T', 'S', 2, now(), now())",
        "step_external_ids_pkey",
    ),
    (
        "INSERT INTO step_external_ids (pool_id, system, external_id, step_id, run, first_seen, last_seen)
         VALUES ('P', 'GLUSTER', gen_random_uuid(), 'S', 1, now(), now())",
        "step_external_ids_step_id_run_key",
    ),
    (
        "INSERT INTO step_external_ids (pool_id, system, external_id, step_id, run, first_seen, last_seen)
         VALUES ('O', 'GLUSTER', 'T', 'S', 2, now(), now())",
        "step_external_ids_pool_id_step_id_fkey",
    ),
    ("UPDATE step_external_ids SET step_id = NULL", "step_external_ids_check"),
    ("UPDATE step_external_ids SET ended = 'RUNNING'", "step_external_ids_ended_check"),
    ("UPDATE step_external_ids SET last_seen = first_seen - interval '1 s'", "step_external_ids_check1"),
    // Steps make a tree within their job.
    ("UPDATE steps SET parent_id = id WHERE id = 'S'", "steps_check"),
    ("UPDATE steps SET parent_id = gen_random_uuid() WHERE id = 'S'", "steps_job_id_parent_id_fkey"),
    ("UPDATE steps SET number = 1 WHERE id = 'S'", "steps_job_id_number_key"),
    // Counters count up from nothing.
    ("UPDATE step_hosts SET files = -1", "step_hosts_files_check"),
    ("UPDATE step_hosts SET bytes = -1", "step_hosts_bytes_check"),
    ("UPDATE step_hosts SET scanned = -1", "step_hosts_scanned_check"),
    ("UPDATE step_hosts SET failed = -1", "step_hosts_failed_check"),
    ("UPDATE step_hosts SET skipped = -1", "step_hosts_skipped_check"),
    ("UPDATE step_hosts SET run_time_ns = -1", "step_hosts_run_time_ns_check"),
    ("UPDATE step_hosts SET not_held_looks = 1", "step_hosts_check"),
    // A task's type and what goes with it.
    ("UPDATE step_tasks SET type = 'OTHER'", "step_tasks_check"),
    ("UPDATE step_tasks SET type_name = 'new'", "step_tasks_check"),
    ("UPDATE step_tasks SET type = 'REMOVE_BRICK', fix_layout = true", "step_tasks_check1"),
    ("UPDATE step_tasks SET type = NULL, fix_layout = true", "step_tasks_check1"),
    ("UPDATE step_tasks SET reset = true", "step_tasks_check2"),
    ("UPDATE step_tasks SET attention = '{}'", "step_tasks_attention_check"),
    // A brick is known, or it is not.
    ("UPDATE bricks SET path = NULL", "bricks_check"),
    ("UPDATE volumes SET trouble = 'locked'", "volumes_check"),
    ("UPDATE volumes SET options = '[]'", "volumes_options_check"),
    // Events are numbered from 1, once each.
    (
        "INSERT INTO events (pool_id, number, severity, kind, message, actor)
         SELECT pool_id, number, severity, kind, message, actor FROM events",
        "events_pkey",
    ),
    (
        "INSERT INTO events (pool_id, number, severity, kind, message, actor)
         VALUES ('P', 0, 'INFO', 'x', 'x', '')",
        "events_number_check",
    ),
    (
        "INSERT INTO events (pool_id, number, severity, kind, message, actor)
         VALUES ('P', 999, 'INFO', 'Not for scripts', 'x', '')",
        "events_kind_check",
    ),
    (
        "INSERT INTO evidence (job_id, at, what, raw) VALUES ('J', now(), 'x', convert_to(repeat('x', 1100001), 'UTF8'))",
        "evidence_raw_check",
    ),
];

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_the_database() {
    let world = World::new().await;
    let shop = world.shop().await;
    let other = crate::support::Shop::new(&world, "other").await;
    let task = shop.task();
    shop.apply(&world, &[found(&task)]).await;
    let ids = [
        ("'P'", shop.pool.id.into_untyped_uuid()),
        ("'O'", other.pool.id.into_untyped_uuid()),
        ("'J'", task.job.into_untyped_uuid()),
        ("'S'", task.step.into_untyped_uuid()),
        ("'T'", task.task.into_untyped_uuid()),
        ("'V'", shop.volume.into_untyped_uuid()),
        ("'H'", shop.hosts[0].into_untyped_uuid()),
    ];
    for (statement, constraint) in REFUSED {
        let mut statement = (*statement).to_owned();
        for (letter, id) in &ids {
            statement = statement.replace(letter, &format!("'{id}'"));
        }
        let error = world.sql.batch_execute(&statement).await.expect_err(&statement);
        let refused_by = error.as_db_error().unwrap().constraint();
        assert_eq!(refused_by, Some(*constraint), "{statement}: {error:?}");
    }
    let after = shop.recorded(&world, &task).await;
    assert_eq!(after, task, "what was refused has changed nothing");
}

/// A host that left one pool may join another, and not come back while it is there.
#[tokio::test]
async fn a_host_that_left_may_join_another_pool() {
    let world = World::new().await;
    let (shop, other) = (world.shop().await, crate::support::Shop::new(&world, "other").await);
    let host = shop.hosts[0].into_untyped_uuid();
    let (from, to) = (shop.pool.id.into_untyped_uuid(), other.pool.id.into_untyped_uuid());
    let join = "INSERT INTO hosts (pool_id, id, names, agent, state, since)
                VALUES ($1, $2, '{node-a}', 'node-a:7460', 'SILENT', now())";
    world.sql.execute("UPDATE hosts SET state = 'LEFT' WHERE id = $1", &[&host]).await.unwrap();
    world.sql.execute(join, &[&to, &host]).await.unwrap();
    let back = "UPDATE hosts SET state = 'ANSWERING' WHERE id = $1 AND pool_id = $2";
    let error = world.sql.execute(back, &[&host, &from]).await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().constraint(), Some("hosts_in_one_pool"));
}

/// Every table and every function says what it is for.
#[tokio::test]
async fn everything_in_the_schema_says_what_it_is_for() {
    let world = World::new().await;
    let rows = world
        .sql
        .query(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'refinery_schema_history'
               AND obj_description(c.oid, 'pg_class') IS NULL
             UNION
             SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = 'public' AND obj_description(p.oid, 'pg_proc') IS NULL",
            &[],
        )
        .await
        .unwrap();
    let silent: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(silent.is_empty(), "{silent:?}");
}
