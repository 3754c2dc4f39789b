//! Who writes for a pool: one at a time, and never one that was replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use hod_coordinator::store::{
    CommandEvent, CommandStore, Coordinator, Evidence, FoundHeal, HealProgress, Lease, NewThrottle, Resume,
    Roster, Store, StoreError, Throttle, ThrottleState,
};
use hod_core::brick::{BrickName, TaskBrick};
use hod_core::command::intention::Answer;
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{CoordinatorId, IntentionId, JobId, PoolId, StepId};
use hod_core::transition::Transition;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::commands::{REBALANCE, command, open, start, task_id};
use crate::support::{Shop, World, coordinator, found};

/// What the pools' rows hold, and everything that is recorded of a pool's tasks.
async fn all_that_is_written(world: &World) -> Vec<String> {
    let mut told = Vec::new();
    for table in [
        "pools",
        "hosts",
        "volumes",
        "jobs",
        "steps",
        "step_tasks",
        "step_hosts",
        "volume_locks",
        "intentions",
        "throttles",
        "volume_windows",
        "events",
        "evidence",
    ] {
        let query =
            format!("SELECT coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '') FROM {table} t");
        let rows: String = world.sql.query_one(&query, &[]).await.unwrap().get(0);
        told.push(format!("{table}: {rows}"));
    }
    told
}

async fn is_free(world: &World, pool: PoolId, by: &Coordinator) -> Option<Lease> {
    world.store.take_lease(pool, by.id).await.unwrap()
}

fn held(roster: &Roster, pool: PoolId) -> (i64, Option<CoordinatorId>) {
    let held = roster.pools.iter().find(|held| held.lease.pool == pool).unwrap();
    (held.lease.epoch, held.by)
}

#[tokio::test]
async fn a_pool_is_taken_only_where_it_is_free() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (first, second) = (coordinator("first"), coordinator("second"));
    world.silence().await;
    world.store.check_in(&first).await.unwrap();
    world.store.check_in(&second).await.unwrap();
    let lease = is_free(&world, shop.pool.id, &first).await.expect("its holder was not seen for a minute");
    assert!(lease.epoch > shop.lease.epoch);
    assert_eq!(is_free(&world, shop.pool.id, &second).await, None);
    // Its own is taken anew, such as after a pause.
    let again = is_free(&world, shop.pool.id, &first).await.expect("its own");
    assert!(again.epoch > lease.epoch);

    let roster = world.store.check_in(&second).await.unwrap();
    let ids: BTreeSet<CoordinatorId> = roster.coordinators.iter().map(|c| c.id).collect();
    assert_eq!(ids, BTreeSet::from([first.id, second.id]));
    assert_eq!(held(&roster, shop.pool.id), (again.epoch, Some(first.id)));
    let pool = world.store.pool("shop").await.unwrap();
    assert_eq!((pool.holder.as_str(), pool.holder_address.as_str()), ("first", "first:7470"));

    // One that says nothing for the lease's time holds nothing.
    world.silence().await;
    let roster = world.store.check_in(&second).await.unwrap();
    assert_eq!(held(&roster, shop.pool.id), (again.epoch, None));
    assert_eq!(world.store.pool("shop").await.unwrap().holder_address, "");
    assert!(is_free(&world, shop.pool.id, &second).await.is_some());
    world.store.check_in(&first).await.unwrap();
    assert_eq!(is_free(&world, shop.pool.id, &first).await, None, "it comes too late");
}

#[tokio::test]
async fn what_is_given_back_is_free_at_once_and_its_lease_proves_nothing() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (first, second) = (coordinator("first"), coordinator("second"));
    for one in [&first, &second] {
        world.store.check_in(one).await.unwrap();
    }
    world.store.release_lease(shop.lease).await.unwrap();
    let error = world.store.release_lease(shop.lease).await.unwrap_err();
    assert!(matches!(&error, StoreError::LeaseLost { holder, .. } if holder == "nobody"), "{error}");
    assert_eq!(world.store.pool("shop").await.unwrap().holder, "");

    let lease = is_free(&world, shop.pool.id, &first).await.unwrap();
    world.store.check_out(first.id).await.unwrap();
    let error = world.store.record(lease, &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost { .. }), "{error}");
    let roster = world.store.check_in(&second).await.unwrap();
    assert!(roster.coordinators.iter().all(|c| c.id != first.id));
    assert!(is_free(&world, shop.pool.id, &second).await.is_some());
    // One that has left, or was never there, takes nothing.
    assert_eq!(is_free(&world, shop.pool.id, &first).await, None);
}

#[tokio::test]
async fn a_coordinator_that_starts_anew_does_not_wait_for_its_own_lease() {
    let world = World::new().await;
    let shop = world.shop().await;
    let (before, other) = (coordinator("same"), coordinator("other"));
    world.store.release_lease(shop.lease).await.unwrap();
    for one in [&before, &other] {
        world.store.check_in(one).await.unwrap();
    }
    let old = is_free(&world, shop.pool.id, &before).await.unwrap();
    let after = coordinator("same");
    world.store.succeed(&after, false).await.unwrap();
    let roster = world.store.check_in(&after).await.unwrap();
    assert_eq!(held(&roster, shop.pool.id), (old.epoch, None));
    assert!(roster.coordinators.iter().any(|c| c.id == other.id), "only its own is forgotten");
    let new = is_free(&world, shop.pool.id, &after).await.unwrap();
    let error = world.store.record(old, &[]).await.unwrap_err();
    assert!(matches!(&error, StoreError::LeaseLost { holder, .. } if holder == "same"), "{error}");
    world.store.record(new, &[]).await.unwrap();

    // Where the database is its own, there is no other.
    let alone = coordinator("alone");
    world.store.succeed(&alone, true).await.unwrap();
    let roster = world.store.check_in(&alone).await.unwrap();
    assert_eq!(roster.coordinators, [alone]);
    assert_eq!(held(&roster, shop.pool.id).1, None);
}

#[tokio::test]
async fn of_many_that_take_one_pool_one_has_it() {
    let world = World::new().await;
    let shop = world.shop().await;
    world.silence().await;
    let many: Vec<Coordinator> = (0..8).map(|n| coordinator(&format!("c{n}"))).collect();
    for one in &many {
        world.store.check_in(one).await.unwrap();
    }
    let taken = many.iter().map(|one| world.store.take_lease(shop.pool.id, one.id));
    let taken = futures::future::join_all(taken).await;
    let leases: Vec<Lease> = taken.into_iter().filter_map(|lease| lease.unwrap()).collect();
    assert_eq!(leases.len(), 1, "{leases:?}");
    assert_eq!(leases[0].epoch, shop.lease.epoch + 1);
}

#[tokio::test]
async fn a_pool_that_is_not_there_can_not_be_held() {
    let world = World::new().await;
    let pool = PoolId::from_untyped_uuid(Uuid::new_v4());
    let missing = |error: StoreError| matches!(error, StoreError::NotFound { what: "pool", .. });
    let one = coordinator("x");
    world.store.check_in(&one).await.unwrap();
    assert!(missing(world.store.take_lease(pool, one.id).await.unwrap_err()));
    assert!(missing(world.store.release_lease(Lease { pool, epoch: 1 }).await.unwrap_err()));
}

/// A coordinator that was frozen in the middle of a transaction keeps nobody from its pool.
#[tokio::test]
async fn what_a_frozen_transaction_has_locked_is_given_free() {
    let world = World::new().await;
    let shop = world.shop().await;
    let second = coordinator("second");
    // As the store's own connections are set.
    world.sql.batch_execute("SET idle_in_transaction_session_timeout = '5s'; BEGIN").await.unwrap();
    let id = shop.pool.id.into_untyped_uuid();
    world.sql.execute("SELECT FROM pools WHERE id = $1 FOR NO KEY UPDATE", &[&id]).await.unwrap();
    let other = hod_coordinator::database::Database::ready(world.config(), crate::support::DEADLINE);
    let other = hod_coordinator::store::PgStore::new(&other.await.unwrap());
    let begun = std::time::Instant::now();
    other.check_in(&second).await.unwrap();
    let error = other.take_lease(shop.pool.id, second.id).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "it does not wait for ever: {error}");
    assert!(begun.elapsed() < Lease::LASTS);
    crate::support::until("the frozen transaction to be ended", async || {
        other.take_lease(shop.pool.id, second.id).await.ok()
    })
    .await;
}

type Write<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Every function of the store that takes a lease. A new one belongs here.
fn writes<'a>(
    world: &'a World,
    shop: &'a Shop,
    job: JobId,
    step: StepId,
    intention: IntentionId,
) -> Vec<(&'static str, Write<'a>)> {
    let (store, lease) = (&world.store, shop.lease);
    macro_rules! write {
        ($name:ident($($arg:expr),*)) => {
            (stringify!($name), Box::pin(async move { store.$name(lease, $($arg),*).await.map(|_| ()) }) as Write<'a>)
        };
    }
    let event = || CommandEvent {
        severity: Severity::Info,
        kind: "command",
        message: "said".into(),
        actor: "alice".into(),
    };
    let throttle = || NewThrottle { set: "lazy".into(), previous: None };
    vec![
        ("release_lease", Box::pin(async move { store.release_lease(lease).await })),
        write!(apply(&[found(&shop.task())])),
        write!(record(&[EventDraft {
            severity: Severity::Info,
            kind: "x",
            message: "x".into(),
            volume: None,
            job: None,
            actor: "hod".into(),
        }])),
        write!(clear_ended(shop.now, &BTreeSet::new())),
        write!(keep_evidence(job, &[Evidence { at: shop.now, host: None, what: "x".into(), raw: vec![1] }])),
        write!(open_command(&command(shop, start(REBALANCE)))),
        write!(open_resume(&Resume { step, before: BTreeSet::new(), actor: "alice".into() })),
        write!(answer(intention, &Answer::Unknown("no answer".into()))),
        write!(set_pause(step, "alice")),
        write!(clear_pause(step, "alice", "no")),
        write!(end_paused(job, "alice")),
        write!(record_command(job, &event())),
        write!(record_once(job, &event())),
        write!(add_found_heal(&FoundHeal {
            pool: shop.pool.id,
            volume: shop.volume,
            task: task_id(),
            description: "Replacing a brick".into(),
            reset: false,
            brick: TaskBrick { name: BrickName::parse("node-a:/b").unwrap(), brick: None },
            actor: "alice".into(),
        })),
        write!(put_heal(
            step,
            &HealProgress { parts: BTreeMap::new(), attention: Vec::new(), message: "x".into() }
        )),
        write!(finish_heal(job, Transition::Complete, "healed", "hod")),
        write!(put_throttle(job, shop.volume, &throttle())),
        write!(throttle_is_set(shop.volume, "lazy")),
        write!(remove_throttle(&Throttle {
            pool: shop.pool.id,
            volume: shop.volume,
            job: Some(job),
            job_open: true,
            set: "lazy".into(),
            previous: None,
            state: ThrottleState::Set,
        })),
        write!(set_windows(shop.volume, &[], "alice")),
    ]
}

#[tokio::test]
async fn nothing_is_written_with_a_lease_that_another_took() {
    let world = World::new().await;
    let mut shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let old = shop.lease;
    let new = world.take(shop.pool.id, "coordinator-2").await;
    let before = all_that_is_written(&world).await;
    for (name, write) in writes(&world, &shop, intention.job, intention.step, intention.id) {
        let error = write.await.expect_err(name);
        assert!(
            matches!(&error, StoreError::LeaseLost { pool, holder } if *pool == old.pool && holder == "coordinator-2"),
            "{name}: {error}"
        );
        assert_eq!(all_that_is_written(&world).await, before, "{name} wrote something");
    }
    // The same is heard with the lease that is the last one: it is not refused for it.
    shop.lease = new;
    for (name, write) in
        writes(&world, &shop, intention.job, intention.step, intention.id).into_iter().skip(1)
    {
        let lost = matches!(write.await, Err(StoreError::LeaseLost { .. }));
        assert!(!lost, "{name}");
    }
}

/// The table above has every function of the traits that takes a lease.
#[test]
fn the_table_of_writes_is_whole() {
    let sources = [include_str!("../../src/store/mod.rs"), include_str!("../../src/store/command.rs")];
    let mut functions = BTreeSet::new();
    for source in sources {
        for declared in source.split("async fn ").skip(1) {
            let (name, rest) = declared.split_once('(').unwrap();
            let parameters = rest.split("->").next().unwrap();
            if parameters.contains("lease: Lease") {
                functions.insert(name);
            }
        }
    }
    let table = include_str!("leases.rs");
    for name in &functions {
        let there = table.contains(&format!("write!({name}(")) || table.contains(&format!("(\"{name}\", "));
        assert!(there, "{name} is missing in the table of writes");
    }
    assert!(functions.len() >= 20, "{functions:?}");
}

/// A lease is good for its own pool only.
#[tokio::test]
async fn a_lease_of_one_pool_writes_nothing_of_another() {
    let world = World::new().await;
    let shop = world.shop().await;
    let other = Shop::new(&world, "other").await;
    let intention = open(&world, &shop).await;
    let lease = other.lease;
    let before = all_that_is_written(&world).await;
    let store = &world.store;
    let refused = [
        store
            .record_command(
                lease,
                intention.job,
                &CommandEvent {
                    severity: Severity::Info,
                    kind: "command",
                    message: "said".into(),
                    actor: "alice".into(),
                },
            )
            .await
            .unwrap_err(),
        store.answer(lease, intention.id, &Answer::Done(None)).await.unwrap_err(),
        store.set_pause(lease, intention.step, "alice").await.unwrap_err(),
        store.open_command(lease, &command(&shop, start(REBALANCE))).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    }
    assert_eq!(all_that_is_written(&world).await, before);
}
