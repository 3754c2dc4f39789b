//! Pools and their hosts.

use std::collections::BTreeMap;

use hod_coordinator::store::{Follow, NewPool, Store as _, StoreError};
use hod_core::change::Change;
use hod_core::id::{HostId, PoolId};
use hod_core::record::HostState;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use crate::support::{Shop, World, found, host, quiet};

#[tokio::test]
async fn a_pool_is_found_by_its_name_and_its_id() {
    let world = World::new().await;
    let shop = world.shop().await;
    for name in ["shop".to_owned(), shop.pool.id.to_string()] {
        let pool = world.store.pool(&name).await.unwrap();
        assert_eq!((pool.id, pool.hosts, pool.hosts_answering), (shop.pool.id, 3, 3));
    }
    let error = world.store.pool("nowhere").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no pool nowhere");
}

#[tokio::test]
async fn a_pool_tells_how_it_stands() {
    let world = World::new().await;
    let shop = world.shop().await;
    Shop::new(&world, "archive").await;
    let (mut silent, mut left) = (host("node-b", shop.now), host("node-c", shop.now));
    (silent.state, silent.state_message) = (HostState::Silent, "connection refused".into());
    left.state = HostState::Left;
    let plan = [
        quiet(Change::PutHost(shop.hosts[1], silent)),
        quiet(Change::PutHost(shop.hosts[2], left)),
        found(&shop.task()),
    ];
    shop.apply(&world, &plan).await;
    let pools = world.store.pools().await.unwrap();
    assert_eq!(pools.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["archive", "shop"]);
    let pool = &pools[1];
    assert_eq!((pool.hosts, pool.hosts_answering, pool.volumes, pool.open_jobs), (2, 1, 1, 1));
    assert_eq!((pool.holder.as_str(), pool.follow), ("coordinator-1", Follow::Normal));
    let hosts = world.store.hosts(Some(shop.pool.id)).await.unwrap();
    let states: Vec<_> = hosts.iter().map(|h| (h.host.names[0].as_str(), h.host.state)).collect();
    let expected =
        [("node-a", HostState::Answering), ("node-b", HostState::Silent), ("node-c", HostState::Left)];
    assert_eq!(states, expected);
    assert_eq!(world.store.hosts(None).await.unwrap().len(), 6);
}

#[tokio::test]
async fn what_makes_no_pool_is_refused() {
    let world = World::new().await;
    let shop = world.shop().await;
    let new = |name: &str, hosts: &[HostId]| NewPool {
        name: name.into(),
        follow: Follow::Quiet,
        hosts: hosts.iter().map(|id| (*id, host("node-z", shop.now))).collect::<BTreeMap<_, _>>(),
        actor: "ops".into(),
    };
    let fresh = [HostId::from_untyped_uuid(Uuid::new_v4())];
    for (name, hosts, wrong) in
        [(" ", &fresh[..], "name"), (&shop.pool.id.to_string(), &fresh[..], "name"), ("b", &[], "hosts")]
    {
        let error = world.store.add_pool(new(name, hosts)).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field, .. } if field == wrong), "{error}");
    }
    let error = world.store.add_pool(new("shop", &fresh)).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    // Two pools that claim one host: both are named, and the host.
    let error = world.store.add_pool(new("mall", &[fresh[0], shop.hosts[1]])).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    let error = error.to_string();
    assert!(["pool shop", "pool mall", "node-b"].iter().all(|part| error.contains(part)), "{error}");
    assert_eq!(world.store.pools().await.unwrap().len(), 1);
}

/// Many ask for the same hosts at once: one gets them, the others are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_claimed_once_however_many_ask() {
    let world = World::new().await;
    let id = HostId::from_untyped_uuid(Uuid::new_v4());
    let now = world.store.now().await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let new = NewPool {
                    name: format!("pool-{n}"),
                    follow: Follow::Normal,
                    hosts: BTreeMap::from([(id, host("node-a", now))]),
                    actor: String::new(),
                };
                store.add_pool(new).await
            })
        })
        .collect();
    let mut added = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => added += 1,
            Err(error) => assert!(matches!(error, StoreError::Exists(_)), "{error}"),
        }
    }
    assert_eq!(added, 1);
}

#[tokio::test]
async fn a_pool_is_removed_with_all_that_is_of_it() {
    let world = World::new().await;
    let shop = world.shop().await;
    let other = Shop::new(&world, "other").await;
    shop.apply(&world, &[found(&shop.task())]).await;
    other.apply(&world, &[found(&other.task())]).await;
    world.store.remove_pool(shop.pool.id).await.unwrap();
    let tables =
        ["hosts", "volumes", "bricks", "jobs", "steps", "step_hosts", "volume_locks", "step_external_ids"];
    for table in tables {
        let here = match table {
            "hosts" | "bricks" | "step_hosts" => 3,
            "steps" => 2,
            _ => 1,
        };
        assert_eq!(world.count(&format!("SELECT count(*) FROM {table}")).await, here, "{table}");
    }
    let error = world.store.remove_pool(shop.pool.id).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { what: "pool", .. }));
    let nobody = PoolId::from_untyped_uuid(Uuid::new_v4());
    assert!(matches!(
        world.store.load(nobody, &Default::default()).await.unwrap_err(),
        StoreError::NotFound { what: "pool", .. }
    ));
}
