//! What the scripted gluster does beside what it prints: locks, files, histories,
//! hosts that come and go, and calls that go wrong.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hod_core::task::{Counters, PartStatus};
use hod_tests::pool::wait_until;
use hod_tests::scripted::{Kind, ScriptedPool, What};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt as _;

const STATUS: &str = "volume status dist tasks";

fn pool() -> Result<ScriptedPool> {
    let pool = ScriptedPool::new(&["node-a", "node-b", "node-c"])?;
    let bricks = ["node-a:/bricks/d1", "node-b:/bricks/d1", "node-c:/bricks/d1"];
    pool.add_volume("dist", Kind::Distribute, &bricks)?;
    Ok(pool)
}

/// Starts a rebalance and kills its caller with its whole process group, as an agent does.
fn start_and_kill(pool: &ScriptedPool) -> Result<()> {
    let mut command = pool.command("node-a");
    command.args(["volume", "rebalance", "dist", "start", "--xml"]);
    let mut child = command.process_group(0).spawn()?;
    let begun = Instant::now();
    while pool.view("dist", "node-a")?.id.is_nil() {
        ensure!(begun.elapsed() < Duration::from_secs(10), "the start has not begun");
    }
    killpg(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
    child.wait()?;
    Ok(())
}

#[tokio::test]
async fn a_start_goes_on_when_its_caller_is_killed() -> Result<()> {
    let pool = pool()?;
    pool.change(|scene| {
        scene.pool.timing.second_ms = 100;
        Ok(())
    })?;
    start_and_kill(&pool)?;
    // The lock is held all the while, on every host, and discovery says nothing.
    let refused = pool.gluster("node-b", STATUS)?;
    ensure!(refused.element("opErrno") == Some("30802"), "{}", refused.stdout);
    let all = pool.gluster("node-b", "volume status all tasks")?;
    ensure!(all.done() && !all.stdout.contains("volName"), "{}", all.stdout);
    // Nobody asks anything more; the files and the history change all the same.
    let history = pool.log_dir("node-a").join("cmd_history.log");
    let file = pool.glusterd_dir("node-c").join("vols/dist/node_state.info");
    wait_until("the start's end", Duration::from_secs(10), || async {
        let history = std::fs::read_to_string(&history).unwrap_or_default();
        let file = std::fs::read_to_string(&file)?;
        let over = "volume rebalance dist start : SUCCESS\n";
        Ok(history.ends_with(over) && file.contains("\nrebalance_op=19\n"))
    })
    .await?;
    let listed = pool.done("node-b", STATUS)?;
    ensure!(listed.element("statusStr") == Some("in progress"));
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing() -> Result<()> {
    let pool = pool()?;
    pool.fault("start", What::StartFails)?;
    let reply = pool.gluster("node-a", "volume rebalance dist start")?;
    ensure!(!reply.done() && reply.code == 0, "{}", reply.stdout);
    wait_until("all is taken back", Duration::from_secs(10), || async {
        Ok(pool.view("dist", "node-c")?.id.is_nil() && pool.view("dist", "node-a")?.id.is_nil())
    })
    .await?;
    ensure!(pool.node_state("node-a", "dist")?.contains("rebalance_op=0\n"));
    Ok(())
}

#[tokio::test]
async fn a_slow_start_succeeds_after_the_caller_gave_up() -> Result<()> {
    let pool = pool()?;
    pool.fault("start", What::SlowStart { seconds: 40 })?;
    let reply = pool.gluster("node-a", "--timeout=5 volume rebalance dist start")?;
    ensure!(reply.stdout == "Error : Request timed out\n" && reply.code == 1);
    let id = pool.view("dist", "node-a")?.id;
    ensure!(!id.is_nil());
    wait_until("every host has it", Duration::from_secs(10), || async {
        Ok(pool.view("dist", "node-c")?.id == id && pool.gluster("node-b", STATUS)?.done())
    })
    .await
}

#[test]
fn counters_reach_glusterd_by_locked_calls_and_at_the_end() -> Result<()> {
    let pool = pool()?;
    pool.start("node-a", "volume rebalance dist start")?;
    pool.advance("dist", 10)?;
    let told = |host| -> Result<u64> { Ok(pool.view("dist", host)?.told.files) };
    ensure!(told("node-b")? == 0);
    let status = pool.done("node-a", "volume rebalance dist status")?;
    ensure!(status.element("files") == Some("10"), "{}", status.stdout);
    ensure!(told("node-b")? == 10);
    // The file is written when the part ends.
    ensure!(pool.node_state("node-b", "dist")?.contains("rebalanced-files=0\n"));
    pool.advance("dist", 5)?;
    pool.complete("dist")?;
    ensure!(pool.node_state("node-b", "dist")?.contains("rebalanced-files=15\n"));
    Ok(())
}

#[test]
fn a_stop_rewrites_only_the_files_of_hosts_that_ran() -> Result<()> {
    let pool = pool()?;
    pool.start("node-a", "volume rebalance dist start")?;
    let done = Counters { files: 7, ..Counters::default() };
    pool.set_part("dist", "node-c", PartStatus::Completed, done)?;
    pool.change(|scene| {
        scene.pool.timing.files_while_stopping = 2;
        Ok(())
    })?;
    pool.advance("dist", 30)?;
    let before = pool.node_state("node-c", "dist")?;
    let reply = pool.done("node-a", "volume rebalance dist stop")?;
    ensure!(reply.element("files") == Some("30"), "{}", reply.stdout);
    let stopped = pool.node_state("node-b", "dist")?;
    ensure!(stopped.contains("status=2\nrebalance_op=0\n") && stopped.contains("files=32\n"));
    ensure!(pool.node_state("node-c", "dist")? == before, "it had ended before");
    Ok(())
}

#[test]
fn a_failed_task_runs_again_when_its_host_returns() -> Result<()> {
    let pool = pool()?;
    let id = pool.start("node-a", "volume rebalance dist start")?;
    pool.advance("dist", 10)?;
    pool.kill_host("node-c")?;
    for host in ["node-a", "node-b"] {
        pool.set_part("dist", host, PartStatus::Failed, Counters::default())?;
    }
    let status = |pool: &ScriptedPool| -> Result<String> {
        let reply = pool.done("node-a", STATUS)?;
        ensure!(reply.element("id") == Some(&id.to_string()), "{}", reply.stdout);
        Ok(reply.element("statusStr").context("no status")?.to_owned())
    };
    ensure!(status(&pool)? == "failed");
    pool.return_host("node-c")?;
    ensure!(status(&pool)? == "in progress");
    ensure!(pool.view("dist", "node-c")?.live.files == 0, "it begins anew");
    Ok(())
}

#[test]
fn glusterd_alone_comes_back_to_its_running_process() -> Result<()> {
    let pool = pool()?;
    pool.start("node-a", "volume rebalance dist start")?;
    pool.stop_glusterd("node-c")?;
    let down = pool.gluster("node-c", "pool list")?;
    ensure!(down.code == 1 && down.stdout.starts_with("Connection failed."));
    pool.advance("dist", 10)?;
    pool.start_glusterd("node-c")?;
    pool.advance("dist", 10)?;
    ensure!(pool.view("dist", "node-c")?.live.files == 20);
    Ok(())
}

#[test]
fn a_force_removes_what_was_still_moving() -> Result<()> {
    let pool = pool()?;
    let bricks = "volume remove-brick dist node-c:/bricks/d1";
    pool.start("node-b", &format!("{bricks} start"))?;
    let file = pool.node_state("node-a", "dist")?;
    ensure!(file.contains("rebalance_op=9\n") && file.ends_with("brick1=node-c:/bricks/d1\ncount=1\n"));
    ensure!(file.starts_with("rebalance_status=1\nstatus=0\n"), "it takes no part");
    ensure!(!pool.gluster("node-a", "volume rebalance dist start")?.done());
    pool.done("node-b", &format!("{bricks} force"))?;
    let info = pool.done("node-a", "volume info dist")?;
    ensure!(info.element("brickCount") == Some("2"), "{}", info.stdout);
    ensure!(!pool.node_state("node-c", "dist")?.contains("brick1"));
    Ok(())
}

#[test]
fn calls_go_wrong_in_every_way() -> Result<()> {
    let pool = pool()?;
    let call = || pool.gluster("node-a", STATUS);
    let whole = call()?;
    pool.fault(STATUS, What::Truncated)?;
    ensure!(whole.stdout.starts_with(&call()?.stdout) && call()?.stdout != whole.stdout);
    pool.mend()?;
    let text = "Error : Request timed out\n".to_owned();
    pool.fault(STATUS, What::Text { text: text.clone(), code: 1 })?;
    ensure!(call()?.stdout == text && call()?.code == 1);
    pool.mend()?;
    pool.fault(STATUS, What::Garbage)?;
    ensure!(!call()?.done());
    pool.mend()?;
    pool.fault(STATUS, What::Huge { mebibytes: 2 })?;
    ensure!(call()?.stdout.len() > 2 << 20);
    pool.mend()?;
    pool.refuse(STATUS, "Locking failed on node-b")?;
    ensure!(call()?.element("opErrstr") == Some("Locking failed on node-b"));
    pool.mend()?;
    ensure!(call()?.stdout == whole.stdout);

    pool.fault(STATUS, What::Hang)?;
    let mut command = pool.command("node-a");
    let mut child = command.args(STATUS.split(' ')).spawn()?;
    // Other calls are answered meanwhile, and it is still there after them.
    pool.done("node-a", "volume info")?;
    pool.done("node-b", "pool list")?;
    ensure!(child.try_wait()?.is_none());
    child.kill()?;
    child.wait()?;
    Ok(())
}
