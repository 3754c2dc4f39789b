//! `--wait`: a command follows its job, and its exit code tells how that ended.

use hod_proto::coordinator::v1::{Attention, JobStatus};
use hod_proto::types::v1::{TaskStatus, TaskType};
use serde_json::Value;

use crate::drive::answering;
use crate::fake::{Fake, State};
use crate::run::{Running, Terminal, against, hod};
use crate::scene::{REBALANCE, end, task_of};

const BRICK: &str = "node-b:/bricks/b2";
const START: [&str; 5] = ["remove-brick", "start", "gv0", BRICK, "--wait"];

#[tokio::test]
async fn the_end_of_the_job_is_the_end_of_the_wait() {
    for (status, failed, code) in [
        (JobStatus::Finished, 0, 0),
        (JobStatus::Finished, 2, 3),
        (JobStatus::Failed, 0, 5),
        (JobStatus::Aborted, 0, 6),
        (JobStatus::Unknown, 0, 7),
    ] {
        let fake = Fake::start(answering("under way")).await;
        let mut running = Running::start(&fake, &["rebalance", "start", "gv0", "--wait"]);
        running.line(REBALANCE).await;
        running.line("STARTED, waiting for node-c").await;
        fake.change(|state| end(state, status, failed));
        let ran = running.end().await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(!ran.out.contains("follow"), "{ran:?}");
    }
}

#[tokio::test]
async fn every_command_that_acts_on_a_job_can_wait_for_it() {
    for args in [
        &["rebalance", "stop", "gv0", "--yes"][..],
        &["rebalance", "resume", "gv0"],
        &["remove-brick", "start", "gv0", BRICK, "--auto-commit"],
        &["remove-brick", "stop", "gv0", "--yes"],
        &["remove-brick", "resume", "gv0"],
        &["remove-brick", "commit", "gv0", "--yes"],
        &["remove-brick", "force", "gv0", BRICK, "--yes"],
        &["replica", "lower", "gv0", "2", BRICK, "--yes"],
        &["replace-brick", "gv0", BRICK, "--yes"],
    ] {
        let mut state = answering("done");
        end(&mut state, JobStatus::Aborted, 0);
        let fake = Fake::start(state).await;
        let ran = hod(&fake, &[args, &["--wait"]].concat()).await;
        assert_eq!(ran.code, 6, "{args:?} {ran:?}");
        assert!(ran.out.contains("ABORTED: Rebalance of gv0"), "{ran:?}");
    }
}

/// The remove-brick's migration ends, and the job stays open.
fn migrated(state: &mut State, code: &str, failed: u64) {
    let task = task_of(state.jobs.iter_mut().find(|job| job.job_id == REBALANCE).unwrap());
    task.set_type(TaskType::RemoveBrick);
    task.set_status(TaskStatus::Completed);
    task.counters.as_mut().unwrap().failed = failed;
    task.attention = vec![Attention { code: code.to_owned(), text: format!("{code}: look at it") }];
}

#[tokio::test]
async fn a_remove_brick_is_followed_until_it_awaits_its_commit() {
    for (code, failed, exit, said) in [
        ("awaiting-commit", 0, 0, "Job 1a2b3c4d awaits commit: `hod remove-brick commit gv0` takes"),
        ("awaiting-commit", 2, 3, "Job 1a2b3c4d stays open: awaiting-commit: look at it"),
        ("stop-or-retry", 0, 5, "Job 1a2b3c4d stays open: stop-or-retry: look at it"),
    ] {
        let fake = Fake::start(answering("under way")).await;
        let mut running = Running::start(&fake, &START);
        running.line("STARTED").await;
        fake.change(|state| migrated(state, code, failed));
        let ran = running.end().await;
        assert_eq!((ran.code, ran.err.as_str()), (exit, ""), "{ran:?}");
        assert!(ran.out.lines().last().unwrap().starts_with(said), "{ran:?}");
    }
}

#[tokio::test]
async fn one_that_commits_itself_is_followed_to_its_end() {
    let fake = Fake::start(answering("under way")).await;
    let mut running = Running::start(&fake, &[&START[..], &["--auto-commit"]].concat());
    running.line("STARTED").await;
    fake.change(|state| migrated(state, "awaiting-commit", 0));
    running.line("awaiting-commit: look at it").await;
    fake.change(|state| end(state, JobStatus::Finished, 0));
    let ran = running.end().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.lines().last().unwrap().contains("FINISHED"), "{ran:?}");
}

#[tokio::test]
async fn at_a_terminal_the_wait_is_a_live_picture() {
    let fake = Fake::start(answering("under way")).await;
    let mut terminal = Terminal::start(against(&fake, &START));
    terminal.wait_for("1a2b3c4d rebalance gv0  RUNNING").await;
    terminal.wait_for("node-b  IN_PROGRESS").await;
    fake.change(|state| migrated(state, "awaiting-commit", 0));
    let ran = terminal.end().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(console::strip_ansi_codes(&ran.out).contains("Job 1a2b3c4d awaits commit"), "{ran:?}");
}

#[tokio::test]
async fn json_is_the_receipt_and_then_the_jobs_messages() {
    let fake = Fake::start(answering("under way")).await;
    let mut running = Running::start(&fake, &["rebalance", "start", "gv0", "--wait", "--json"]);
    running.line("\"complete\"").await;
    fake.change(|state| end(state, JobStatus::Finished, 0));
    let ran = running.end().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let told: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told[0]["job_id"], REBALANCE);
    assert_eq!(told.last().unwrap()["job"]["status"], "JOB_STATUS_FINISHED");
}

#[tokio::test]
async fn who_waits_no_longer_is_told_that_the_job_goes_on() {
    let fake = Fake::start(answering("under way")).await;
    let mut running = Running::start(&fake, &["rebalance", "start", "gv0", "--wait"]);
    running.line("STARTED").await;
    running.interrupt();
    let ran = running.end().await;
    assert_eq!(ran.code, 130, "{ran:?}");
    let said = format!("waiting no longer; the job goes on: `hod watch --job {REBALANCE}`");
    assert_eq!(ran.complaint(), said);
}

#[tokio::test]
async fn a_wait_for_no_job_is_told() {
    let fake = Fake::start(State::default()).await;
    let ran = hod(&fake, &["rebalance", "start", "gv0", "--wait"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.complaint().contains("named no job to wait for"), "{ran:?}");
}
