//! One agent while Gluster on its host, or a peer's, does not do as it should.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hod_core::error::GlusterErrorKind;
use hod_core::id::VolumeId;
use hod_core::observation::HostPicture;
use hod_tests::pool::wait_until;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::{Kind, ScriptedAgent, ScriptedPool, What};
use newtype_uuid::GenericUuid as _;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tonic_health::pb::health_check_response::ServingStatus;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];
const STATUS: &str = "volume rebalance dist status";

fn dist() -> Result<(ScriptedPool, VolumeId)> {
    let pool = ScriptedPool::new(&HOSTS)?;
    let bricks = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    let id = pool.add_volume("dist", Kind::Distribute, &bricks.each_ref().map(String::as_str))?;
    Ok((pool, VolumeId::from_untyped_uuid(id)))
}

fn refusal(picture: &HostPicture, volume: VolumeId) -> Option<GlusterErrorKind> {
    Some(picture.followed.get(&volume)?.outcome.as_ref().err()?.kind)
}

async fn is_told(agent: &ScriptedAgent, status: ServingStatus) -> Result<()> {
    for service in ["", "hod.agent.v1.Agent"] {
        wait_until(&format!("{service:?} is {status:?}"), SOON, || async {
            Ok(agent.health(service).await? == status)
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_while_glusterd_is_down_and_waits_for_it() -> Result<()> {
    let (pool, _) = dist()?;
    pool.stop_glusterd("node-a")?;
    let paces = ["--look-every=1h", "--look-unwatched-every=200ms"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    is_told(&agent, ServingStatus::NotServing).await?;
    let error = agent.client().list_peers(hod_proto::agent::v1::ListPeersRequest {}).await;
    ensure!(error.is_err_and(|e| e.code() == tonic::Code::Unavailable));
    let mut watch = agent.watch(false).await?;
    watch.next().await?;
    pool.start_glusterd("node-a")?;
    is_told(&agent, ServingStatus::Serving).await?;
    watch.until("the volumes", |p| p.volumes.seen().cloned()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn glusterd_that_stops_is_told_and_what_was_known_is_kept_with_its_age() -> Result<()> {
    let (pool, volume) = dist()?;
    let paces = ["--look-every=200ms", "--look-unwatched-every=200ms", "--alive-every=200ms"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(false).await?;
    watch.until("the picture", |_| Some(())).await?;
    is_told(&agent, ServingStatus::Serving).await?;
    pool.stop_glusterd("node-a")?;
    let error = watch.until("no answer", |p| p.own_error.clone()).await?;
    ensure!(error.kind == GlusterErrorKind::GlusterdDown, "{error:?}");
    is_told(&agent, ServingStatus::NotServing).await?;
    ensure!(watch.assembler.glusterd_answers() == Some(false));
    let looked = watch.until("the own looks", |p| Some(p.own.get(&volume)?.at)).await?;
    for _ in 0..3 {
        watch.next().await?;
    }
    let still = watch.until("the own looks", |p| Some(p.own.get(&volume)?.at)).await?;
    // Told anew it would seem a little younger or older, for the way it went.
    ensure!(still.duration_since(looked).abs() < jiff::SignedDuration::from_millis(50), "{looked} {still}");
    pool.start_glusterd("node-a")?;
    is_told(&agent, ServingStatus::Serving).await?;
    watch.until("an answer", |p| p.own_error.is_none().then_some(())).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_transaction_is_given_way_to() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    let paces = ["--follow-every=100ms", "--follow-long-every=2s"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(true).await?;
    watch.until("the report", |p| p.followed.get(&volume)?.seen().cloned()).await?;
    pool.lock_volume("dist")?;
    let begun = Instant::now();
    let before = agent.locked_calls().await?;
    let told = watch.until("the refusal", |p| refusal(p, volume)).await?;
    ensure!(told == GlusterErrorKind::AnotherTransaction, "{told:?}");
    wait_until("six refusals", SOON, || async {
        let of = ["kind=\"AnotherTransaction\""];
        Ok(agent.metric("hod_agent_gluster_call_errors_total", &of).await? >= 6.0)
    })
    .await?;
    // 0.2 + 0.4 + 0.8 + 1.6 + 2 s, less a fifth, lie between six calls.
    ensure!(begun.elapsed() > Duration::from_secs_f64(5.0 * 0.8 - 0.1), "{:?}", begun.elapsed());
    ensure!(agent.locked_calls().await? - before <= 8.0);
    pool.unlock_volume("dist")?;
    watch.until("the report again", |p| p.followed.get(&volume)?.seen().cloned()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_killed_with_all_it_started_and_the_volume_left_alone() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    pool.fault(STATUS, What::Hang)?;
    // Locked calls are given 5 s more than Gluster is told.
    let paces = ["--follow-every=100ms", "--call-deadline=1s", "--rest-after-timeout=1h"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(true).await?;
    wait_until("the call hangs", SOON, || async { Ok(!hanging(&pool)?.is_empty()) }).await?;
    let told = watch.until("the time-out", |p| refusal(p, volume)).await?;
    ensure!(told == GlusterErrorKind::TimedOut, "{told:?}");
    wait_until("nothing of it is left", SOON, || async { Ok(hanging(&pool)?.is_empty()) }).await?;

    // Nobody is let ask now: not a poller, not a request, not a new watcher.
    let calls = agent.locked_calls().await?;
    let mut other = agent.watch(true).await?;
    other.until("the picture", |_| Some(())).await?;
    let request = hod_proto::agent::v1::GetTaskStatusRequest { volume: "dist".into() };
    let Err(error) = agent.client().get_task_status(request).await else {
        anyhow::bail!("a locked call was made")
    };
    ensure!(error.code() == tonic::Code::Unavailable, "{error}");
    ensure!(error.message().contains("volume dist not asked"), "{error}");
    ensure!(agent.locked_calls().await? == calls);
    // glusterd itself answers.
    is_told(&agent, ServingStatus::Serving).await
}

/// The processes of this pool that ask for the status.
fn hanging(pool: &ScriptedPool) -> Result<Vec<i32>> {
    let program = pool.program("node-a");
    // ROOT/hosts/node-a/gluster tells the process its root by a variable.
    let folder = program.ancestors().nth(3).map(|p| p.display().to_string()).unwrap_or_default();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).replace('\0', " ");
        let of_pool = text("environ").contains(&folder) || text("cmdline").contains(&folder);
        if of_pool
            && text("cmdline").contains("rebalance dist status")
            && kill(Pid::from_raw(pid), None).is_ok()
        {
            found.push(pid);
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_peer_costs_one_call_and_no_look() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    pool.freeze("node-c", true)?;
    let paces = ["--look-every=200ms", "--follow-every=100ms", "--call-deadline=1s"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(true).await?;
    let told = watch.until("the time-out", |p| refusal(p, volume)).await?;
    ensure!(told == GlusterErrorKind::TimedOut, "{told:?}");
    let looked = watch.until("the own look", |p| Some(p.own.get(&volume)?.at)).await?;
    watch.until("later own looks", |p| (p.own.get(&volume)?.at > looked).then_some(())).await?;
    wait_until("ten more looks", SOON, || async {
        Ok(agent.metric("hod_agent_gluster_calls_total", &["verb=\"get-state\""]).await? >= 10.0)
    })
    .await?;
    ensure!(agent.locked_calls().await? == 1.0, "{}", agent.locked_calls().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_told_by_its_kind_and_ends_nothing() -> Result<()> {
    let (pool, volume) = dist()?;
    let task = pool.start("node-a", "volume rebalance dist start")?;
    let paces = ["--look-every=200ms", "--follow-every=100ms", "--follow-long-every=200ms"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(true).await?;
    for (fault, kind) in [
        (What::Text { text: "Something new".into(), code: 1 }, GlusterErrorKind::Refused),
        (What::Truncated, GlusterErrorKind::NotReadable),
        (
            What::Refuse { errno: 30800, text: "Pre Validation failed on node-b. no".into() },
            GlusterErrorKind::HostsDisagree,
        ),
    ] {
        pool.fault(STATUS, fault)?;
        watch.until("its kind", |p| (refusal(p, volume)? == kind).then_some(())).await?;
        pool.mend()?;
        let told = watch.until("the report", |p| p.followed.get(&volume)?.seen()?.id).await?;
        ensure!(told.into_untyped_uuid() == task);
    }
    Ok(())
}
