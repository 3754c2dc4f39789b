//! Events: numbered in the order of commits, and read from any number on.

use std::collections::BTreeSet;

use hod_coordinator::store::{EventFilter, EventsFrom, NewExternalJob, Store as _, StoreError};
use hod_core::event::{EventDraft, Severity};
use hod_core::id::VolumeId;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found};

fn draft(message: &str) -> EventDraft {
    EventDraft {
        severity: Severity::Warning,
        kind: "host-silent",
        message: message.into(),
        volume: None,
        job: None,
        actor: "hod".into(),
    }
}

fn filter(shop: &Shop, from: EventsFrom, limit: i32) -> EventFilter {
    EventFilter { pool: shop.pool.id, from, limit, volume: None, job: None }
}

#[tokio::test]
async fn events_are_read_from_a_number_on_or_from_the_end() {
    let world = World::new().await;
    let shop = world.shop().await;
    let drafts: Vec<_> = (2..=150).map(|n| draft(&format!("event {n}"))).collect();
    world.store.record(shop.lease, &drafts).await.unwrap();
    let numbers = async |from, limit| -> Vec<u64> {
        let events = world.store.events(&filter(&shop, from, limit)).await.unwrap();
        events.iter().map(|e| e.number).collect()
    };
    assert_eq!(numbers(EventsFrom::After(0), 3).await, [1, 2, 3]);
    assert_eq!(numbers(EventsFrom::After(148), 100).await, [149, 150]);
    assert_eq!(numbers(EventsFrom::After(u64::MAX), 0).await, [0; 0]);
    assert_eq!(numbers(EventsFrom::Newest, 2).await, [149, 150]);
    assert_eq!(numbers(EventsFrom::Newest, 0).await, (51..=150).collect::<Vec<u64>>());
    let events = world.events(shop.pool.id).await;
    assert!(events.iter().skip(1).all(|e| e.message == format!("event {}", e.number)));
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "times go with numbers");
    assert_eq!((events[1].severity, events[1].kind.as_str()), (Severity::Warning, "host-silent"));
}

#[tokio::test]
async fn events_are_filtered_by_volume_and_job() {
    let world = World::new().await;
    let shop = world.shop().await;
    let volume = VolumeId::from_untyped_uuid(Uuid::new_v4());
    shop.apply(&world, &[shop.put_volume(volume, "backup")]).await;
    let (first, second) = (shop.task(), shop.task_of(volume, "backup"));
    shop.apply(&world, &[found(&first), found(&second)]).await;
    for name in ["backup".to_owned(), volume.to_string()] {
        let filter = EventFilter { volume: Some(name), ..filter(&shop, EventsFrom::Newest, 0) };
        let events = world.store.events(&filter).await.unwrap();
        assert_eq!(events.iter().map(|e| e.job).collect::<Vec<_>>(), [Some(second.job)]);
        assert_eq!(events[0].volume_name, "backup");
    }
    let of_job = EventFilter { job: Some(first.job), ..filter(&shop, EventsFrom::After(0), 0) };
    let events = world.store.events(&of_job).await.unwrap();
    assert_eq!(events.iter().map(|e| e.volume).collect::<Vec<_>>(), [Some(shop.volume)]);
    let nowhere = EventFilter { volume: Some("nowhere".into()), ..filter(&shop, EventsFrom::Newest, 0) };
    assert!(matches!(world.store.events(&nowhere).await, Err(StoreError::NotFound { what: "volume", .. })));
    for limit in [-1, 1001] {
        let error = world.store.events(&filter(&shop, EventsFrom::Newest, limit)).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field: "page_size", .. }), "{error}");
    }
}

/// Sync, an operator and other programs write at once. Whoever reads meanwhile, and
/// goes on from the last number that was seen, sees every event once, and the
/// numbers have no gap: an event never comes to light behind one already seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_goes_on_from_a_number_misses_nothing() {
    const WRITERS: usize = 6;
    const EACH: usize = 25;
    let world = World::new().await;
    let shop = world.shop().await;
    let last = 1 + (WRITERS * EACH) as u64;
    let (store, seen_by) = (world.store.clone(), filter(&shop, EventsFrom::After(0), 7));
    let reader = tokio::spawn(async move {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            let after = numbers.last().copied().unwrap_or(0);
            let filter = EventFilter { from: EventsFrom::After(after), ..seen_by.clone() };
            numbers.extend(store.events(&filter).await.unwrap().iter().map(|e| e.number));
            tokio::task::yield_now().await;
        }
        numbers
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, lease) = (world.store.clone(), shop.lease);
            tokio::spawn(async move {
                for n in 0..EACH {
                    if writer % 2 == 0 {
                        store.record(lease, &[draft(&format!("{writer}/{n}"))]).await.unwrap();
                    } else {
                        let job = NewExternalJob {
                            pool: lease.pool,
                            description: format!("{writer}/{n}"),
                            origin: String::new(),
                            volume: None,
                            actor: String::new(),
                        };
                        store.add_external_job(job).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let numbers = tokio::time::timeout(crate::support::DEADLINE, reader).await.unwrap().unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<u64>>());
    let told: BTreeSet<String> = world.events(shop.pool.id).await.into_iter().map(|e| e.message).collect();
    assert_eq!(told.len() as u64, last);
}

/// A number is not used up by what did not come to pass.
#[tokio::test]
async fn what_was_refused_leaves_no_gap() {
    let world = World::new().await;
    let shop = world.shop().await;
    let nowhere = shop.task_of(VolumeId::from_untyped_uuid(Uuid::new_v4()), "nowhere");
    let applied = shop.try_apply(&world, &[found(&nowhere)]).await;
    assert_eq!(applied.failed.len(), 1);
    shop.apply(&world, &[found(&shop.task())]).await;
    let numbers: Vec<u64> = world.events(shop.pool.id).await.iter().map(|e| e.number).collect();
    assert_eq!(numbers, [1, 2]);
}
