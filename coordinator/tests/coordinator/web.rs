//! Health, metrics and reflection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::pool::FakePool;
use crate::support::until;
use crate::support::world::World;

/// What a path answers, head and all.
async fn get(world: &World, path: &str) -> String {
    let mut stream = TcpStream::connect(world.web()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: hod\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A counter of the pool "shop".
pub(crate) async fn metric(world: &World, name: &str) -> u64 {
    let wanted = format!("hod_coordinator_{name}{{pool=\"shop\"}} ");
    let text = get(world, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(&wanted));
    line.unwrap_or_else(|| panic!("no {wanted}in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_well_says_so_everywhere() {
    let world = World::new().await;
    let pool = FakePool::start(2).await;
    world.add_shop(&pool).await;
    assert!(get(&world, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert_eq!(metric(&world, "hosts").await, 2);
    assert!(metric(&world, "syncs_total").await >= 1);
    assert_eq!(metric(&world, "held").await, 1);
    let queries = get(&world, "/metrics").await;
    assert!(queries.contains("hod_coordinator_query_seconds_count{query=\"check_in\"}"), "{queries}");
    for service in ["", "hod.coordinator.v1.Pools", "hod.coordinator.v1.Events"] {
        let request = HealthCheckRequest { service: service.into() };
        let answer = HealthClient::new(world.channel()).check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_is_not_well() {
    let mut world = World::new().await;
    world.stop_database().await;
    until("it to say so", async || get(&world, "/healthz").await.starts_with("HTTP/1.1 503").then_some(()))
        .await;
    until("gRPC health to say so", async || {
        let request = HealthCheckRequest { service: String::new() };
        let answer = HealthClient::new(world.channel()).check(request).await.unwrap().into_inner();
        (answer.status() == ServingStatus::NotServing).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_names_every_service() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let world = World::new().await;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answer = ServerReflectionClient::new(world.channel())
        .server_reflection_info(tokio_stream::once(ask))
        .await
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<String> = list.service.into_iter().map(|s| s.name).collect();
    for name in ["Pools", "Jobs", "Tasks", "Events", "Commands"] {
        assert!(names.contains(&format!("hod.coordinator.v1.{name}")), "{names:?}");
    }
    world.end().await;
}
