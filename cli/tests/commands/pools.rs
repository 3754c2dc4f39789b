//! `hod pool`, `hod hosts`, `hod volumes`, `hod tasks`, `hod task`.

use serde_json::json;

use crate::fake::{Fake, State};
use crate::run::{against, at_terminal, hod};
use crate::scene::{TASK, prod};

#[tokio::test]
async fn a_pool_is_added_listed_and_removed() {
    let fake = Fake::start(State::default()).await;
    let added = hod(&fake, &["pool", "add", "lab", "--agent", "node-a", "--quiet"]).await;
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.out.starts_with("Pool lab added with 1 host, followed quietly"), "{added:?}");

    let listed = hod(&fake, &["pool", "list", "--json"]).await.json();
    assert_eq!(listed["pools"][0]["name"], "lab");
    assert_eq!(listed["pools"][0]["follow"], "FOLLOW_QUIET");

    let again = hod(&fake, &["pool", "add", "lab", "--agent", "node-a"]).await;
    assert_eq!(again.code, 2);
    assert_eq!(again.complaint(), "can't add pool lab with agent node-a: a pool is called \"lab\" already");

    let removed = hod(&fake, &["pool", "remove", "lab", "--yes"]).await;
    assert_eq!((removed.code, removed.err.as_str()), (0, ""));
    let listed = hod(&fake, &["pool", "list"]).await;
    assert!(listed.out.starts_with("No pools."), "{listed:?}");
}

#[tokio::test]
async fn without_a_terminal_removing_wants_yes() {
    let fake = Fake::start(prod()).await;
    let refused = hod(&fake, &["pool", "remove", "prod"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.complaint().ends_with("say --yes"), "{refused:?}");
    assert_eq!(fake.state().pools.len(), 1);
}

#[tokio::test]
async fn at_a_terminal_removing_asks() {
    let fake = Fake::start(prod()).await;
    let no = at_terminal(against(&fake, &["pool", "remove", "prod"]), "\n").await;
    assert_eq!(no.code, 2, "{no:?}");
    assert!(no.out.contains("Forget pool prod (3 hosts, 1 volume, 2 jobs open)"), "{no:?}");
    assert!(no.out.contains("nobody said yes"), "{no:?}");
    assert_eq!(fake.state().pools.len(), 1);

    let yes = at_terminal(against(&fake, &["pool", "remove", "prod"]), "y\n").await;
    assert_eq!(yes.code, 0, "{yes:?}");
    assert_eq!(fake.state().pools.len(), 0);
}

#[tokio::test]
async fn a_pool_that_is_not_there_is_not_found() {
    let fake = Fake::start(prod()).await;
    for args in [
        &["pool", "remove", "nope", "--yes"][..],
        &["hosts", "--pool", "nope"],
        &["volumes", "--pool", "nope"],
        &["jobs", "--pool", "nope"],
        &["events", "--pool", "nope"],
    ] {
        let ran = hod(&fake, args).await;
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.complaint().contains("no pool is called \"nope\""), "{ran:?}");
        assert_eq!(ran.out, "");
    }
}

#[tokio::test]
async fn hosts_and_volumes_are_listed() {
    let fake = Fake::start(prod()).await;
    let hosts = hod(&fake, &["hosts", "--pool", "prod"]).await;
    insta::assert_snapshot!(hosts.out);
    let volumes = hod(&fake, &["volumes"]).await;
    insta::assert_snapshot!(volumes.out);
    let hosts = hod(&fake, &["hosts", "--json"]).await.json();
    assert_eq!(hosts["hosts"][2]["state"], "HOST_STATE_SILENT");
    let volumes = hod(&fake, &["volumes", "--json"]).await.json();
    assert_eq!(volumes["volumes"][0]["volume"]["name"], "gv0");
}

#[tokio::test]
async fn tasks_are_listed_with_who_is_silent() {
    let fake = Fake::start(prod()).await;
    let tasks = hod(&fake, &["tasks"]).await;
    insta::assert_snapshot!(tasks.out);
    let tasks = hod(&fake, &["tasks", "--json", "--pool", "prod"]).await.json();
    assert_eq!(tasks["tasks"][0]["task_id"], TASK);
    assert_eq!(tasks["silent"][0]["silent_for"], "130s");
    // Canonical JSON: 64-bit numbers are strings.
    assert_eq!(tasks["tasks"][0]["counters"]["bytes"], json!("2120005000"));
}

#[tokio::test]
async fn a_task_is_found_by_its_first_characters() {
    let fake = Fake::start(prod()).await;
    let task = hod(&fake, &["task", "7C1A"]).await;
    insta::assert_snapshot!(task.out);
    let task = hod(&fake, &["task", TASK, "--json"]).await.json();
    assert_eq!(task["says"][1]["answer"], "ANSWER_HOLDS_NOT");
    let none = hod(&fake, &["task", "99"]).await;
    assert_eq!(none.code, 4);
    assert_eq!(none.complaint(), "no task's id begins with 99 (`hod tasks` shows them)");
    let none = hod(&fake, &["task", &TASK.replace('7', "8")]).await;
    assert_eq!(none.code, 4);
    assert!(none.complaint().contains("no task has the id"), "{none:?}");
}
