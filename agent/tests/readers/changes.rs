//! What real pools answered to commands: done, refused, or not known.

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::task_status;
use hod_agent::gluster::refusal;
use hod_core::error::GlusterErrorKind as Kind;

use crate::fixtures;

const REBALANCE: &str = "volRebalance";
const REMOVE_BRICK: &str = "volRemoveBrick";

fn printed(number: &str) -> Output {
    let folder = fixtures::root().join("gluster-10.3-commands");
    let named =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&format!("{number}-"));
    let file = std::fs::read_dir(folder).unwrap().map(Result::unwrap).find(named).unwrap();
    let bytes = std::fs::read(file.path()).unwrap();
    match file.path().extension().unwrap() == "stderr" {
        true => Output { stderr: bytes, exit: Some(1), ..Output::default() },
        false => Output { stdout: bytes, exit: Some(0), ..Output::default() },
    }
}

#[test]
fn done_with_the_task_the_words_and_the_last_counters() {
    for (number, tag, has_task, words, parts) in [
        ("c01", REBALANCE, true, "", 0),
        ("c02", REBALANCE, true, "", 3),
        ("c04", REBALANCE, true, "", 0),
        ("c05", REBALANCE, true, "", 0),
        ("c07", REMOVE_BRICK, true, "Remove Brick start successful", 0),
        ("c09", REMOVE_BRICK, true, "", 1),
        ("c13", REMOVE_BRICK, true, "Remove Brick commit successful", 0),
        ("c14", REMOVE_BRICK, false, "Remove Brick commit force successful", 0),
        ("c17", "", false, "replace-brick commit force operation successful", 0),
        ("c21", "", false, "reset-brick start operation successful", 0),
        ("c23", "", false, "reset-brick commit force operation successful", 0),
        ("c25", "", false, "Set volume successful", 0),
        ("c28", "", false, "reset volume successful", 0),
        ("c32", REMOVE_BRICK, false, "Remove Brick commit force successful", 0),
        ("c66", REMOVE_BRICK, true, "", 1),
    ] {
        let reply = task_status::change(&printed(number), tag).unwrap();
        assert_eq!(
            (reply.id.is_some(), reply.message.as_str(), reply.parts.len()),
            (has_task, words, parts),
            "{number}"
        );
        assert!(reply.parts.iter().all(|part| part.host.is_some()), "{number}");
    }
    assert!(task_status::change(&printed("c04"), REBALANCE).unwrap().fix_layout);
    let stopped = task_status::change(&printed("c66"), REMOVE_BRICK).unwrap();
    assert!(stopped.parts[0].counters.files > 0, "{stopped:?}");
}

#[test]
fn refused_for_sure_or_not_known() {
    for (number, tag, kind, certain) in [
        ("c03", REBALANCE, Kind::TaskNotStarted, true),
        ("c10", REMOVE_BRICK, Kind::TaskNotStarted, true),
        ("c11", REMOVE_BRICK, Kind::Refused, true),
        ("c15", REMOVE_BRICK, Kind::Refused, true),
        ("c16", "", Kind::Refused, true),
        ("c18", "", Kind::HostsDisagree, true),
        ("c19", "", Kind::WrongBrick, true),
        ("c20", "", Kind::HostsDisagree, true),
        ("c26", "", Kind::Refused, true),
        ("c31", REMOVE_BRICK, Kind::Refused, true),
        ("c33", REMOVE_BRICK, Kind::Refused, true),
        ("c37", REMOVE_BRICK, Kind::NotSupported, true),
        ("c56", REMOVE_BRICK, Kind::Refused, true),
        ("c61", REMOVE_BRICK, Kind::TaskInProgress, true),
        ("c62", REMOVE_BRICK, Kind::Refused, true),
        ("c63", REMOVE_BRICK, Kind::WrongBrick, true),
        ("c64", REBALANCE, Kind::TaskInProgress, true),
        ("c65", REMOVE_BRICK, Kind::TaskInProgress, true),
        ("c68", REBALANCE, Kind::TaskInProgress, true),
        // Both tasks were there afterwards: glusterd of the host asked was killed in
        // the middle of the start, and glusterd of another host.
        ("c50", REBALANCE, Kind::GlusterdDown, false),
        ("c53", REBALANCE, Kind::Refused, false),
        // Down from the beginning, in the same words.
        ("c59", REBALANCE, Kind::GlusterdDown, false),
    ] {
        let output = printed(number);
        let refused = task_status::change(&output, tag).unwrap_err();
        assert_eq!(refused.kind, kind, "{number}: {refused}");
        assert_eq!(refusal::is_certain(&output, &refused), certain, "{number}: {refused}");
    }
}
