//! `hod watch`.

use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::PartStatus;

use crate::fake::{Fake, State};
use crate::run::{Running, Terminal, against, hod};
use crate::scene::{BACKUP, REBALANCE, REMOVE_BRICK, end, prod, task_of};

#[tokio::test]
async fn a_watched_job_ends_with_the_code_that_tells_how() {
    for (status, failed, code) in [
        (JobStatus::Finished, 0, 0),
        (JobStatus::Finished, 2, 3),
        (JobStatus::Failed, 0, 5),
        (JobStatus::Aborted, 0, 6),
        (JobStatus::Unknown, 0, 7),
    ] {
        let fake = Fake::start(prod()).await;
        let mut running = Running::start(&fake, &["watch", "--job", "1a2b"]);
        running.line("STARTED, waiting for node-c").await;
        fake.change(|state| end(state, status, failed));
        let ran = running.end().await;
        assert_eq!(ran.code, code, "{ran:?}");
        let word = status.as_str_name().replace("JOB_STATUS_", "");
        assert!(ran.out.lines().last().unwrap().contains(&word), "{ran:?}");
    }
}

#[tokio::test]
async fn a_job_that_has_ended_is_told_at_once() {
    let fake = Fake::start(prod()).await;
    let ran = hod(&fake, &["watch", "--job", REMOVE_BRICK]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.out.contains("ABORTED: Remove-brick of gv1"), "{ran:?}");
}

#[tokio::test]
async fn a_job_that_is_not_there_or_goes_is_not_found() {
    let fake = Fake::start(prod()).await;
    let ran = hod(&fake, &["watch", "--job", "ffffffff-0000-4000-8000-000000000000"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let mut running = Running::start(&fake, &["watch", "--job", BACKUP]);
    running.line("Nightly backup").await;
    fake.change(|state| state.jobs.retain(|job| job.job_id != BACKUP));
    let ran = running.end().await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.complaint().contains("is no more"), "{ran:?}");
}

#[tokio::test]
async fn changes_of_hosts_are_lines() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch"]);
    running.line("Rebalance of gv0").await;
    fake.change(|state| {
        let part = &mut task_of(&mut state.jobs[0]).parts[1];
        part.set_status(PartStatus::Failed);
    });
    let line = running.line("node-b").await;
    assert!(line.contains("node-b: IN_PROGRESS -> FAILED, 812 files, 401 MiB"), "{line}");
    running.interrupt();
    assert_eq!(running.end().await.code, 130);
}

#[tokio::test]
async fn until_ended_waits_for_all_and_tells_the_worst() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch", "--until-ended"]);
    running.line("Rebalance of gv0").await;
    fake.change(|state| end(state, JobStatus::Failed, 0));
    running.line("FAILED").await;
    fake.change(|state| {
        let mut jobs = state.jobs.iter_mut();
        let backup = jobs.find(|job| job.job_id == BACKUP).unwrap();
        backup.set_status(JobStatus::Finished);
    });
    assert_eq!(running.end().await.code, 5);
}

#[tokio::test]
async fn nothing_open_is_nothing_to_wait_for() {
    let fake = Fake::start(State::default()).await;
    let ran = hod(&fake, &["watch", "--until-ended"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
}

#[tokio::test]
async fn a_filter_shows_only_what_matches() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch", "--volume", "gv0", "--until-ended"]);
    running.line("Rebalance of gv0").await;
    fake.change(|state| end(state, JobStatus::Finished, 0));
    let ran = running.end().await;
    assert_eq!(ran.code, 0);
    assert!(!ran.out.contains("Nightly backup"), "{ran:?}");
}

#[tokio::test]
async fn json_is_one_message_a_line() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch", "--job", REBALANCE, "--json"]);
    running.line("\"complete\"").await;
    fake.change(|state| end(state, JobStatus::Finished, 0));
    let ran = running.end().await;
    let messages: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(messages.len(), 3, "{ran:?}");
    assert_eq!(messages[0]["job"]["status"], "JOB_STATUS_STARTED");
    assert_eq!(messages[2]["job"]["status"], "JOB_STATUS_FINISHED");
}

#[tokio::test]
async fn what_ended_while_there_was_no_connection_is_told() {
    let mut fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch", "--until-ended"]);
    running.line("Nightly backup").await;
    // Another coordinator at the same address, which knows how the jobs ended.
    let (address, mut state) = (fake.address, fake.state().clone());
    end(&mut state, JobStatus::Aborted, 0);
    state.jobs.retain(|job| job.job_id != BACKUP);
    fake.cut_streams();
    drop(fake);
    fake = loop {
        // The port is free once the first one's task has ended.
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => {
                drop(listener);
                break Fake::start_at(address, state).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let ran = running.end().await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("trying again"), "{ran:?}");
    assert!(ran.out.contains("ABORTED: Rebalance of gv0"), "{ran:?}");
    assert!(ran.out.contains("is no more (Nightly backup (ansible))"), "{ran:?}");
    drop(fake);
}

#[tokio::test]
async fn patience_ends() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["watch", "--patience", "0"]);
    running.line("Rebalance of gv0").await;
    fake.cut_streams();
    let ran = running.end().await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.complaint().contains("can't watch jobs"), "{ran:?}");
}

#[tokio::test]
async fn on_a_terminal_it_draws_and_leaves_the_end() {
    let fake = Fake::start(prod()).await;
    let mut terminal = Terminal::start(against(&fake, &["watch", "--job", "1a2b"]));
    for drawn in [
        "1a2b3c4d rebalance gv0  RUNNING",
        "1/3 hosts",
        "node-b  IN_PROGRESS    812 files  401 MiB",
        "silent 2 min",
    ] {
        terminal.wait_for(drawn).await;
    }
    fake.change(|state| end(state, JobStatus::Finished, 0));
    let ran = terminal.end().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let end = "✓ 1a2b3c4d FINISHED: Rebalance of gv0; 2,324 files, 2.0 GiB, 0 failed";
    assert!(console::strip_ansi_codes(&ran.out).contains(end), "{ran:?}");
}
