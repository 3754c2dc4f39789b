//! What one agent tells its watchers, on a scripted host.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hod_core::error::GlusterErrorKind;
use hod_core::id::VolumeId;
use hod_core::observation::{Holding, HostPicture, OwnTask};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_tests::pool::wait_until;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::{Kind, ScriptedAgent, ScriptedPool};
use newtype_uuid::GenericUuid as _;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];

/// Nothing but changes of files brings about a look: all else comes once an hour.
const WOKEN_ONLY: [&str; 4] =
    ["--look-every=1h", "--follow-every=100ms", "--follow-long-every=300ms", "--alive-every=200ms"];

fn dist() -> Result<(ScriptedPool, VolumeId)> {
    let pool = ScriptedPool::new(&HOSTS)?;
    let bricks = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    let id = pool.add_volume("dist", Kind::Distribute, &bricks.each_ref().map(String::as_str))?;
    Ok((pool, VolumeId::from_untyped_uuid(id)))
}

fn held(picture: &HostPicture, volume: VolumeId) -> Option<&OwnTask> {
    match &picture.own.get(&volume)?.holding {
        Holding::Task(task) => Some(task),
        Holding::Nothing { .. } => None,
    }
}

fn files(files: u64) -> Counters {
    Counters { files, bytes: files * 1024, scanned: 2 * files, ..Counters::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_picture_comes_first() -> Result<()> {
    let (pool, volume) = dist()?;
    let agent = ScriptedAgent::start(&pool, "node-b", &WOKEN_ONLY).await?;
    let mut watch = agent.watch(false).await?;
    while watch.next().await? != "complete" {}
    let order: Vec<_> = watch.told.iter().filter(|kind| **kind != "alive").copied().collect();
    ensure!(order == ["host", "peers", "volumes", "own", "complete"], "{order:?}");
    let picture = watch.assembler.picture().context("no picture")?;
    ensure!(picture.identity.id.into_untyped_uuid() == pool.host_id("node-b")?);
    ensure!(picture.identity.gluster_version == "10.3", "{:?}", picture.identity);
    ensure!(picture.peers.seen().is_some_and(|peers| peers.len() == 3), "{:?}", picture.peers);
    ensure!(picture.volumes.seen().is_some_and(|v| v.len() == 1 && v[0].id == volume));
    ensure!(picture.own[&volume].holding == Holding::Nothing { residue: None });
    ensure!(watch.assembler.glusterd_answers() == Some(true));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_told_from_its_start_to_its_end() -> Result<()> {
    let (pool, volume) = dist()?;
    let agent = ScriptedAgent::start(&pool, "node-a", &WOKEN_ONLY).await?;
    let mut watch = agent.watch(true).await?;
    watch.until("the picture", |_| Some(())).await?;

    // Started on another host: this one's files tell of it.
    let task = pool.start("node-b", "volume rebalance dist start")?;
    let own = watch.until("the task", |p| held(p, volume).cloned()).await?;
    ensure!(own.id.into_untyped_uuid() == task && own.status == PartStatus::InProgress, "{own:?}");
    ensure!(own.task_type == Some(TaskType::Rebalance { fix_layout: false }), "{own:?}");

    pool.set_part("dist", "node-c", PartStatus::InProgress, files(500))?;
    let node_c = pool.host_id("node-c")?;
    watch
        .until("another host's counters", |p| {
            let task = p.followed.get(&volume)?.seen()?;
            let part = task.parts.iter().find(|(host, _)| host.into_untyped_uuid() == node_c)?;
            (part.1.1.files == 500).then_some(())
        })
        .await?;

    for (host, n) in HOSTS.iter().zip([10, 20, 700]) {
        pool.set_part("dist", host, PartStatus::Completed, files(n))?;
    }
    let parts = watch
        .until("every host's end", |p| {
            let task = p.followed.get(&volume)?.seen()?;
            let ended = task.parts.values().all(|(status, _)| *status == PartStatus::Completed);
            (ended && task.parts.len() == 3).then(|| task.parts.clone())
        })
        .await?;
    let sum: u64 = parts.values().map(|(_, counters)| counters.files).sum();
    ensure!(sum == 730, "{parts:?}");
    watch
        .until("this host's own end", |p| {
            let own = held(p, volume)?;
            (own.status == PartStatus::Completed && own.counters?.files == 10).then_some(())
        })
        .await?;

    // Nothing is left to be asked for, and the last report stays.
    let calls = agent.locked_calls().await?;
    let signs = watch.told.len() + 2;
    while watch.told.len() < signs {
        watch.next().await?;
    }
    ensure!(agent.locked_calls().await? == calls, "a task that has ended is still asked for");
    ensure!(watch.assembler.picture().is_some_and(|p| p.followed.contains_key(&volume)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_shows_with_its_line_of_history_and_a_newer_volume_list() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    let agent = ScriptedAgent::start(&pool, "node-a", &WOKEN_ONLY).await?;
    let mut watch = agent.watch(true).await?;
    watch.until("the task", |p| held(p, volume).cloned()).await?;
    pool.advance("dist", 40)?;
    pool.done("node-a", "volume rebalance dist stop")?;
    let (looked, residue) = watch
        .until("the stop", |p| {
            let look = p.own.get(&volume)?;
            match look.holding {
                Holding::Nothing { residue } => Some((look.at, residue?)),
                Holding::Task(_) => None,
            }
        })
        .await?;
    ensure!(residue.0 == PartStatus::Stopped && residue.1.files == 40, "{residue:?}");
    watch.until("the report is dropped", |p| p.followed.is_empty().then_some(())).await?;
    watch.until("a volume list since", |p| (p.volumes.at > looked).then_some(())).await?;
    let commands = watch
        .until("the history", |p| {
            let commands: Vec<_> = p.history.iter().map(|h| h.command.clone()).collect();
            commands.iter().any(|c| c == "volume rebalance dist stop").then_some(commands)
        })
        .await?;
    // What the agent itself asked is not told.
    ensure!(commands == ["volume rebalance dist start", "volume rebalance dist stop"], "{commands:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_brick_is_told_with_its_bricks_also_where_no_part_is() -> Result<()> {
    let (pool, volume) = dist()?;
    let agent = ScriptedAgent::start(&pool, "node-a", &WOKEN_ONLY).await?;
    let mut watch = agent.watch(true).await?;
    watch.until("the picture", |_| Some(())).await?;
    pool.start("node-c", "volume remove-brick dist node-c:/bricks/d1 start")?;
    let own = watch.until("the task", |p| held(p, volume).cloned()).await?;
    ensure!(own.task_type == Some(TaskType::RemoveBrick), "{own:?}");
    ensure!(own.bricks.iter().map(|b| b.as_str()).eq(["node-c:/bricks/d1"]), "{own:?}");
    ensure!((own.status, own.counters) == (PartStatus::NotStarted, None), "{own:?}");
    // This host cannot know whether it runs elsewhere: it is followed.
    pool.set_part("dist", "node-c", PartStatus::Completed, files(77))?;
    watch
        .until("the other host's end", |p| {
            let task = p.followed.get(&volume)?.seen()?;
            let part = task.parts.values().next()?;
            (*part == (PartStatus::Completed, Counters { run_time: part.1.run_time, ..files(77) }))
                .then_some(())
        })
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_pool_costs_no_locked_call() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    pool.complete("dist")?;
    let paces = ["--look-every=200ms", "--follow-every=50ms", "--alive-every=50ms"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(true).await?;
    watch.until("the task", |p| held(p, volume).cloned()).await?;
    wait_until("it has been looked at ten times", SOON, || async {
        Ok(agent.metric("hod_agent_gluster_calls_total", &["verb=\"get-state\""]).await? >= 10.0)
    })
    .await?;
    ensure!(agent.locked_calls().await? == 0.0, "a locked call on an idle pool");
    ensure!(agent.metric("hod_agent_watchers", &[]).await? == 1.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_no_lock_is_taken_and_one_poller_serves_all() -> Result<()> {
    let (pool, volume) = dist()?;
    pool.start("node-a", "volume rebalance dist start")?;
    let agent = ScriptedAgent::start(&pool, "node-a", &WOKEN_ONLY).await?;
    let mut quiet = agent.watch(false).await?;
    quiet.until("the task", |p| held(p, volume).cloned()).await?;
    quiet.next().await?;
    ensure!(agent.locked_calls().await? == 0.0, "nobody allowed a locked call");
    let mut first = agent.watch(true).await?;
    let mut second = agent.watch(true).await?;
    for watch in [&mut first, &mut second, &mut quiet] {
        watch.until("the report", |p| p.followed.get(&volume).cloned()).await?;
    }
    drop((first, second));
    wait_until("both are gone", SOON, || async { Ok(agent.metric("hod_agent_watchers", &[]).await? == 1.0) })
        .await?;
    // One call may still have been under way.
    quiet.next().await?;
    let calls = agent.locked_calls().await?;
    quiet.next().await?;
    ensure!(agent.locked_calls().await? == calls, "locked calls go on with nobody to allow them");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_get_state_refuses_the_task_list_stands_in() -> Result<()> {
    let (pool, volume) = dist()?;
    let mirror = Kind::Replicate { replica: 2, arbiters: 0 };
    pool.add_volume("mirror", mirror, &["node-a:/m1", "node-b:/m1", "node-b:/m2", "node-c:/m2"])?;
    pool.start("node-a", "volume rebalance mirror start")?;
    pool.complete("mirror")?;
    let agent = ScriptedAgent::start(&pool, "node-a", &["--look-every=300ms"]).await?;
    let mut quiet = agent.watch(false).await?;
    quiet.until("the picture", |_| Some(())).await?;
    pool.done("node-b", "volume replace-brick mirror node-b:/m1 node-c:/m3 commit force")?;
    let told = quiet.until("the refusal", |p| p.own_error.clone()).await?;
    ensure!(told.kind == GlusterErrorKind::StateWithheld, "{told:?}");
    // What was known stays known, and no lock is taken to know more.
    ensure!(quiet.assembler.picture().is_some_and(|p| p.own.len() == 2));
    ensure!(agent.locked_calls().await? == 0.0);

    let task = pool.start("node-b", "volume rebalance dist start")?;
    let mut watch = agent.watch(true).await?;
    let own = watch.until("the task, by the list", |p| held(p, volume).cloned()).await?;
    ensure!(own.id.into_untyped_uuid() == task && own.status == PartStatus::InProgress, "{own:?}");
    ensure!(own.task_type == Some(TaskType::Rebalance { fix_layout: false }), "{own:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_come_and_renew_what_was_looked_at() -> Result<()> {
    let (pool, volume) = dist()?;
    let paces = ["--look-every=200ms", "--alive-every=100ms"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let mut watch = agent.watch(false).await?;
    let first = watch.until("the picture", |p| Some(p.own.get(&volume)?.at)).await?;
    watch
        .until("a later look", |p| (p.own[&volume].at > first + Duration::from_secs(1)).then_some(()))
        .await?;
    // Nothing has changed, so nothing was told twice.
    for kind in ["host", "peers", "volumes", "own"] {
        let times = watch.told.iter().filter(|told| **told == kind).count();
        ensure!(times == 1, "{kind} was told {times} times");
    }
    Ok(())
}
