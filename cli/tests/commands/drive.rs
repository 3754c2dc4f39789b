//! The commands that have something done: what they ask the coordinator for, what they
//! show, and how a refusal is told.

use hod_proto::coordinator::v1::{BrickPlan, JobStatus, Plan, Problem, Receipt, StepType, Window};
use hod_proto::types::v1::Brick;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::fake::{Fake, State};
use crate::run::{against, at_terminal, hod};
use crate::scene::{REBALANCE, REMOVE_BRICK, prod, seconds};

const B1: &str = "node-a:/bricks/b1";
const B2: &str = "node-b:/bricks/b2";

/// Answers every command with this receipt.
pub(crate) fn answering(message: &str) -> State {
    State {
        receipt: Receipt {
            job_id: REBALANCE.to_owned(),
            step_id: "step-2".to_owned(),
            message: message.to_owned(),
            plan: None,
        },
        ..prod()
    }
}

/// Runs it: the one command that the coordinator got by it.
async fn asked(args: &[&str]) -> (&'static str, Value) {
    let fake = Fake::start(answering("it is under way")).await;
    let ran = hod(&fake, args).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?} {ran:?}");
    let mut commands = std::mem::take(&mut fake.state().commands);
    assert_eq!(commands.len(), 1, "{args:?} {commands:?}");
    commands.remove(0)
}

#[tokio::test]
async fn each_command_asks_for_what_was_typed() {
    let in_pool = json!({"pool": "prod", "volume": "gv0"});
    let of = |more: Value| {
        let mut request = json!({"volume": "gv0"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let night = json!({
        "weekdays": [1, 2, 3, 4, 5], "begin": "22:00", "end": "06:00", "time_zone": "Europe/Berlin"
    });
    let sunday = json!({"weekdays": [7], "begin": "00:00", "end": "00:00", "time_zone": "UTC"});
    let windows = ["--window", "Mon-Fri 22:00-06:00 Europe/Berlin", "--window", "Sun 00:00-24:00 UTC"];
    for (args, name, request) in [
        (&["rebalance", "start", "gv0"][..], "StartRebalance", of(json!({}))),
        (
            &[&["rebalance", "start", "gv0", "--force", "--throttle", "lazy"][..], &windows].concat(),
            "StartRebalance",
            of(json!({"force": true, "throttle": "THROTTLE_LAZY", "windows": [night, sunday]})),
        ),
        (
            &["rebalance", "start", "gv0", "--fix-layout", "--throttle", "aggressive"],
            "StartRebalance",
            of(json!({"fix_layout": true, "throttle": "THROTTLE_AGGRESSIVE"})),
        ),
        (&["rebalance", "start", "gv0", "--pool", "prod"], "StartRebalance", in_pool.clone()),
        (&["rebalance", "stop", "gv0", "--pool", "prod", "-y"], "StopRebalance", in_pool.clone()),
        (&["rebalance", "pause", "gv0", "--pool", "prod"], "PauseRebalance", in_pool.clone()),
        (&["rebalance", "resume", "gv0", "--pool", "prod"], "ResumeRebalance", in_pool.clone()),
        (
            &["remove-brick", "start", "gv0", B1, B2, "--throttle", "normal", "--auto-commit"],
            "StartRemoveBrick",
            of(json!({"bricks": [B1, B2], "throttle": "THROTTLE_NORMAL", "auto_commit": true})),
        ),
        (&["remove-brick", "stop", "gv0", "--yes"], "StopRemoveBrick", of(json!({}))),
        (&["remove-brick", "stop", "gv0", B1, "--yes"], "StopRemoveBrick", of(json!({"bricks": [B1]}))),
        (&["remove-brick", "pause", "gv0", "--pool", "prod", "-y"], "PauseRemoveBrick", in_pool.clone()),
        (&["remove-brick", "resume", "gv0", "--pool", "prod"], "ResumeRemoveBrick", in_pool),
        (&["remove-brick", "commit", "gv0", "--yes"], "CommitRemoveBrick", of(json!({}))),
        (
            &["remove-brick", "commit", "gv0", B1, "--accept-data-loss", "0", "--yes"],
            "CommitRemoveBrick",
            of(json!({"bricks": [B1], "accept_data_loss": "0"})),
        ),
        (
            &["remove-brick", "force", "gv0", B1, "--accept-data-loss", "12", "--yes"],
            "ForceRemoveBrick",
            of(json!({"bricks": [B1], "accept_data_loss": "12"})),
        ),
        (
            &["replica", "lower", "gv0", "2", B1, B2, "--yes"],
            "LowerReplicaCount",
            of(json!({"replica_count": 2, "bricks": [B1, B2]})),
        ),
        (
            &["replace-brick", "gv0", B1, B2, "--yes"],
            "ReplaceBrick",
            of(json!({"old_brick": B1, "new_brick": B2})),
        ),
        (&["replace-brick", "gv0", B1, "--yes"], "ResetBrick", of(json!({"brick": B1}))),
        (&["replace-brick", "gv0", B1, B1, "--yes"], "ResetBrick", of(json!({"brick": B1}))),
        (
            &[&["windows", "gv0"][..], &windows].concat(),
            "SetWindows",
            of(json!({"windows": [night.clone(), sunday.clone()]})),
        ),
        (&["windows", "gv0", "--none"], "SetWindows", of(json!({}))),
        (
            &["job", "abandon", "1a2b", "--reason", "node-c burnt down", "--yes"],
            "AbandonJob",
            json!({"job_id": REBALANCE, "reason": "node-c burnt down"}),
        ),
    ] {
        assert_eq!(asked(args).await, (name, request), "{args:?}");
    }
}

#[tokio::test]
async fn a_receipt_names_the_job_and_how_to_follow_it() {
    let fake = Fake::start(answering("a rebalance of gv0 is being started")).await;
    let ran = hod(&fake, &["rebalance", "start", "gv0"]).await;
    insta::assert_snapshot!(ran.out, @r"
    a rebalance of gv0 is being started
    job     1a2b3c4d-0000-4000-8000-000000000001
    follow  hod watch --job 1a2b3c4d
    ");
    let receipt = hod(&fake, &["rebalance", "start", "gv0", "--json"]).await.json();
    let message = "a rebalance of gv0 is being started";
    assert_eq!(receipt, json!({"job_id": REBALANCE, "step_id": "step-2", "message": message}));
}

fn plan(problems: Vec<Problem>) -> Plan {
    let brick = |name: &str, after: Option<u64>| BrickPlan {
        brick: Some(Brick { name: name.to_owned(), ..Brick::default() }),
        total_bytes: Some(1 << 40),
        free_before: Some(700 << 30),
        free_after: after,
        goes: after.is_none(),
    };
    Plan {
        description: "remove-brick of gv0: node-b:/bricks/b2 goes".to_owned(),
        problems,
        bytes_to_move: 324 << 30,
        bricks: vec![brick(B1, Some(376 << 30)), brick(B2, None)],
        estimate: seconds(11_000),
        rate: 31_600_000,
    }
}

fn no_space() -> Problem {
    Problem {
        code: "no-space".to_owned(),
        field: "bricks".to_owned(),
        message: "324 GiB would move, and the bricks that stay can take 274 GiB".to_owned(),
        advice: "add bricks first".to_owned(),
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_asks_nobody() {
    for args in [
        &["rebalance", "start", "gv0"][..],
        &["remove-brick", "start", "gv0", B2],
        &["remove-brick", "commit", "gv0"],
        &["remove-brick", "force", "gv0", B2],
        &["replica", "lower", "gv0", "2", B2],
        &["replace-brick", "gv0", B1, B2],
        &["replace-brick", "gv0", B1],
    ] {
        let args = [args, &["--dry-run"]].concat();
        let fake = Fake::start(State { plan: plan(vec![]), ..prod() }).await;
        let ran = hod(&fake, &args).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?} {ran:?}");
        assert!(ran.out.contains("Nothing is against it."), "{ran:?}");
        assert_eq!(fake.state().commands[0].1["dry_run"], true, "{args:?}");

        fake.state().plan = plan(vec![no_space()]);
        let ran = hod(&fake, &args).await;
        assert_eq!(ran.code, 8, "{args:?} {ran:?}");
        assert!(ran.out.contains("- no-space (bricks): 324 GiB would move"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_plan_fits_the_terminal() {
    let fake = Fake::start(State { plan: plan(vec![no_space()]), ..prod() }).await;
    let command = against(&fake, &["remove-brick", "start", "gv0", B2, "--dry-run"]);
    let ran = at_terminal(command, "").await;
    assert_eq!(ran.code, 8, "{ran:?}");
    insta::assert_snapshot!(ran.out.replace('\r', ""));
}

#[tokio::test]
async fn a_plan_as_json_is_the_plan() {
    let fake = Fake::start(State { plan: plan(vec![no_space()]), ..prod() }).await;
    let ran = hod(&fake, &["remove-brick", "start", "gv0", B2, "--dry-run", "--json"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    let plan = ran.json();
    assert_eq!(plan["problems"][0]["code"], "no-space");
    assert_eq!(plan["bytes_to_move"], json!((324_u64 << 30).to_string()));
    assert_eq!(plan["estimate"], "11000s");
    assert_eq!(plan["bricks"][1]["goes"], true);
}

#[tokio::test]
async fn all_that_is_against_a_command_is_listed() {
    let mut details = ErrorDetails::with_precondition_failure_violation(
        "volume-not-started",
        "volume",
        "gv0 is stopped — start it: `gluster volume start gv0`",
    );
    details.add_precondition_failure_violation("heals-pending", "", "12 heals are pending — wait for them");
    let message =
        "gv0 is stopped — start it: `gluster volume start gv0`; 12 heals are pending — wait for them";
    let refusal = Status::with_error_details(Code::FailedPrecondition, message, details);
    let fake = Fake::start(State { refusal: Some(refusal), ..prod() }).await;
    let ran = hod(&fake, &["rebalance", "start", "gv0"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (8, ""), "{ran:?}");
    insta::assert_snapshot!(ran.err, @r"
    hod: can't start a rebalance of gv0, for 2 reasons:
         - volume-not-started (volume): gv0 is stopped — start it: `gluster volume start gv0`
         - heals-pending: 12 heals are pending — wait for them
    ");
    let at_terminal = at_terminal(against(&fake, &["rebalance", "start", "gv0"]), "").await;
    assert!(at_terminal.out.lines().all(|line| console::measure_text_width(line) <= 80), "{at_terminal:?}");
    assert!(at_terminal.out.contains("\n     - heals-pending: 12"), "{at_terminal:?}");
}

#[tokio::test]
async fn what_gluster_refused_is_told_in_its_words() {
    let words = "volume remove-brick stop: failed: Volume gv0 is not being migrated";
    let refusal = Status::failed_precondition(words);
    let fake = Fake::start(State { refusal: Some(refusal), ..prod() }).await;
    let ran = hod(&fake, &["remove-brick", "stop", "gv0", "--yes"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    assert_eq!(ran.complaint(), format!("can't stop the remove-brick of gv0: {words}"));
}

#[tokio::test]
async fn bad_fields_are_listed_as_bad_usage() {
    let mut details = ErrorDetails::with_bad_request_violation("old_brick", "x is no brick: HOST:/PATH");
    details.add_bad_request_violation("new_brick", "y is no brick: HOST:/PATH");
    let refusal = Status::with_error_details(Code::InvalidArgument, "the request is refused", details);
    let fake = Fake::start(State { refusal: Some(refusal), ..prod() }).await;
    let ran = hod(&fake, &["replace-brick", "gv0", "x", "y", "--yes"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    insta::assert_snapshot!(ran.err, @r"
    hod: can't replace x of gv0 by y, for 2 reasons: the request is refused
         - old_brick: x is no brick: HOST:/PATH
         - new_brick: y is no brick: HOST:/PATH
    ");
}

#[tokio::test]
async fn the_status_of_a_volume_is_its_job_of_that_kind() {
    let mut state = prod();
    // Ended, and newer than the one that runs.
    let mut newer = state.jobs[0].clone();
    newer.job_id = "99999999-0000-4000-8000-000000000005".to_owned();
    newer.set_status(JobStatus::Aborted);
    state.jobs.insert(0, newer);
    let removed = state.jobs.iter_mut().find(|job| job.job_id == REMOVE_BRICK).unwrap();
    let mut step = hod_proto::coordinator::v1::Step::default();
    step.set_type(StepType::RemovingBricks);
    removed.steps = vec![step];
    let fake = Fake::start(state).await;

    let shown = hod(&fake, &["rebalance", "status", "gv0"]).await;
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.contains(REBALANCE) && shown.out.contains("node-b"), "{shown:?}");
    let told = hod(&fake, &["remove-brick", "status", "gv1", "--pool", "prod", "--json"]).await.json();
    assert_eq!(told["job"]["job_id"], REMOVE_BRICK);
    for args in [["remove-brick", "status", "gv0"], ["rebalance", "status", "gv7"]] {
        let none = hod(&fake, &args).await;
        assert_eq!(none.code, 4, "{none:?}");
        let said = format!("no {} of {} is known", args[0], args[2]);
        assert!(none.complaint().starts_with(&said), "{none:?}");
    }
}

#[tokio::test]
async fn windows_are_shown_as_they_are_typed() {
    let fake = Fake::start(prod()).await;
    assert_eq!(hod(&fake, &["windows", "gv0"]).await.out, "at any time\n");
    assert_eq!(hod(&fake, &["windows", "gv7"]).await.code, 4);
    let mut state = prod();
    state.volumes[0].windows = vec![Window {
        weekdays: vec![1, 2],
        begin: "22:00".to_owned(),
        end: "06:00".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
    }];
    let fake = Fake::start(state).await;
    assert_eq!(hod(&fake, &["windows", "gv0"]).await.out, "Mon,Tue 22:00-06:00 Europe/Berlin\n");
}
