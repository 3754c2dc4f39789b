//! Every fixture is read, and what was read of it is kept as a snapshot: a file that
//! no reader is named for, or that says something else than before, fails.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fmt::Write as _;

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{
    get_state, heal, history, node_state, pool, reply, task_list, task_status, volume_info,
};
use hod_agent::gluster::{Version, refusal};

use crate::fixtures::{self, Fixture};

/// Files of a version's folder that stand in no index.
const NOT_INDEXED: [&str; 5] = [
    "INDEX.tsv",
    "VERSION",
    "43-replace-brick-status-removed-form.stderr",
    "get-state-rebalance-running.txt",
    "node_state-rebalance-running.info",
];

/// Files of glusterd's that hod does not read.
const NOT_READ: [&str; 2] =
    ["77-glusterd-volume-info-file-dr.txt", "106-bricks-decommissioned-after-the-partial-commit.txt"];

/// What is read of a fixture, as text; `None` if no reader is named for it.
pub(crate) fn read(fixture: &Fixture, version: &Version) -> Option<String> {
    let output = &fixture.output;
    let command = fixture.command.as_str();
    let has = |part: &str| command.contains(part);
    Some(if fixture.name.ends_with(".info") {
        text(&node_state::read(&output.stdout, version))
    } else if fixture.name.ends_with("cmd_history.log") {
        text(&history::read(&output.stdout, 0))
    } else if has("gluster get-state") {
        text(&read_get_state(output))
    } else if has("volume status") {
        text(&task_list::read(output))
    } else if has("volume info") {
        text(&volume_info::read(output))
    } else if has("pool list") || has("peer status") {
        text(&pool::read(output))
    } else if has("volume rebalance") {
        text(&task_status::rebalance(output))
    } else if has("volume remove-brick") {
        text(&task_status::remove_brick(output))
    } else if has("volume replace-brick") && has("status") {
        text(&task_status::replace_brick(output))
    } else if has("volume heal") {
        text(&heal::read(output))
    } else if has("volume replace-brick") || has("volume stop") || has("volume delete") {
        text(&reply::outcome(output))
    } else {
        return None;
    })
}

fn read_get_state(output: &Output) -> Result<get_state::GetState, hod_core::error::GlusterError> {
    match output.exit {
        Some(0) => Ok(get_state::read(&output.stdout)?),
        _ => Err(refusal::of_output(output)),
    }
}

fn text<T: Debug>(read: &T) -> String {
    format!("{read:?}")
}

/// The two files beside the index, read too.
fn beside(version: &str) -> Vec<Fixture> {
    let fixture = |name: &str, command: &str| Fixture {
        name: name.to_owned(),
        command: command.to_owned(),
        output: Output {
            stdout: std::fs::read(fixtures::folder(version).join(name)).unwrap(),
            stderr: Vec::new(),
            exit: Some(0),
        },
    };
    vec![
        fixture("get-state-rebalance-running.txt", "gluster get-state"),
        fixture("node_state-rebalance-running.info", ""),
    ]
}

fn snapshot(version: &str) -> String {
    let number = fixtures::version(version);
    let mut all = String::new();
    for fixture in fixtures::all(version).iter().chain(&beside(version)) {
        let read = read(fixture, &number);
        match read {
            Some(read) => writeln!(all, "== {}\n{read}", fixture.name).unwrap(),
            None => assert!(NOT_READ.contains(&&*fixture.name), "nothing reads {}", fixture.name),
        }
    }
    all
}

#[test]
fn what_9_2_printed() {
    insta::assert_snapshot!(snapshot("9.2"));
}

#[test]
fn what_10_3_printed() {
    insta::assert_snapshot!(snapshot("10.3"));
}

#[test]
fn what_11_1_printed() {
    insta::assert_snapshot!(snapshot("11.1"));
}

#[test]
fn what_three_hosts_of_10_3_printed() {
    let folder = fixtures::root().join("gluster-10.3-three-hosts");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let version = fixtures::version("10.3");
    let mut all = String::new();
    for name in names {
        let command = if name.ends_with(".get-state.txt") {
            "gluster get-state"
        } else if name.contains("status-tasks") {
            "gluster volume status"
        } else if name.contains("rebalance") {
            "gluster volume rebalance"
        } else {
            "gluster volume remove-brick"
        };
        let fixture = Fixture {
            output: Output {
                stdout: std::fs::read(folder.join(&name)).unwrap(),
                stderr: Vec::new(),
                exit: Some(0),
            },
            command: command.to_owned(),
            name,
        };
        let read = read(&fixture, &version).unwrap();
        writeln!(all, "== {}\n{read}", fixture.name).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn no_file_is_left_out() {
    for version in fixtures::VERSIONS {
        let indexed: BTreeSet<String> = fixtures::all(version)
            .iter()
            .map(|fixture| fixture.name.clone())
            .chain(NOT_INDEXED.map(str::to_owned))
            .collect();
        let there: BTreeSet<String> = std::fs::read_dir(fixtures::folder(version))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(there, indexed, "{version}");
    }
}
