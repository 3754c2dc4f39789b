//! One agent's commands: what is done, what is refused, and what is not known, each
//! once for a request id.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hod_core::error::GlusterErrorKind as Kind;
use hod_core::observation::Holding;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;
use hod_tests::pool::wait_until;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::fault::Fault;
use hod_tests::scripted::{Kind as Layout, ScriptedAgent, ScriptedPool, What};
use newtype_uuid::GenericUuid as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];
const C: &str = "node-c:/bricks/d1";

async fn start() -> Result<(ScriptedPool, ScriptedAgent)> {
    start_with(&["--look-every=1h"]).await
}

async fn start_with(paces: &[&str]) -> Result<(ScriptedPool, ScriptedAgent)> {
    let pool = pool()?;
    let agent = ScriptedAgent::start(&pool, "node-a", paces).await?;
    Ok((pool, agent))
}

fn pool() -> Result<ScriptedPool> {
    let pool = ScriptedPool::new(&HOSTS)?;
    for (volume, kind, folder) in
        [("dist", Layout::Distribute, "d1"), ("repl", Layout::Replicate { replica: 3, arbiters: 0 }, "r1")]
    {
        let bricks = HOSTS.map(|host| format!("{host}:/bricks/{folder}"));
        pool.add_volume(volume, kind, &bricks.each_ref().map(String::as_str))?;
    }
    Ok(pool)
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

fn rebalance(request_id: &str) -> pb::StartRebalanceRequest {
    pb::StartRebalanceRequest {
        request_id: request_id.into(),
        volume: "dist".into(),
        ..pb::StartRebalanceRequest::default()
    }
}

/// Calls a command with a new id and these fields, and reads its outcome.
macro_rules! run {
    ($agent:expr, $call:ident, $request:ident { $($field:ident $(: $value:expr)?),* }) => {{
        let request = pb::$request { request_id: new_id(), lease: None, $($field $(: $value)?),* };
        read($agent.client().$call(request).await?.into_inner().outcome)
    }};
}

macro_rules! bricks_of {
    ($agent:expr, $call:ident, $request:ident, $bricks:expr) => {
        run!($agent, $call, $request { volume: "dist".into(), bricks: texts(&$bricks) })
    };
}

fn texts(bricks: &[&str]) -> Vec<String> {
    bricks.iter().map(|brick| (*brick).to_owned()).collect()
}

fn read(outcome: Option<pb::CommandOutcome>) -> Result<Outcome> {
    Ok(outcome.context("no outcome")?.try_into()?)
}

async fn start_rebalance(agent: &ScriptedAgent, id: &str) -> Result<Outcome> {
    read(agent.client().start_rebalance(rebalance(id)).await?.into_inner().outcome)
}

fn done(outcome: Result<Outcome>) -> Result<(Option<Uuid>, String)> {
    match outcome? {
        Outcome::Done { task, message, .. } => Ok((task.map(|id| id.into_untyped_uuid()), message)),
        other => bail!("it is not done: {other:?}"),
    }
}

fn refused(outcome: Result<Outcome>, kind: Kind, words: &str) -> Result<()> {
    match outcome? {
        Outcome::Refused(error) if error.kind == kind && error.message.contains(words) => Ok(()),
        other => bail!("not refused as {kind:?} with {words:?}: {other:?}"),
    }
}

fn unknown(outcome: Result<Outcome>, words: &str) -> Result<()> {
    match outcome? {
        Outcome::Unknown(reason) if reason.contains(words) => Ok(()),
        other => bail!("not unknown with {words:?}: {other:?}"),
    }
}

/// The commands that were run on node-a and that change something, without how they ended.
fn history(pool: &ScriptedPool) -> Vec<String> {
    let text = pool.history("node-a").unwrap_or_default();
    let commands = text.lines().filter_map(|line| line.split(" : ").nth(1));
    commands.filter(|c| c.starts_with("volume ") && !c.contains("status")).map(str::to_owned).collect()
}

fn throttle(pool: &ScriptedPool) -> Result<Option<String>> {
    let state = pool.state()?;
    let volume = state.volumes.iter().find(|v| v.name == "dist").context("no volume")?;
    let option = volume.options.iter().find(|(name, _)| name == "cluster.rebal-throttle");
    Ok(option.map(|(_, value)| value.clone()))
}

fn bricks(pool: &ScriptedPool, volume: &str) -> Result<Vec<String>> {
    let state = pool.state()?;
    let volume = state.volumes.iter().find(|v| v.name == volume).context("no volume")?;
    Ok(volume.bricks.iter().map(hod_tests::scripted::state::Brick::name).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_started_stopped_and_committed() -> Result<()> {
    let (pool, agent) = start().await?;
    let (task, _) = done(start_rebalance(&agent, &new_id()).await)?;
    ensure!(task == Some(pool.view("dist", "node-b")?.id), "{task:?}");
    pool.advance("dist", 12)?;
    let stopped = run!(agent, stop_rebalance, StopRebalanceRequest { volume: "dist".into() })?;
    let Outcome::Done { task: ended, parts, .. } = stopped else { bail!("{stopped:?}") };
    ensure!(ended.map(|id| id.into_untyped_uuid()) == task, "{ended:?}");
    let mut told: Vec<_> = parts.iter().map(|p| (p.host.is_some(), p.counters.files)).collect();
    told.sort_unstable();
    ensure!(told == [(true, 12); 3] && parts.iter().all(|p| p.name != "localhost"), "{parts:?}");

    for (fix_layout, force) in [(true, false), (false, true)] {
        let volume = "dist".to_owned();
        done(run!(
            agent,
            start_rebalance,
            StartRebalanceRequest { volume: volume.clone(), fix_layout, force }
        ))?;
        done(run!(agent, stop_rebalance, StopRebalanceRequest { volume }))?;
    }

    let (first, words) = done(bricks_of!(agent, start_remove_brick, StartRemoveBrickRequest, [C]))?;
    ensure!(first.is_some() && words == "Remove Brick start successful", "{first:?} {words}");
    done(bricks_of!(agent, stop_remove_brick, StopRemoveBrickRequest, [C]))?;
    let (second, _) = done(bricks_of!(agent, start_remove_brick, StartRemoveBrickRequest, [C]))?;
    pool.complete("dist")?;
    let (committed, words) = done(bricks_of!(agent, commit_remove_brick, CommitRemoveBrickRequest, [C]))?;
    ensure!(committed == second && words == "Remove Brick commit successful", "{committed:?} {words}");
    ensure!(bricks(&pool, "dist")? == ["node-a:/bricks/d1", "node-b:/bricks/d1"]);

    let force = run!(
        agent,
        force_remove_brick,
        ForceRemoveBrickRequest {
            volume: "dist".into(),
            bricks: texts(&["node-b:/bricks/d1"]),
            replica_count: 0
        }
    );
    done(force)?;
    ensure!(bricks(&pool, "dist")? == ["node-a:/bricks/d1"]);
    let expected = [
        "volume rebalance dist start",
        "volume rebalance dist stop",
        "volume rebalance dist fix-layout start",
        "volume rebalance dist stop",
        "volume rebalance dist start force",
        "volume rebalance dist stop",
        &format!("volume remove-brick dist {C} start"),
        &format!("volume remove-brick dist {C} stop"),
        &format!("volume remove-brick dist {C} start"),
        &format!("volume remove-brick dist {C} commit"),
        "volume remove-brick dist node-b:/bricks/d1 force",
    ];
    ensure!(history(&pool) == expected, "{:#?}", history(&pool));
    let counted = |verb: &'static str| {
        let agent = &agent;
        async move { agent.metric("hod_agent_commands_total", &[verb, "outcome=\"done\""]).await }
    };
    ensure!(counted("verb=\"volume rebalance stop\"").await? == 3.0);
    ensure!(counted("verb=\"volume remove-brick commit\"").await? == 1.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bricks_are_replaced_reset_and_fewer_and_the_throttle_is_set() -> Result<()> {
    let (pool, agent) = start().await?;
    let repl = || "repl".to_owned();
    let (old, new) = ("node-c:/bricks/r1".to_owned(), "node-c:/bricks/r2".to_owned());
    let (task, words) = done(run!(
        agent,
        replace_brick,
        ReplaceBrickRequest { volume: repl(), old_brick: old, new_brick: new.clone() }
    ))?;
    ensure!(task.is_none() && words == "replace-brick commit force operation successful", "{words}");
    ensure!(bricks(&pool, "repl")?.contains(&new));
    for phase in [pb::reset_brick_request::Phase::Start, pb::reset_brick_request::Phase::Commit] {
        done(run!(
            agent,
            reset_brick,
            ResetBrickRequest { volume: repl(), brick: new.clone(), phase: phase.into() }
        ))?;
    }
    done(run!(
        agent,
        force_remove_brick,
        ForceRemoveBrickRequest { volume: repl(), bricks: vec![new.clone()], replica_count: 2 }
    ))?;
    ensure!(bricks(&pool, "repl")? == ["node-a:/bricks/r1", "node-b:/bricks/r1"]);

    let name = || "cluster.rebal-throttle".to_owned();
    for value in ["lazy", "normal", "aggressive"] {
        done(run!(
            agent,
            set_volume_option,
            SetVolumeOptionRequest { volume: "dist".into(), name: name(), value: value.into() }
        ))?;
        ensure!(throttle(&pool)?.as_deref() == Some(value));
    }
    // Once more where it is not set is no refusal.
    for _ in 0..2 {
        done(run!(
            agent,
            reset_volume_option,
            ResetVolumeOptionRequest { volume: "dist".into(), name: name() }
        ))?;
        ensure!(throttle(&pool)?.is_none());
    }
    let expected = [
        "volume replace-brick repl node-c:/bricks/r1 node-c:/bricks/r2 commit force",
        "volume reset-brick repl node-c:/bricks/r2 start",
        "volume reset-brick repl node-c:/bricks/r2 node-c:/bricks/r2 commit force",
        "volume remove-brick repl replica 2 node-c:/bricks/r2 force",
        "volume set dist cluster.rebal-throttle lazy",
    ];
    ensure!(history(&pool)[..5] == expected, "{:#?}", history(&pool));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_again_gives_the_first_answer_and_runs_nothing() -> Result<()> {
    let (pool, agent) = start().await?;
    pool.change(|scene| {
        scene.pool.timing.second_ms = 100;
        Ok(())
    })?;
    let id = new_id();
    // Whoever asked first goes away while it runs: it is run to its end all the same.
    let impatient = tokio::time::timeout(Duration::from_millis(300), start_rebalance(&agent, &id)).await;
    ensure!(impatient.is_err(), "{impatient:?}");
    let (second, third) = tokio::join!(start_rebalance(&agent, &id), start_rebalance(&agent, &id));
    let (task, _) = done(second)?;
    ensure!(task == Some(pool.view("dist", "node-a")?.id) && task == done(third)?.0, "{task:?}");
    pool.done("node-b", "volume rebalance dist stop")?;
    // It is the answer of then, not of now.
    ensure!(done(start_rebalance(&agent, &id).await)?.0 == task);
    ensure!(history(&pool) == ["volume rebalance dist start"], "{:?}", history(&pool));
    ensure!(agent.metric("hod_agent_commands_total", &[]).await? == 1.0);

    // A refusal is a first answer too.
    pool.lock_volume("dist")?;
    let id = new_id();
    for locked in [true, false] {
        if !locked {
            pool.unlock_volume("dist")?;
        }
        refused(start_rebalance(&agent, &id).await, Kind::AnotherTransaction, "Another transaction")?;
    }

    let other = pb::StartRebalanceRequest { force: true, ..rebalance(&id) };
    let Err(status) = agent.client().start_rebalance(other).await else { bail!("it was not refused") };
    ensure!(violated(&status, Code::InvalidArgument)? == ["request_id"], "{status}");
    ensure!(status.message().contains("`volume rebalance dist start`"), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_gluster_s_words_and_changes_nothing() -> Result<()> {
    let (pool, agent) = start().await?;
    let stop = || async { run!(agent, stop_rebalance, StopRebalanceRequest { volume: "dist".into() }) };
    refused(stop().await, Kind::TaskNotStarted, "Rebalance not started for volume dist.")?;
    let commit = bricks_of!(agent, commit_remove_brick, CommitRemoveBrickRequest, [C]);
    refused(commit, Kind::Refused, "is not decommissioned")?;
    let all = HOSTS.map(|host| format!("{host}:/bricks/d1"));
    let all =
        bricks_of!(agent, start_remove_brick, StartRemoveBrickRequest, all.each_ref().map(String::as_str));
    refused(all, Kind::Refused, "Deleting all the bricks of the volume is not allowed")?;
    let unknown_brick = ["node-c:/bricks/x"];
    let unknown_brick = bricks_of!(agent, start_remove_brick, StartRemoveBrickRequest, unknown_brick);
    refused(unknown_brick, Kind::WrongBrick, "Incorrect brick node-c:/bricks/x")?;
    let lowered = run!(
        agent,
        force_remove_brick,
        ForceRemoveBrickRequest {
            volume: "repl".into(),
            bricks: texts(&["node-c:/bricks/r1"]),
            replica_count: 1
        }
    );
    refused(lowered, Kind::Refused, "need 2(xN) bricks")?;
    let replaced = run!(
        agent,
        replace_brick,
        ReplaceBrickRequest {
            volume: "dist".into(),
            old_brick: C.into(),
            new_brick: "node-c:/bricks/d2".into()
        }
    );
    refused(replaced, Kind::Refused, "not permitted on distribute only volumes")?;
    let reset = run!(
        agent,
        reset_brick,
        ResetBrickRequest { volume: "repl".into(), brick: "node-c:/bricks/r1".into(), phase: 2 }
    );
    refused(reset, Kind::HostsDisagree, "Pre Validation failed on node-c. Source brick must be stopped")?;

    done(start_rebalance(&agent, &new_id()).await)?;
    refused(start_rebalance(&agent, &new_id()).await, Kind::TaskInProgress, "already started")?;
    done(stop().await)?;
    pool.done("node-b", "volume stop dist")?;
    refused(start_rebalance(&agent, &new_id()).await, Kind::VolumeNotStarted, "needs to be started")?;
    let nowhere = run!(agent, stop_rebalance, StopRebalanceRequest { volume: "nowhere".into() });
    refused(nowhere, Kind::NoSuchVolume, "nowhere")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn glusterd_that_does_not_answer_is_asked_for_nothing() -> Result<()> {
    let (pool, agent) = start().await?;
    pool.stop_glusterd("node-a")?;
    let answer = start_rebalance(&agent, &new_id()).await;
    refused(answer, Kind::GlusterdDown, "Connection failed")?;
    ensure!(agent.locked_calls().await? == 0.0);
    pool.start_glusterd("node-a")?;
    ensure!(pool.view("dist", "node-a")?.id.is_nil());
    done(start_rebalance(&agent, &new_id()).await)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sure_is_not_known() -> Result<()> {
    const START: &str = "volume rebalance dist start";
    for (what, words, started) in [
        (What::Hang, "no answer", false),
        (What::Garbage, "", false),
        (What::Truncated, "can't be read", true),
        (What::Silence { stderr: String::new() }, "said nothing", false),
        (What::Text { text: "Something new".into(), code: 0 }, "Something new", false),
        (What::Huge { mebibytes: 70 }, "said more than", false),
        (What::StartFails, "Commit failed on localhost", false),
        (What::FailsOn { host: "node-c".into() }, "Commit failed on node-c", true),
        (What::GlusterdDies, "Connection failed", true),
        // The command line gives up after 120 s; the start succeeds later.
        (What::SlowStart { seconds: 130 }, "timed out", true),
    ] {
        let (pool, agent) = start_with(&["--look-every=1h", "--command-deadline=3s"]).await?;
        let told = format!("{what:?}");
        pool.add_fault(Fault { what, host: None, of: START.into(), times: Some(1) })?;
        let id = new_id();
        unknown(start_rebalance(&agent, &id).await, words).context(told.clone())?;
        let settled = || async { Ok(pool.view("dist", "node-a")?.id.is_nil() != started) };
        wait_until(&told, SOON, settled).await?;
        // Whatever Gluster would say now, nothing is run again.
        unknown(start_rebalance(&agent, &id).await, words).context(told)?;
        let of = ["verb=\"volume rebalance start\"", "outcome=\"unknown\""];
        ensure!(agent.metric("hod_agent_commands_total", &of).await? == 1.0);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_peer_makes_a_command_unknown_and_the_next_one_wait() -> Result<()> {
    let (pool, agent) = start_with(&["--look-every=1h", "--rest-after-timeout=2s"]).await?;
    pool.freeze("node-c", true)?;
    unknown(start_rebalance(&agent, &new_id()).await, "timed out")?;
    refused(start_rebalance(&agent, &new_id()).await, Kind::NotAsked, "try again in")?;
    pool.freeze("node-c", false)?;
    wait_until("it may be asked again", SOON, || async {
        Ok(!matches!(start_rebalance(&agent, &new_id()).await?, Outcome::Refused(e) if e.kind == Kind::NotAsked))
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_the_agent_s_own_questions_take_turns() -> Result<()> {
    let (_pool, agent) =
        start_with(&["--look-every=100ms", "--follow-every=20ms", "--follow-long-every=20ms"]).await?;
    let _watch = agent.watch(true).await?;
    for _ in 0..5 {
        done(start_rebalance(&agent, &new_id()).await)?;
        let before = agent.locked_calls().await?;
        wait_until("it is followed", SOON, || async { Ok(agent.locked_calls().await? >= before + 3.0) })
            .await?;
        done(run!(agent, stop_rebalance, StopRebalanceRequest { volume: "dist".into() }))?;
    }
    let of = ["kind=\"AnotherTransaction\""];
    ensure!(agent.metric("hod_agent_gluster_call_errors_total", &of).await? == 0.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_task_is_seen_at_once() -> Result<()> {
    // Neither glusterd's files, which are not there to be watched, nor the time wakes
    // anybody here.
    let pool = pool()?;
    std::fs::remove_dir_all(pool.glusterd_dir("node-a").join("vols"))?;
    let paces = ["--look-every=1h", "--look-unwatched-every=1h"];
    let agent = ScriptedAgent::start(&pool, "node-a", &paces).await?;
    let volume = pool.state()?.volumes[0].id;
    let mut watch = agent.watch(false).await?;
    watch.until("the picture", |p| p.volumes.seen().cloned()).await?;
    let (task, _) = done(start_rebalance(&agent, &new_id()).await)?;
    let seen = watch
        .until("the task", |picture| {
            let look = picture.own.iter().find(|(id, _)| id.into_untyped_uuid() == volume)?.1;
            match &look.holding {
                Holding::Task(task) => Some(task.id.into_untyped_uuid()),
                Holding::Nothing { .. } => None,
            }
        })
        .await?;
    ensure!(Some(seen) == task, "{seen} is not {task:?}");
    Ok(())
}

fn violated(status: &Status, code: Code) -> Result<Vec<String>> {
    ensure!(status.code() == code, "{status}");
    let details = status.get_error_details();
    let violations = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
    Ok(violations.into_iter().map(|v| v.field).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_not_be_is_refused_with_its_field() -> Result<()> {
    let (pool, agent) = start().await?;
    let mut client = agent.client();
    let blank = pb::StartRebalanceRequest { volume: "  ".into(), ..rebalance(&new_id()) };
    for (request, field) in
        [(rebalance("one"), "request_id"), (rebalance(""), "request_id"), (blank, "volume")]
    {
        let Err(status) = client.start_rebalance(request).await else { bail!("{field} was taken") };
        ensure!(violated(&status, Code::InvalidArgument)? == [field], "{status}");
    }
    for bricks in
        [&[][..], &["node-c"], &[C, C], &["node-c:/bricks/../etc"], &["--force:/x"], &["node-c:/a b"]]
    {
        let request = pb::StartRemoveBrickRequest {
            request_id: new_id(),
            volume: "dist".into(),
            bricks: texts(bricks),
            lease: None,
        };
        let Err(status) = client.start_remove_brick(request).await else { bail!("{bricks:?} were taken") };
        ensure!(violated(&status, Code::InvalidArgument)? == ["bricks"], "{status}");
    }
    let request = pb::SetVolumeOptionRequest {
        request_id: new_id(),
        volume: "dist".into(),
        name: "auth.allow".into(),
        value: "*".into(),
        lease: None,
    };
    let Err(status) = client.set_volume_option(request).await else { bail!("any option was taken") };
    ensure!(violated(&status, Code::InvalidArgument)? == ["name"], "{status}");
    ensure!(history(&pool).is_empty(), "{:?}", history(&pool));
    ensure!(agent.metric("hod_agent_commands_total", &[]).await? == 0.0);
    Ok(())
}

fn lease(epoch: i64) -> Option<pb::Lease> {
    Some(pb::Lease { pool_id: "706ce875-ad40-452b-9155-aefdbb191f51".into(), epoch })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_pool_has_nothing_run() -> Result<()> {
    let (pool, mut agent) = start().await?;
    let asked = |id: &str, epoch| pb::StartRebalanceRequest { lease: lease(epoch), ..rebalance(id) };
    let start = async |agent: &ScriptedAgent, id: &str, epoch| {
        read(agent.client().start_rebalance(asked(id, epoch)).await?.into_inner().outcome)
    };
    let first = new_id();
    let (task, _) = done(start(&agent, &first, 3).await)?;
    pool.done("node-b", "volume rebalance dist stop")?;

    // Another has taken the pool, and only watches yet.
    agent.watch_with(false, lease(5)).await?;
    refused(start(&agent, &new_id(), 3).await, Kind::Fenced, "epoch 5 since")?;
    let Err(error) = agent.watch_with(true, lease(3)).await else { bail!("it may watch") };
    let status = error.downcast_ref::<Status>().context("no status")?;
    let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
    ensure!(reason.as_deref() == Some(hod_proto::FENCED), "{status}");
    let option = run!(
        agent,
        reset_volume_option,
        ResetVolumeOptionRequest { volume: "dist".into(), name: "cluster.rebal-throttle".into() }
    );
    done(option).context("nobody is held back who shows no lease")?;
    ensure!(history(&pool) == ["volume rebalance dist start", "volume reset dist cluster.rebal-throttle"]);

    // What was run in time is told, to whom it was run for and to whoever comes after.
    for epoch in [3, 6] {
        ensure!(done(start(&agent, &first, epoch).await)?.0 == task, "epoch {epoch}");
    }
    // The agent remembers, also when it is started again.
    agent.daemon.kill()?;
    agent.daemon.start_again()?;
    wait_until("it refuses again", SOON, || async {
        refused(start(&agent, &new_id(), 5).await, Kind::Fenced, "epoch 6 since").map(|()| true)
    })
    .await?;
    let other = pb::Lease { pool_id: new_id(), epoch: 1 };
    let other = pb::StartRebalanceRequest { lease: Some(other), ..rebalance(&new_id()) };
    done(read(agent.client().start_rebalance(other).await?.into_inner().outcome))?;
    ensure!(history(&pool).len() == 3, "{:?}", history(&pool));
    Ok(())
}
