//! One agent's answers to single requests, good and bad.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use hod_proto::PROTOCOL_VERSION;
use hod_proto::agent::v1::{
    GetHostRequest, GetTaskStatusRequest, ListPeersRequest, ListTasksRequest, ListVolumesRequest,
    WatchTasksRequest,
};
use hod_proto::types::v1::{PartStatus, TaskType};
use hod_tests::pool::wait_for;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::{Kind, ScriptedAgent, ScriptedPool};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];

async fn start() -> Result<(ScriptedPool, ScriptedAgent)> {
    let pool = ScriptedPool::new(&HOSTS)?;
    let bricks = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    pool.add_volume("dist", Kind::Distribute, &bricks.each_ref().map(String::as_str))?;
    pool.add_volume("other", Kind::Distribute, &["node-a:/bricks/o1", "node-b:/bricks/o1"])?;
    let agent = ScriptedAgent::start(&pool, "node-a", &["--look-every=200ms"]).await?;
    Ok((pool, agent))
}

fn refused<T>(answer: Result<T, Status>, code: Code, words: &[&str]) -> Result<Status> {
    let Err(status) = answer else { bail!("it was not refused") };
    ensure!(status.code() == code, "{status}");
    for word in words {
        ensure!(status.message().contains(word), "{word:?} is not in {:?}", status.message());
    }
    Ok(status)
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_volumes_and_tasks_are_told() -> Result<()> {
    let (pool, agent) = start().await?;
    let mut client = agent.client();
    let host = wait_for("the host", SOON, || async {
        Ok(agent.client().get_host(GetHostRequest {}).await?.into_inner().host)
    })
    .await?;
    ensure!(host.host_id == pool.host_id("node-a")?.to_string(), "{host:?}");
    ensure!(host.protocol_version == PROTOCOL_VERSION && !host.names.is_empty(), "{host:?}");

    let peers = client.list_peers(ListPeersRequest {}).await?.into_inner().peers;
    ensure!(peers.len() == 3 && peers.iter().all(|p| p.connected), "{peers:?}");

    let volumes = client.list_volumes(ListVolumesRequest::default()).await?.into_inner().volumes;
    ensure!(volumes.len() == 2, "{volumes:?}");
    let one = client.list_volumes(ListVolumesRequest { volume: "other".into() }).await?.into_inner();
    ensure!(one.volumes.iter().map(|v| v.name.as_str()).eq(["other"]), "{one:?}");

    let task = pool.start("node-b", "volume rebalance dist start")?;
    pool.advance("dist", 12)?;
    for locked in [false, true] {
        let told = client.list_tasks(ListTasksRequest { locked }).await?.into_inner();
        ensure!(told.incomplete.is_empty() && told.looks.len() == 2, "{told:?}");
        let look = told.looks.iter().find(|l| l.volume_name == "dist").context("no look at dist")?;
        ensure!(look.task_id == task.to_string(), "{look:?}");
        ensure!(look.age.is_some() && look.source != 0, "{look:?}");
    }
    let request = GetTaskStatusRequest { volume: "dist".into() };
    let told = client.get_task_status(request).await?.into_inner().task.context("no task")?;
    ensure!(told.task_type() == TaskType::Rebalance && told.parts.len() == 3, "{told:?}");
    let running = |p: &hod_proto::types::v1::TaskPart| {
        p.status() == PartStatus::InProgress && p.counters.is_some_and(|c| c.files == 12)
    };
    ensure!(told.parts.iter().all(running), "{told:?}");

    // Of a volume without one it is told that there is none.
    let request = GetTaskStatusRequest { volume: "other".into() };
    let told = client.get_task_status(request).await?.into_inner().task.context("no task")?;
    ensure!(told.task_id.is_empty() && told.parts.is_empty(), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_left_out_of_a_list_is_told_with_the_reason() -> Result<()> {
    let (pool, agent) = start().await?;
    pool.done("node-a", "volume stop other")?;
    pool.lock_volume("dist")?;
    let told = agent.client().list_tasks(ListTasksRequest { locked: true }).await?.into_inner();
    ensure!(told.looks.is_empty(), "{told:?}");
    let mut names: Vec<_> = told
        .incomplete
        .iter()
        .map(|i| (i.volume.as_str(), i.error.as_ref().map(|e| e.kind().as_str_name()).unwrap_or_default()))
        .collect();
    names.sort_unstable();
    ensure!(names == [("dist", "KIND_REFUSED"), ("other", "KIND_VOLUME_NOT_STARTED")], "{names:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_what_is_wrong() -> Result<()> {
    let (pool, agent) = start().await?;
    let mut client = agent.client();
    for volume in ["", "  "] {
        let answer = client.get_task_status(GetTaskStatusRequest { volume: volume.into() }).await;
        let status = refused(answer, Code::InvalidArgument, &["volume"])?;
        let details = status.get_error_details();
        let violations = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
        ensure!(violations.iter().map(|v| v.field.as_str()).eq(["volume"]), "{violations:?}");
    }
    for name in ["nowhere", "--help", "a b"] {
        let answer = client.get_task_status(GetTaskStatusRequest { volume: name.into() }).await;
        let status = refused(answer, Code::NotFound, &[name])?;
        ensure!(reason(&status) == "NO_SUCH_VOLUME", "{status:?}");
        let answer = client.list_volumes(ListVolumesRequest { volume: name.into() }).await;
        refused(answer, Code::NotFound, &[name])?;
    }
    ensure!(agent.locked_calls().await? == 0.0, "a volume that is not there cost a lock");

    pool.lock_volume("dist")?;
    let answer = client.get_task_status(GetTaskStatusRequest { volume: "dist".into() }).await;
    let status = refused(answer, Code::Aborted, &["dist", "Another transaction"])?;
    ensure!(reason(&status) == "ANOTHER_TRANSACTION", "{status:?}");

    let request = WatchTasksRequest { locked_calls: true, protocol_version: 99, lease: None };
    let answer = client.watch_tasks(request).await;
    refused(answer, Code::FailedPrecondition, &["version 99", &format!("version {PROTOCOL_VERSION}")])?;
    ensure!(agent.metric("hod_agent_watchers", &[]).await? == 0.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_the_services() -> Result<()> {
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::{v1, v1alpha};
    let (_pool, agent) = start().await?;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(agent.channel());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
    let answer = answers.message().await?.context("no answer")?;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        bail!("{answer:?}")
    };
    let names: BTreeSet<_> = list.service.iter().map(|s| s.name.as_str()).collect();
    let served = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "hod.agent.v1.Agent"];
    ensure!(names == BTreeSet::from(served), "{names:?}");

    // What older tools speak.
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            "hod.agent.v1.Agent".into(),
        )),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(agent.channel());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
    let answer = answers.message().await?.context("no answer")?;
    ensure!(
        matches!(
            answer.message_response,
            Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
        ),
        "{answer:?}"
    );
    Ok(())
}
