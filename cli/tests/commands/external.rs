//! `hod external`: a job that another program reports, from its begin to its clearing.

use crate::fake::Fake;
use crate::run::hod;
use crate::scene::prod;

#[tokio::test]
async fn a_job_from_its_begin_to_its_clearing() {
    let fake = Fake::start(prod()).await;
    let added =
        hod(&fake, &["external", "add-job", "--pool", "prod", "--origin", "ansible", "Upgrade of node-a"])
            .await;
    assert_eq!(added.code, 0, "{added:?}");
    let job = added.out.trim_end().to_owned();
    assert_eq!(fake.state().jobs[0].job_id, job);
    assert_eq!(fake.state().jobs[0].origin, "ansible");

    let short = &job[..8];
    let args = ["external", "add-step", short, "Stop the bricks", "--type", "validating"];
    let step = hod(&fake, &args).await.out.trim_end().to_owned();
    let args = ["external", "add-step", short, "Install", "--parent", &step, "--json"];
    let child = hod(&fake, &args).await.json();
    assert_eq!(child["step"]["parent_step_id"], step.as_str());
    assert_eq!(child["step"]["type"], "STEP_TYPE_EXECUTING");

    let ended = hod(&fake, &["external", "end-step", &step, "finished"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (0, ""));
    let early = hod(&fake, &["external", "clear", short]).await;
    assert_eq!(early.code, 8);
    assert!(early.complaint().contains("the job has not ended"), "{early:?}");

    let ended = hod(&fake, &["external", "end-job", short, "failed", "--json"]).await.json();
    assert_eq!(ended["job"]["status"], "JOB_STATUS_FAILED");
    let cleared = hod(&fake, &["external", "clear", short]).await;
    assert_eq!((cleared.code, cleared.out.as_str()), (0, ""));
    assert!(fake.state().jobs.iter().all(|known| known.job_id != job));
}

#[tokio::test]
async fn what_is_refused_names_the_field() {
    let fake = Fake::start(prod()).await;
    let blank = hod(&fake, &["external", "add-job", "--pool", "prod", "  "]).await;
    assert_eq!(blank.code, 2);
    assert_eq!(
        blank.complaint(),
        "can't add job \"  \" to pool prod: the request is refused; description: must not be blank"
    );
    let unknown = hod(&fake, &["external", "end-step", "nope", "finished"]).await;
    assert_eq!(unknown.code, 4);
    assert_eq!(unknown.complaint(), "can't end step nope: no step has the id nope");
    let started = hod(&fake, &["external", "end-step", "nope", "started"]).await;
    assert_eq!(started.code, 2);
    assert!(started.err.contains("possible values: finished, failed, aborted, unknown"));
}
