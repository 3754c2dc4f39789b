//! What is said when things go wrong, and how a run then ends.

use tonic::Status;

use crate::fake::Fake;
use crate::run::{command, hod, run};
use crate::scene::prod;

/// A port that nobody listens on.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_coordinator_that_is_not_there() {
    let address = nobody().await;
    for args in [&["jobs"][..], &["watch"], &["pool", "list"], &["events", "-f"]] {
        let mut command = command(args);
        command.args(["--coordinator", &address]);
        let ran = run(command).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        let complaint = ran.complaint();
        assert!(
            complaint.starts_with(&format!("can't reach the coordinator at {address}: Connection refused")),
            "{complaint}"
        );
        assert!(complaint.contains("HOD_COORDINATOR"), "{complaint}");
    }
}

#[tokio::test]
async fn of_several_coordinators_one_that_serves_is_asked() {
    let fake = Fake::start(prod()).await;
    let mut command = command(&["pool", "list", "--json"]);
    command.env("HOD_COORDINATOR", format!("{},{}", nobody().await, fake.address));
    let ran = run(command).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["pools"][0]["name"], "prod");

    let (one, two) = (nobody().await, nobody().await);
    let mut command = crate::run::command(&["pool", "list"]);
    command.env("HOD_COORDINATOR", format!("{one},{two}"));
    let ran = run(command).await;
    assert_eq!(ran.code, 1);
    assert!(ran.complaint().contains(&one) && ran.complaint().contains(&two), "{ran:?}");
}

#[tokio::test]
async fn an_address_that_is_none_is_bad_usage() {
    let mut command = command(&["jobs", "--coordinator", "host:port"]);
    command.env_remove("HOD_COORDINATOR");
    let ran = run(command).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is not HOST or HOST:PORT"), "{ran:?}");
}

#[tokio::test]
async fn bad_usage_is_told_by_clap() {
    for args in [
        &["frobnicate"][..],
        &["jobs", "--status", "broken"],
        &["jobs", "--limit", "0"],
        &["pool", "add", "prod"],
        &["events", "--after", "3", "-n", "2"],
        &["watch", "--job", "1", "--until-ended"],
        &["rebalance", "start"],
        &["rebalance", "start", "gv0", "--fix-layout", "--force"],
        &["rebalance", "start", "gv0", "--dry-run", "--wait"],
        &["rebalance", "start", "gv0", "--throttle", "fast"],
        &["rebalance", "start", "gv0", "--window", "nights"],
        &["remove-brick", "start", "gv0"],
        &["remove-brick", "force", "gv0", "--yes"],
        &["remove-brick", "commit", "gv0", "--accept-data-loss", "-1"],
        &["replica", "lower", "gv0", "2"],
        &["replica", "lower", "gv0", "two", "node-a:/b"],
        &["replace-brick", "gv0"],
        &["windows", "gv0", "--none", "--window", "01:00-02:00 UTC"],
        &["job"],
        &["job", "abandon", "1a2b"],
        &[],
    ] {
        let ran = run(command(args)).await;
        assert_eq!(ran.code, 2, "{args:?} {ran:?}");
        assert!(ran.err.contains("--help"), "{ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
    }
}

#[tokio::test]
async fn the_coordinators_refusals_are_told_in_a_line() {
    for (status, code, said) in [
        (Status::internal("the database\nis down"), 1, "the database is down"),
        (Status::unavailable("starting"), 1, "starting"),
        (Status::permission_denied("viewers only"), 1, "viewers only"),
        (Status::unimplemented(""), 1, "another version than this `hod`"),
        (Status::failed_precondition("not now"), 8, "not now"),
    ] {
        let mut state = prod();
        state.refusal = Some(status);
        let fake = Fake::start(state).await;
        let ran = hod(&fake, &["hosts"]).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.complaint().starts_with("can't list hosts: "), "{ran:?}");
        assert!(ran.complaint().contains(said), "{ran:?}");
    }
}

#[tokio::test]
async fn each_call_says_who_makes_it() {
    let fake = Fake::start(prod()).await;
    hod(&fake, &["external", "add-job", "--pool", "prod", "x"]).await;
    hod(&fake, &["watch", "--job", "1a9f"]).await;
    let identities = fake.state().identities.clone();
    assert!(identities.len() >= 3);
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    for identity in identities {
        assert!(identity.ends_with(&format!("@{host}")), "{identity}");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let fake = Fake::start(prod()).await;
    let mut command = crate::run::against(&fake, &["jobs"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let ran = run(command).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}
