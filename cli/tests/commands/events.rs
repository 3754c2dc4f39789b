//! `hod events`.

use crate::fake::{Fake, State};
use crate::run::{Running, hod};
use crate::scene::{next_event, prod};

fn numbers(listed: &serde_json::Value) -> Vec<&str> {
    let events = listed["events"].as_array().unwrap();
    events.iter().map(|event| event["number"].as_str().unwrap()).collect()
}

fn two_pools() -> State {
    let mut state = prod();
    let mut pool = state.pools[0].clone();
    (pool.name, pool.pool_id) = ("lab".to_owned(), "lab-id".to_owned());
    state.pools.push(pool);
    let mut event = state.events[0].clone();
    event.pool = "lab".to_owned();
    state.events.push(event);
    state
}

#[tokio::test]
async fn events_are_listed_oldest_first() {
    let fake = Fake::start(prod()).await;
    let listed = hod(&fake, &["events"]).await;
    let messages: Vec<_> = listed.out.lines().map(|line| &line[22..]).collect();
    insta::assert_snapshot!(messages.join("\n"));
    for (args, wanted) in [
        (&["-n", "2"][..], &["2", "3"][..]),
        (&["--after", "1"], &["2", "3"]),
        (&["--after", "0"], &["1", "2", "3"]),
    ] {
        let args = [&["events", "--json"], args].concat();
        assert_eq!(numbers(&hod(&fake, &args).await.json()), wanted, "{args:?}");
    }
    let none = hod(&fake, &["events", "--volume", "gv7"]).await;
    assert_eq!(none.out, "No events.\n");
}

#[tokio::test]
async fn many_events_after_a_number_are_all_told() {
    let mut state = prod();
    for _ in 0..2400 {
        state.events.push(next_event(&state, "more"));
    }
    let fake = Fake::start(state).await;
    for (after, first) in [("2", "3"), ("0", "1")] {
        let listed = hod(&fake, &["events", "--json", "--after", after]).await.json();
        let numbers = numbers(&listed);
        assert_eq!((numbers[0], *numbers.last().unwrap()), (first, "2403"));
    }
}

#[tokio::test]
async fn two_pools_number_their_own() {
    let fake = Fake::start(two_pools()).await;
    let listed = hod(&fake, &["events"]).await;
    assert_eq!(listed.out.lines().count(), 4);
    assert!(listed.out.contains("  lab  #1"), "{listed:?}");
    let refused = hod(&fake, &["events", "--after", "1"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.complaint().contains("--pool prod or --pool lab"), "{refused:?}");
    let listed = hod(&fake, &["events", "--after", "1", "--pool", "prod", "--json"]).await;
    assert_eq!(numbers(&listed.json()), ["2", "3"]);
}

#[tokio::test]
async fn following_misses_nothing_when_the_coordinator_restarts() {
    let fake = Fake::start(prod()).await;
    let mut running = Running::start(&fake, &["events", "--follow", "-n", "1", "--json"]);
    let first: serde_json::Value = serde_json::from_str(&running.line("number").await).unwrap();
    assert_eq!(first["number"], "3");

    let tell = |message: &str| fake.change(|state| state.events.push(next_event(state, message)));
    tell("before");
    running.line("before").await;
    fake.cut_streams();
    tell("between");
    running.line("between").await;
    tell("after");
    running.line("after").await;
    running.interrupt();
}

#[tokio::test]
async fn following_tells_only_what_is_asked_for() {
    let fake = Fake::start(two_pools()).await;
    let args = ["events", "-f", "--after", "0", "--pool", "prod", "--volume", "gv1"];
    let mut running = Running::start(&fake, &args);
    fake.change(|state| {
        let mut other = next_event(state, "of gv1");
        other.number = 4;
        other.volume = "gv1".to_owned();
        state.events.push(other);
    });
    let line = running.line("#").await;
    assert!(line.contains("#4") && line.contains("of gv1"), "{line}");
}

#[tokio::test]
async fn a_coordinator_without_pools_has_no_events_to_follow() {
    let fake = Fake::start(State::default()).await;
    let listed = hod(&fake, &["events"]).await;
    assert_eq!((listed.code, listed.out.as_str()), (0, "No events.\n"));
    let followed = hod(&fake, &["events", "--follow"]).await;
    assert_eq!(followed.code, 4);
    assert!(followed.complaint().contains("hod pool add"), "{followed:?}");
}
