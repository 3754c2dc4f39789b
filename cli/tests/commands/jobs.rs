//! `hod jobs`, `hod job`.

use hod_proto::coordinator::v1::Job;

use crate::fake::{Fake, State};
use crate::run::{against, hod, run};
use crate::scene::{BACKUP, OLD, REBALANCE, REMOVE_BRICK, prod};

fn ids(listed: &serde_json::Value) -> Vec<String> {
    let jobs = listed["jobs"].as_array().cloned().unwrap_or_default();
    let ids = jobs.iter().map(|job| job["job_id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[tokio::test]
async fn jobs_are_open_or_ended_within_a_day() {
    let fake = Fake::start(prod()).await;
    let listed = hod(&fake, &["jobs"]).await;
    insta::assert_snapshot!(listed.out);
    let listed = hod(&fake, &["jobs", "--json"]).await.json();
    assert_eq!(ids(&listed), [REBALANCE, REMOVE_BRICK, BACKUP]);
    let all = hod(&fake, &["jobs", "--json", "--all"]).await.json();
    assert_eq!(ids(&all), [REBALANCE, REMOVE_BRICK, BACKUP, OLD]);
}

#[tokio::test]
async fn jobs_are_chosen() {
    let fake = Fake::start(prod()).await;
    for (args, wanted) in [
        (&["--volume", "gv1"][..], &[REMOVE_BRICK][..]),
        (&["--status", "finished,aborted"], &[REMOVE_BRICK, OLD]),
        (&["--status", "started", "--pool", "prod"], &[REBALANCE, BACKUP]),
        (&["--limit", "1"], &[REBALANCE]),
        (&["--all", "-n", "2"], &[REBALANCE, REMOVE_BRICK]),
    ] {
        let args = [&["jobs", "--json"], args].concat();
        assert_eq!(ids(&hod(&fake, &args).await.json()), wanted, "{args:?}");
    }
    let none = hod(&fake, &["jobs", "--volume", "gv7"]).await;
    assert_eq!((none.code, none.out.as_str()), (0, "No jobs.\n"));
}

#[tokio::test]
async fn pages_are_followed() {
    let mut state = prod();
    let many = (0..2500)
        .map(|n| Job { job_id: format!("{n:08}-0000-4000-8000-000000000000"), ..state.jobs[0].clone() });
    state.jobs = many.collect();
    let fake = Fake::start(state).await;
    let listed = hod(&fake, &["jobs", "--json"]).await.json();
    assert_eq!(ids(&listed).len(), 2500);
    let pages: Vec<_> = std::mem::take(&mut fake.state().job_pages)
        .into_iter()
        .map(|request| (request.page_size, request.page_token))
        .collect();
    let page = |token: &str| (1000, token.to_owned());
    assert_eq!(pages, [page(""), page("1000"), page("2000")]);

    let some = hod(&fake, &["jobs", "--json", "--all", "-n", "1200"]).await.json();
    assert_eq!(ids(&some).len(), 1200);
    assert_eq!(fake.state().job_pages[1].page_size, 200);
}

#[tokio::test]
async fn a_job_is_shown_with_its_tree_and_hosts() {
    let fake = Fake::start(prod()).await;
    let job = hod(&fake, &["job", "1a2b"]).await;
    let steady: Vec<_> = job.out.lines().filter(|line| !line.starts_with("began")).collect();
    insta::assert_snapshot!(steady.join("\n"));
    let job = hod(&fake, &["job", REBALANCE, "--json"]).await.json();
    assert_eq!(job["job"]["steps"][1]["task"]["parts"][1]["status"], "PART_STATUS_IN_PROGRESS");
}

#[tokio::test]
async fn a_jobs_id_must_tell_it_apart() {
    let fake = Fake::start(prod()).await;
    let several = hod(&fake, &["job", "1a"]).await;
    assert_eq!(several.code, 2);
    let complaint = several.complaint();
    assert!(complaint.starts_with("1a begins the ids of 2 jobs"), "{complaint}");
    assert!(complaint.contains(REMOVE_BRICK) && complaint.contains("Rebalance of gv0"), "{complaint}");

    let none = hod(&fake, &["job", "ffff"]).await;
    assert_eq!(none.code, 4);
    assert_eq!(none.complaint(), "no job's id begins with ffff (`hod jobs --all` shows them)");

    let whole = hod(&fake, &["job", "ffffffff-0000-4000-8000-000000000000"]).await;
    assert_eq!(whole.code, 4);
    assert!(whole.complaint().contains("no job has the id ffffffff"), "{whole:?}");

    let absurd = hod(&fake, &["job", "gv0"]).await;
    assert_eq!(absurd.code, 2);
    assert!(absurd.complaint().contains("\"gv0\" is no job's id"), "{absurd:?}");
}

#[tokio::test]
async fn colours_come_only_where_they_are_wanted() {
    let fake = Fake::start(prod()).await;
    let escape = |ran: &crate::run::Ran| ran.out.contains('\u{1b}');
    assert!(!escape(&hod(&fake, &["jobs"]).await), "not a terminal");
    assert!(escape(&hod(&fake, &["jobs", "--color", "always"]).await));
    let mut wanted = against(&fake, &["jobs", "--color", "always"]);
    wanted.env("NO_COLOR", "1");
    assert!(escape(&run(wanted).await), "asked for by name");
    for (no_color, args, coloured) in
        [("", &["jobs"][..], true), ("1", &["jobs"], false), ("", &["jobs", "--color", "never"], false)]
    {
        let mut at_terminal = against(&fake, args);
        at_terminal.env("NO_COLOR", no_color);
        let raw = crate::run::raw_at_terminal(at_terminal, "").await;
        assert_eq!(escape(&raw), coloured, "{args:?} {no_color:?}");
    }
}

#[tokio::test]
async fn a_terminal_is_not_written_beyond_its_width() {
    let mut state = prod();
    state.jobs[0].description = "A very long description that does not end soon, ".repeat(5);
    let fake = Fake::start(state).await;
    let narrow = crate::run::at_terminal(against(&fake, &["jobs"]), "").await;
    assert!(narrow.out.lines().all(|line| console::measure_text_width(line) <= 80), "{narrow:?}");
    let wide = hod(&fake, &["jobs"]).await;
    assert!(wide.out.lines().any(|line| line.len() > 200), "{wide:?}");
}

#[tokio::test]
async fn no_jobs_at_all() {
    let fake = Fake::start(State::default()).await;
    let none = hod(&fake, &["jobs"]).await;
    assert_eq!((none.code, none.out.as_str()), (0, "No jobs.\n"));
}
