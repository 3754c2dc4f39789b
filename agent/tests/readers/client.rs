//! The client over a gluster that is a small script.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hod_agent::gluster::process::Binary;
use hod_agent::gluster::{CallReport, GlusterCli, Lock, Observer, Settings};
use hod_core::error::GlusterErrorKind;
use hod_core::task::{PartStatus, TaskType};

use crate::fixtures;

/// A gluster that answers as its script says. `$F` is the folder of 10.3's fixtures,
/// `$T` the test's own; each call's words are added to `$T/calls`.
struct Gluster {
    folder: tempfile::TempDir,
    reports: Arc<Reports>,
    cli: Arc<GlusterCli>,
}

#[derive(Default)]
struct Reports(Mutex<Vec<(&'static str, Lock, Option<GlusterErrorKind>)>>);

impl Observer for Reports {
    fn call_ended(&self, report: &CallReport<'_>) {
        let told = (report.verb, report.lock, report.refused);
        self.0.lock().unwrap().push(told);
    }
}

impl Gluster {
    fn that_does(cases: &str) -> Self {
        Self::with_deadline(cases, Duration::from_secs(30))
    }

    fn with_deadline(cases: &str, deadline: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("gluster");
        let script = format!(
            "#!/bin/sh\nF={}\nT={}\necho \"$*\" >> $T/calls\ncase \"$*\" in\n\
             --version) echo glusterfs 10.3;;\n{cases}\n*) echo unexpected: \"$*\";;\nesac\n",
            fixtures::folder("10.3").display(),
            folder.path().display(),
        );
        std::fs::write(&binary, script).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let reports = Arc::new(Reports::default());
        let state_folder = folder.path().join("state");
        std::fs::create_dir(&state_folder).unwrap();
        let settings = Settings { deadline, ..Settings::new(Arc::new(Binary(binary)), state_folder) };
        let cli = Arc::new(GlusterCli::new(settings, Some(reports.clone())));
        Self { folder, reports, cli }
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    fn reports(&self) -> Vec<(&'static str, Lock, Option<GlusterErrorKind>)> {
        self.reports.0.lock().unwrap().clone()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(waited.is_ok(), "{what} did not come about");
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn asks_without_a_lock() {
    let gluster =
        Gluster::that_does("*'volume info --xml') cat $F/04-*;;\n*'pool list --xml') cat $F/02-*;;");
    assert_eq!(gluster.cli.volume_info().await.unwrap().len(), 3);
    assert_eq!(gluster.cli.pool_list().await.unwrap().len(), 2);
    assert_eq!(gluster.cli.version().await.unwrap().as_str(), "10.3");
    assert_eq!(
        gluster.reports(),
        [("volume info", Lock::None, None), ("pool list", Lock::None, None), ("version", Lock::None, None)]
    );
}

#[tokio::test]
async fn a_rebalance_is_asked_for_by_what_the_list_says() {
    let gluster = Gluster::that_does(
        "*'volume status dist tasks --xml') cat $F/25-*;;\n\
         *'volume rebalance dist status --xml') cat $F/24-*;;",
    );
    let task = gluster.cli.task_status("dist").await.unwrap();
    let id = "3df303bf-9fd9-4a3a-b809-0c73a4eb90a3".parse().unwrap();
    assert_eq!(task.id, Some(id));
    // The list says rebalance, the status says fix-layout.
    assert_eq!(task.task_type, Some(TaskType::Rebalance { fix_layout: true }));
    assert_eq!(task.parts.len(), 2);
    for (status, _) in task.parts.values() {
        assert_eq!(*status, PartStatus::Completed);
    }
    assert_eq!(
        gluster.calls()[1..],
        [
            "--mode=script --timeout=30 volume status dist tasks --xml",
            "--mode=script --timeout=30 volume rebalance dist status --xml",
        ]
    );
}

#[tokio::test]
async fn a_remove_brick_is_asked_for_with_its_bricks() {
    let gluster = Gluster::that_does(
        "*'volume status dist tasks --xml') cat $F/33-*;;\n\
         *'volume remove-brick dist node-b:/bricks/d2 status --xml') cat $F/31-*;;",
    );
    let task = gluster.cli.task_status("dist").await.unwrap();
    assert_eq!(task.task_type, Some(TaskType::RemoveBrick));
    assert_eq!(task.bricks[0].as_str(), "node-b:/bricks/d2");
    let host = "e0899f98-7752-4cb6-b900-802fec925d67".parse().unwrap();
    let (status, counters) = task.parts[&host];
    assert_eq!((status, counters.files), (PartStatus::InProgress, 4));
    let locked = |verb| (verb, Lock::Volume, None);
    assert_eq!(gluster.reports()[1..], [locked("volume status tasks"), locked("volume remove-brick status")]);
}

#[tokio::test]
async fn a_volume_without_a_task_has_none_and_one_not_listed_is_unknown() {
    let gluster = Gluster::that_does(
        "*'volume status repl tasks --xml') cat $F/20-*;;\n\
         *'volume status gone tasks --xml') cat $F/63-*;;\n\
         *'volume status idle tasks --xml') cat $F/11-*;;",
    );
    let none = gluster.cli.task_status("repl").await.unwrap();
    assert_eq!((none.id, none.parts.len()), (None, 0));
    for (volume, kind) in [
        ("gone", GlusterErrorKind::NotReadable),
        ("idle", GlusterErrorKind::VolumeNotStarted),
        ("no such", GlusterErrorKind::NoSuchVolume),
    ] {
        let error = gluster.cli.task_status(volume).await.unwrap_err();
        assert_eq!(error.kind, kind, "{volume}");
    }
    assert!(!gluster.calls().iter().any(|call| call.contains("no such")));
}

#[tokio::test]
async fn hosts_of_3_4_are_found_by_name() {
    let gluster = Gluster::that_does(
        "*'volume status v tasks --xml') cat $F/../older/list-3.4.xml;;\n\
         *'volume rebalance v status --xml') cat $F/../older/rebalance-status-3.4.xml;;\n\
         *'pool list --xml') cat $F/02-*;;",
    );
    let task = gluster.cli.task_status("v").await.unwrap();
    let node_b = "e0899f98-7752-4cb6-b900-802fec925d67".parse().unwrap();
    let own = "cec76de0-026a-4656-9832-e0198b88aaf6".parse().unwrap();
    assert_eq!(task.parts.len(), 2, "the third host is in no pool list");
    assert_eq!(task.parts[&own].1.files, 3);
    assert_eq!(task.parts[&node_b].1.files, 4);
}

#[tokio::test]
async fn get_state_reads_the_file_and_leaves_none() {
    let gluster = Gluster::that_does(
        "*' get-state glusterd odir '*' detail') cp $F/get-state-rebalance-running.txt $5/$7;;",
    );
    let state_folder = gluster.path("state");
    // What an earlier call left behind, and what is none of its business.
    std::fs::write(state_folder.join("hod-state-1-1"), "old").unwrap();
    let state = gluster.cli.get_state().await.unwrap();
    assert_eq!(state.volumes.len(), 3);
    assert!(is_empty(&state_folder));
    gluster.cli.get_state().await.unwrap();
    let files: Vec<String> =
        gluster.calls().iter().map(|call| call.split(' ').nth(6).unwrap().to_owned()).collect();
    assert_ne!(files[0], files[1]);
}

#[tokio::test]
async fn get_state_that_is_withheld_or_wrote_nothing() {
    let gluster = Gluster::that_does("*' get-state '*) cat $F/79-* >&2; exit 1;;");
    let error = gluster.cli.get_state().await.unwrap_err();
    assert_eq!(error.kind, GlusterErrorKind::StateWithheld);
    let gluster = Gluster::that_does("*' get-state '*) echo glusterd state dumped to nowhere;;");
    let error = gluster.cli.get_state().await.unwrap_err();
    assert_eq!(error.kind, GlusterErrorKind::NotReadable);
}

#[tokio::test]
async fn calls_about_one_volume_go_one_at_a_time() {
    // A call fails if another about the same volume runs, and others may run.
    let gluster = Gluster::that_does(
        "*'volume rebalance '*' status --xml') mkdir $T/busy-$5 || exit 7; \
         while [ ! -e $T/go ]; do sleep 0.01; done; rmdir $T/busy-$5; cat $F/14-*;;",
    );
    let ask = |volume: &'static str| {
        let cli = gluster.cli.clone();
        tokio::spawn(async move { cli.rebalance_status(volume).await })
    };
    let asked = [ask("one"), ask("one"), ask("one"), ask("two")];
    let (one, two) = (gluster.path("busy-one"), gluster.path("busy-two"));
    until("a call about either volume", || one.exists() && two.exists()).await;
    std::fs::write(gluster.path("go"), "").unwrap();
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap().parts.len(), 2);
    }
}

#[tokio::test]
async fn a_call_about_all_volumes_waits_for_the_others() {
    let gluster = Gluster::that_does(
        "*'volume rebalance one status --xml') touch $T/one; \
         while [ ! -e $T/go ]; do sleep 0.01; done; touch $T/done; cat $F/14-*;;\n\
         *'volume status all tasks --xml') [ -e $T/done ] && cat $F/16-*;;",
    );
    let cli = gluster.cli.clone();
    let one = tokio::spawn(async move { cli.rebalance_status("one").await });
    let busy = gluster.path("one");
    until("the call about one volume", || busy.exists()).await;
    let cli = gluster.cli.clone();
    let all = tokio::spawn(async move { cli.task_list(None).await });
    std::fs::write(gluster.path("go"), "").unwrap();
    assert_eq!(all.await.unwrap().unwrap().len(), 2);
    one.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_takes_no_lock_waits_for_none() {
    let gluster = Gluster::that_does(
        "*'volume rebalance one status --xml') touch $T/one; \
         while [ ! -e $T/go ]; do sleep 0.01; done; cat $F/14-*;;\n\
         *'volume info --xml') cat $F/04-*;;\n*' info summary --xml') cat $F/48-*;;",
    );
    let cli = gluster.cli.clone();
    let one = tokio::spawn(async move { cli.rebalance_status("one").await });
    let busy = gluster.path("one");
    until("the call about one volume", || busy.exists()).await;
    assert_eq!(gluster.cli.volume_info().await.unwrap().len(), 3);
    let healed = gluster.cli.heal_info_summary("one").await.unwrap();
    assert_eq!(healed.bricks.len(), 2);
    std::fs::write(gluster.path("go"), "").unwrap();
    one.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_past_its_deadline_is_told_of_and_the_next_one_has_its_turn() {
    let gluster = Gluster::with_deadline(
        "*'volume info --xml') exec sleep 1000;;\n*'pool list --xml') cat $F/02-*;;",
        Duration::from_millis(200),
    );
    let error = gluster.cli.volume_info().await.unwrap_err();
    assert_eq!(error.kind, GlusterErrorKind::TimedOut);
    assert_eq!(gluster.reports(), [("volume info", Lock::None, Some(GlusterErrorKind::TimedOut))]);
}

#[tokio::test]
async fn a_dropped_call_gives_its_turn_back() {
    let gluster = Gluster::that_does(
        "*'volume rebalance one status --xml') if [ -e $T/first ]; then cat $F/14-*; \
         else touch $T/first; exec sleep 1000; fi;;",
    );
    let cli = gluster.cli.clone();
    let first = tokio::spawn(async move { cli.rebalance_status("one").await });
    let begun = gluster.path("first");
    until("the first call", || begun.exists()).await;
    first.abort();
    let next = gluster.cli.rebalance_status("one");
    let next = tokio::time::timeout(Duration::from_secs(30), next).await;
    assert_eq!(next.unwrap().unwrap().parts.len(), 2);
}

mod changes {
    use super::*;
    use hod_agent::gluster::change::{Rebalance, What};
    use hod_agent::gluster::{Change, Undone};

    fn start() -> Change {
        Change { volume: "dist".into(), what: What::StartRebalance(Rebalance::Plain) }
    }

    /// What comes of a start for which the script does this.
    async fn start_that(does: &str) -> (Gluster, Result<hod_agent::gluster::TaskReply, Undone>) {
        let gluster = Gluster::that_does(&format!("*\"volume rebalance dist start --xml\") {does};;"));
        let answer = gluster.cli.change(&start()).await;
        (gluster, answer)
    }

    #[tokio::test]
    async fn done_is_told_and_reported() {
        let (gluster, answer) = start_that("cat $F/12-*").await;
        assert!(answer.unwrap().id.is_some());
        assert_eq!(gluster.calls(), ["--mode=script volume rebalance dist start --xml"]);
        assert_eq!(gluster.reports(), [("volume rebalance start", Lock::Volume, None)]);
    }

    #[tokio::test]
    async fn what_is_not_sure_is_not_known() {
        for (does, kind) in [
            ("echo '<cliOutput><opRet>0'", GlusterErrorKind::NotReadable),
            ("true", GlusterErrorKind::NotReadable),
            ("kill -9 $$", GlusterErrorKind::NotReadable),
            ("printf '\\377\\376'", GlusterErrorKind::Refused),
            ("echo 'Error : Request timed out'; exit 1", GlusterErrorKind::TimedOut),
            ("head -c 70000000 /dev/zero", GlusterErrorKind::TooLong),
        ] {
            let (_gluster, answer) = start_that(does).await;
            let Err(Undone::Unknown(error)) = answer else { panic!("{does}: {answer:?}") };
            assert_eq!(error.kind, kind, "{does}: {error}");
        }
    }

    #[tokio::test]
    async fn what_was_never_run_is_refused() {
        let gluster = Gluster::that_does("");
        std::fs::remove_file(gluster.path("gluster")).unwrap();
        let Err(Undone::Refused(error)) = gluster.cli.change(&start()).await else { panic!() };
        assert_eq!(error.kind, GlusterErrorKind::NotRun);
        let bad = Change { volume: "a b".into(), ..start() };
        let Err(Undone::Refused(error)) = gluster.cli.change(&bad).await else { panic!() };
        assert_eq!(error.kind, GlusterErrorKind::NoSuchVolume);
    }
}
