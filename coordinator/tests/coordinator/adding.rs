//! Taking pools up, and what is refused.

use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::HostState;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::pool::FakePool;
use crate::support::until;
use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn one_address_brings_all_hosts() {
    let world = World::new().await;
    let pool = FakePool::start(3).await;
    let added = world.add("shop", &pool.address()).await.unwrap();
    assert_eq!(added.pool.unwrap().name, "shop");
    assert_eq!(added.hosts.len(), 3);
    for host in &added.hosts {
        assert_eq!(host.state(), HostState::Answering, "{host:?}");
        assert_eq!(host.gluster_version, "10.3");
    }
    let volume = until("the volume to be known", async || {
        let request = pb::ListVolumesRequest { pool: "shop".into() };
        let mut volumes = world.pools().list_volumes(request).await.unwrap().into_inner().volumes;
        volumes.pop()
    })
    .await;
    assert_eq!(volume.volume.unwrap().name, "dist");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_an_agent_is_recorded_and_comes_later() {
    let world = World::new().await;
    let mut pool = FakePool::start(2).await;
    pool.agents[1].kill();
    until("the agent to be gone", async || {
        tokio::net::TcpStream::connect(pool.agents[1].address).await.err()
    })
    .await;
    let added = world.add("shop", &pool.address()).await.unwrap();
    let silent = added.hosts.iter().find(|h| h.host_id == pool.id(1).to_string()).unwrap();
    assert_eq!(silent.state(), HostState::Silent);
    assert!(silent.state_message.contains(&silent.agent), "{silent:?}");

    pool.agents[1].revive().await;
    until("the host to answer", async || {
        let host = world.host(&pool.agents[1]).await;
        (host.state() == HostState::Answering && host.agent_version == "0.1.0").then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_added_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    let refused = async |name: &str, agent: &str| world.add(name, agent).await.unwrap_err();

    for (name, agent, field) in [
        (" ", "node-a", "name"),
        ("shop", "", "agent"),
        ("shop", "node a", "agent"),
        ("shop", "node-a:x", "agent"),
    ] {
        let status = refused(name, agent).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field);
    }

    let status = refused("shop", "127.0.0.1:1").await;
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert!(status.message().contains("127.0.0.1:1"), "{status}");

    // A documentation address: beyond loopback, and never reached.
    let status = refused("shop", "192.0.2.1").await;
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("--plaintext"), "{status}");

    pool.agents[0].say(|script| script.protocol_version = 99);
    let status = refused("shop", &pool.address()).await;
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("version 99") && status.message().contains("version 1:"), "{status}");
    pool.agents[0].say(|script| script.protocol_version = 1);

    let id = pool.id(0);
    pool.agents[0].say(|script| script.peers.retain(|p| p.id != id));
    let status = refused("shop", &pool.address()).await;
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("node-1") && status.message().contains("127.0.0.2"), "{status}");

    let pools = world.pools().list_pools(pb::ListPoolsRequest {}).await.unwrap().into_inner().pools;
    assert_eq!(pools, []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pools_do_not_claim_one_host() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let status = world.add("again", &pool.address()).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists, "{status}");
    assert!(status.message().contains("shop") && status.message().contains("again"), "{status}");

    let other = FakePool::start(1).await;
    let status = world.add("shop", &other.address()).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists, "{status}");
    assert!(status.message().contains("shop"), "{status}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_host_is_refused_by_name() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    // The host's address now leads to the agent of some other host.
    let stranger = FakePool::start(1).await;
    let identity = hod_core::host::HostIdentity { names: vec!["stranger".into()], ..identity(&stranger) };
    pool.agents[1].say(|script| script.identity = identity.clone());
    let host = until("the host to be refused", async || {
        let host = world.host(&pool.agents[1]).await;
        (host.state() == HostState::Refused).then_some(host)
    })
    .await;
    for name in ["stranger", &identity.id.to_string(), &pool.id(1).to_string()] {
        assert!(host.state_message.contains(name), "{host:?}");
    }
    assert_eq!(world.host(&pool.agents[0]).await.state(), HostState::Answering);
    world.end().await;
}

fn identity(pool: &FakePool) -> hod_core::host::HostIdentity {
    hod_core::host::HostIdentity {
        id: pool.id(0),
        names: Vec::new(),
        gluster_version: "10.3".into(),
        agent_version: "0.1.0".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_pool_is_gone_and_can_be_added_again() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    let request = pb::RemovePoolRequest { pool: "shop".into() };
    world.pools().remove_pool(request.clone()).await.unwrap();
    let status = world.pools().remove_pool(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("shop"), "{status}");
    until("no agent to be listened to", async || pool.grants.now().is_empty().then_some(())).await;
    world.add_shop(&pool).await;
    world.end().await;
}
