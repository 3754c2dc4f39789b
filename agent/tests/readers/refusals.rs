//! Every refusal among the fixtures, by kind. None is an empty list.

use hod_agent::gluster::read::{pool, reply, task_list, task_status, volume_info};
use hod_agent::gluster::refusal;
use hod_core::error::{GlusterError, GlusterErrorKind as Kind};

use crate::fixtures::{self, VERSIONS, output};
use crate::walk;

/// What each refusal of the two-host scenario is, in every version.
const EVERYWHERE: [(&str, Kind, &str); 15] = [
    ("06", Kind::TaskNotStarted, "Rebalance not started for volume dist."),
    ("07", Kind::NoSuchVolume, "Volume nosuch does not exist"),
    ("08", Kind::NoSuchVolume, "Volume nosuch does not exist"),
    ("09", Kind::VolumeNotStarted, "Volume idle needs to be started to perform rebalance"),
    (
        "10",
        Kind::NotDistributed,
        "Volume repl is not a distribute volume or contains only 1 brick.\nNot performing rebalance",
    ),
    ("11", Kind::VolumeNotStarted, "Volume idle is not started"),
    ("13", Kind::TaskInProgress, "Rebalance on dist is already started"),
    ("18", Kind::TaskInProgress, "Rebalance is in progress. Please retry after completion"),
    ("21", Kind::TaskNotStarted, "Rebalance not started for volume dist."),
    ("32", Kind::WrongBrick, "Incorrect brick for volume dist"),
    (
        "34",
        Kind::TaskInProgress,
        "Pre Validation failed on node-b. use 'force' option as migration is in progress",
    ),
    ("36", Kind::TaskNotStarted, "remove-brick not started for volume dist."),
    (
        "40",
        Kind::TaskInProgress,
        "A remove-brick task on volume dist is not yet committed. Either commit or stop the remove-brick task.",
    ),
    (
        "44",
        Kind::Refused,
        "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick operations instead.",
    ),
    ("57", Kind::GlusterdDown, "Connection failed. Please check if gluster daemon is operational."),
];

/// The others of 10.3, with the hosts that Gluster named.
const ONLY_10_3: [(&str, Kind, &[&str]); 11] = [
    ("60", Kind::AnotherTransaction, &[]),
    ("61", Kind::AnotherTransaction, &[]),
    ("62", Kind::TimedOut, &[]),
    ("76", Kind::Refused, &["node-c"]),
    ("79", Kind::StateWithheld, &[]),
    ("85", Kind::HostsDisagree, &["node-c"]),
    ("86", Kind::TaskNotStarted, &[]),
    ("96", Kind::HostsDisagree, &["n3-a.gl3", "node-b"]),
    ("97", Kind::HostsDisagree, &["n3-a.gl3", "node-b"]),
    ("98", Kind::HostsDisagree, &["node-c"]),
    ("108", Kind::Refused, &[]),
];

/// The refusal in a fixture, whichever answer it is to.
fn refused(version: &str, number: &str) -> GlusterError {
    let fixture = fixtures::one(version, number);
    let output = &fixture.output;
    let has = |part: &str| fixture.command.contains(part);
    let refused = if has("get-state") {
        Some(refusal::of_output(output))
    } else if has("volume status") {
        task_list::read(output).err()
    } else if has("volume rebalance") {
        task_status::rebalance(output).err()
    } else if has("volume remove-brick") {
        task_status::remove_brick(output).err()
    } else if has("volume replace-brick") && has("status") {
        task_status::replace_brick(output).err()
    } else {
        reply::outcome(output).err()
    };
    refused.unwrap_or_else(|| panic!("{version} {}: no refusal", fixture.name))
}

#[test]
fn the_same_in_every_version() {
    for version in VERSIONS {
        for (number, kind, words) in EVERYWHERE {
            let error = refused(version, number);
            assert_eq!((error.kind, &*error.message), (kind, words), "{version} {number}");
        }
        // Not XML, nothing on standard output.
        let error = refused(version, "43");
        assert_eq!(error.kind, Kind::NotSupported, "{version}");
        assert!(error.message.starts_with("Usage:\nvolume replace-brick"), "{error}");
    }
    assert_eq!(refused("10.3", "34").hosts, ["node-b"]);
    assert_eq!(refused("10.3", "06").op_errno, 30800);
}

#[test]
fn those_of_three_hosts() {
    for (number, kind, hosts) in ONLY_10_3 {
        let error = refused("10.3", number);
        assert_eq!(error.kind, kind, "{number}");
        assert_eq!(error.hosts, hosts, "{number}");
    }
    assert_eq!(refused("10.3", "60").op_errno, 30802);
}

#[test]
fn no_other_fixture_is_a_refusal() {
    for version in VERSIONS {
        let number = fixtures::version(version);
        for fixture in fixtures::all(version) {
            let (start, _) = fixture.name.split_once('-').unwrap();
            let named = EVERYWHERE.iter().any(|(number, ..)| *number == start)
                || ONLY_10_3.iter().any(|(number, ..)| *number == start)
                || start == "43";
            let read = walk::read(fixture, &number);
            let is_refusal = read.is_some_and(|read| read.starts_with("Err("));
            assert_eq!(is_refusal, named, "{version} {}", fixture.name);
        }
    }
}

/// Whatever was asked, a glusterd that is down is no empty answer.
#[test]
fn plain_text_and_silence_are_refusals_of_every_reader() {
    for number in ["57", "62", "43"] {
        let output = output(number);
        let kinds = [
            volume_info::read(&output).unwrap_err().kind,
            pool::read(&output).unwrap_err().kind,
            task_list::read(&output).unwrap_err().kind,
            task_status::rebalance(&output).unwrap_err().kind,
        ];
        let kind = refused("10.3", number).kind;
        assert_eq!(kinds, [kind; 4], "{number}");
    }
}

/// An answer to another question is no empty answer to this one.
#[test]
fn an_answer_without_what_was_asked_for_can_not_be_read() {
    let pool_list = output("02");
    assert_eq!(volume_info::read(&pool_list).unwrap_err().kind, Kind::NotReadable);
    assert_eq!(task_list::read(&pool_list).unwrap_err().kind, Kind::NotReadable);
    assert_eq!(task_status::rebalance(&pool_list).unwrap_err().kind, Kind::NotReadable);
    assert_eq!(pool::read(&output("04")).unwrap_err().kind, Kind::NotReadable);
}
