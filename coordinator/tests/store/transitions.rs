//! The transitions are the same in Rust and in SQL, over every pair and every end.

use hod_core::job::JobStatus;
use hod_core::transition::Transition;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::World;

const ENDED: &str = "CASE WHEN $1::text <> 'STARTED' THEN now() END";

#[tokio::test]
async fn a_status_moves_by_a_named_transition_or_not_at_all() {
    let world = World::new().await;
    let shop = world.shop().await;
    let pool: Uuid = shop.pool.id.to_string().parse().unwrap();
    let mut allowed = 0;
    for from in JobStatus::ALL {
        let (job, step) = insert(&world.sql, pool, from).await;
        for named in Transition::ALL.map(Some).into_iter().chain([None]) {
            for to in JobStatus::ALL {
                let right = match named {
                    Some(transition) => transition.of(from) == Ok(to),
                    // Nothing changes, so nothing is to be named.
                    None => from == to,
                };
                let why = format!("{from:?} by {named:?} to {to:?}");
                assert_eq!(moves(&world.sql, "jobs", job, named, to).await, right, "job: {why}");
                assert_eq!(moves(&world.sql, "steps", step, named, to).await, right, "step: {why}");
                allowed += i64::from(right && named.is_some());
            }
        }
    }
    assert_eq!(allowed, world.count("SELECT count(*) FROM status_transitions").await);
}

/// A transition that was named at the change before does not serve for the next.
#[tokio::test]
async fn a_change_that_forgets_its_transition_is_refused() {
    let world = World::new().await;
    let shop = world.shop().await;
    let pool: Uuid = shop.pool.id.to_string().parse().unwrap();
    for first in Transition::ALL {
        for from in JobStatus::ALL {
            let Ok(then) = first.of(from) else { continue };
            let (job, _) = insert(&world.sql, pool, from).await;
            assert!(moves_for_good(&world.sql, job, first, then).await);
            for to in JobStatus::ALL.into_iter().filter(|to| *to != then) {
                let forgot = format!(
                    "UPDATE jobs SET status = $1::text::job_status, found_ended = false, ended_at = {ENDED} WHERE id = $2"
                );
                let error = world.sql.execute(&forgot, &[&to.code(), &job]).await.unwrap_err();
                let db = error.as_db_error().unwrap();
                assert_eq!(
                    db.constraint(),
                    Some("jobs_status_transition"),
                    "{from:?} {first:?} {to:?}: {error}"
                );
            }
        }
    }
}

async fn insert(sql: &Client, pool: Uuid, status: JobStatus) -> (Uuid, Uuid) {
    let (job, step) = (Uuid::new_v4(), Uuid::new_v4());
    let insert = format!(
        "INSERT INTO jobs (id, pool_id, description, status, external, found_at, ended_at)
         VALUES ($2, $3, 'a job', $1::text::job_status, true, now(), {ENDED})"
    );
    sql.execute(&insert, &[&status.code(), &job, &pool]).await.unwrap();
    let insert = format!(
        "INSERT INTO steps (id, pool_id, job_id, number, type, description, status, external, ended_at)
         VALUES ($2, $3, $4, 1, 'EXECUTING', 'a step', $1::text::job_status, true, {ENDED})"
    );
    sql.execute(&insert, &[&status.code(), &step, &pool, &job]).await.unwrap();
    (job, step)
}

/// Whether the change is let through; it is taken back.
async fn moves(sql: &Client, table: &str, id: Uuid, named: Option<Transition>, to: JobStatus) -> bool {
    sql.batch_execute("BEGIN").await.unwrap();
    let moved = update(sql, table, id, named, to).await;
    sql.batch_execute("ROLLBACK").await.unwrap();
    moved
}

async fn moves_for_good(sql: &Client, job: Uuid, named: Transition, to: JobStatus) -> bool {
    update(sql, "jobs", job, Some(named), to).await
}

async fn update(sql: &Client, table: &str, id: Uuid, named: Option<Transition>, to: JobStatus) -> bool {
    let update = format!(
        "UPDATE {table} SET status = $1::text::job_status, transition = $3::text::status_transition,
                ended_at = {ENDED}, found_ended = false WHERE id = $2"
    );
    match sql.execute(&update, &[&to.code(), &id, &named.map(Transition::code)]).await {
        Ok(rows) => rows == 1,
        Err(error) => {
            let constraint = error.as_db_error().unwrap().constraint().unwrap().to_owned();
            assert_eq!(constraint, format!("{table}_status_transition"), "{error}");
            false
        }
    }
}
