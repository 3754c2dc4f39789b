//! What is dangerous asks first at a terminal, and wants `--yes` elsewhere.

use hod_proto::types::v1::{Brick, TaskType};

use crate::drive::answering;
use crate::fake::{Fake, State};
use crate::run::{against, at_terminal, hod};

const BRICK: &str = "node-b:/bricks/b2";

/// Each with what its question says of what happens to what.
const DANGEROUS: [(&[&str], &str); 10] = [
    (&["rebalance", "stop", "gv0"], "Stop the rebalance of gv0? It ends for good"),
    (&["remove-brick", "stop", "gv0"], "Stop the remove-brick of gv0 (node-b:/bricks/b2)? It ends for good"),
    (
        &["remove-brick", "pause", "gv0"],
        "Pause the remove-brick of gv0 (node-b:/bricks/b2)? Until it is resumed its bricks take new files",
    ),
    (
        &["remove-brick", "commit", "gv0"],
        "Commit the remove-brick of gv0 (node-b:/bricks/b2)? Its bricks are taken away.",
    ),
    (
        &["remove-brick", "commit", "gv0", BRICK, "--accept-data-loss", "7"],
        "Commit the remove-brick of gv0 (node-b:/bricks/b2)? Its bricks are taken away, and 7 files that \
         are left on them are lost.",
    ),
    (
        &["remove-brick", "force", "gv0", BRICK],
        "Force node-b:/bricks/b2 out of gv0? No file is moved: what only these bricks hold is lost",
    ),
    (
        &["replica", "lower", "gv0", "2", BRICK],
        "Lower the replica count of gv0 to 2? Node-b:/bricks/b2 and the copies on them are taken out",
    ),
    (
        &["replace-brick", "gv0", BRICK, "node-c:/bricks/b3"],
        "Replace node-b:/bricks/b2 of gv0 by node-c:/bricks/b3? Node-b:/bricks/b2 leaves the volume at once",
    ),
    (&["replace-brick", "gv0", BRICK], "Reset node-b:/bricks/b2 of gv0? It leaves service for a moment"),
    (
        &["job", "abandon", "1a2b", "--reason", "gone"],
        "Abandon job 1a2b3c4d-0000-4000-8000-000000000001 (Rebalance of gv0)? It ends as UNKNOWN",
    ),
];

/// A remove-brick of gv0 is known.
fn state() -> State {
    let mut state = answering("done");
    let task = state.tasks[0].task.as_mut().unwrap();
    task.set_type(TaskType::RemoveBrick);
    task.bricks = vec![Brick { name: BRICK.to_owned(), ..Brick::default() }];
    state
}

#[tokio::test]
async fn without_a_terminal_each_wants_yes() {
    let fake = Fake::start(state()).await;
    for (args, _) in DANGEROUS {
        let refused = hod(&fake, args).await;
        assert_eq!(refused.code, 2, "{args:?} {refused:?}");
        let complaint = refused.complaint();
        assert!(complaint.starts_with("can't ") && complaint.ends_with("; say --yes"), "{complaint}");
        let done = hod(&fake, &[args, &["--yes"]].concat()).await;
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{args:?}");
    }
    assert_eq!(fake.state().commands.len(), DANGEROUS.len(), "nothing was asked for without --yes");
}

#[tokio::test]
async fn at_a_terminal_each_asks_what_it_is_about() {
    for (args, question) in DANGEROUS {
        let fake = Fake::start(state()).await;
        let no = at_terminal(against(&fake, args), "\n").await;
        assert_eq!(no.code, 2, "{args:?} {no:?}");
        let read = no.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(read.contains(question) && read.contains("[y/N]"), "{args:?} {read}");
        assert!(read.contains("nobody said yes"), "{read}");
        assert!(fake.state().commands.is_empty(), "{args:?}");

        let yes = at_terminal(against(&fake, args), "y\n").await;
        assert_eq!(yes.code, 0, "{args:?} {yes:?}");
        assert_eq!(fake.state().commands.len(), 1, "{args:?}");
    }
}

#[tokio::test]
async fn what_is_harmless_is_not_asked() {
    for args in [
        &["rebalance", "start", "gv0"][..],
        &["rebalance", "pause", "gv0"],
        &["rebalance", "resume", "gv0"],
        &["remove-brick", "start", "gv0", BRICK],
        &["remove-brick", "resume", "gv0"],
        &["windows", "gv0", "--none"],
    ] {
        let fake = Fake::start(state()).await;
        let ran = at_terminal(against(&fake, args), "").await;
        assert_eq!(ran.code, 0, "{args:?} {ran:?}");
        assert!(!ran.out.contains("[y/N]"), "{ran:?}");
    }
}
