//! What fixtures tell of tasks: numbers, names, ids.

use std::time::Duration;

use hod_agent::gluster::read::{reply, task_list, task_status};
use hod_agent::gluster::{HostPart, ListedTask};
use hod_core::brick::BrickName;
use hod_core::task::{Counters, PartStatus, TaskType};

use crate::fixtures::{self, VERSIONS, output};

const NODE_A: &str = "cec76de0-026a-4656-9832-e0198b88aaf6";
const NODE_B: &str = "e0899f98-7752-4cb6-b900-802fec925d67";

fn counters(figures: [u64; 5], seconds: Option<u64>) -> Counters {
    let [files, bytes, scanned, failed, skipped] = figures;
    Counters { files, bytes, scanned, failed, skipped, run_time: seconds.map(Duration::from_secs) }
}

fn part(host: &str, name: &str, status: PartStatus, figures: [u64; 5], seconds: u64) -> HostPart {
    HostPart {
        host: Some(host.parse().unwrap()),
        name: name.to_owned(),
        status,
        counters: counters(figures, Some(seconds)),
    }
}

fn brick(text: &str) -> BrickName {
    BrickName::parse(text).unwrap()
}

#[test]
fn a_running_rebalance_from_either_host() {
    use PartStatus::InProgress;
    let task = task_status::rebalance(&output("14")).unwrap();
    let id = "bf9ad8a2-ca6a-41e7-bc8a-f396cc0a58fc".parse().unwrap();
    assert_eq!(task.id, Some(id));
    assert!(!task.fix_layout);
    assert_eq!(
        task.parts,
        [
            part(NODE_B, "node-b", InProgress, [4, 34, 505, 0, 0], 1),
            part(NODE_A, "localhost", InProgress, [9, 76, 503, 0, 0], 1),
        ]
    );
    let task = task_status::rebalance(&output("15")).unwrap();
    assert_eq!(
        task.parts,
        [
            part(NODE_A, "a-10.3.c10.3", InProgress, [17, 145, 503, 0, 0], 1),
            part(NODE_B, "localhost", InProgress, [10, 85, 505, 0, 0], 1),
        ]
    );
}

#[test]
fn the_reply_to_stop_holds_the_last_counters() {
    let task = task_status::rebalance(&output("19")).unwrap();
    assert_eq!(
        task.parts,
        [
            part(NODE_B, "node-b", PartStatus::Stopped, [47, 401, 505, 0, 0], 2),
            part(NODE_A, "localhost", PartStatus::Stopped, [46, 395, 503, 0, 0], 2),
        ]
    );
    let task = task_status::remove_brick(&output("35")).unwrap();
    assert_eq!(task.parts, [part(NODE_B, "node-b", PartStatus::Stopped, [43, 373, 505, 0, 0], 1)]);
}

#[test]
fn a_fix_layout_is_told_by_its_start_and_by_its_status_only() {
    for version in VERSIONS {
        let read = |number| fixtures::one(version, number).output;
        let started = task_status::rebalance(&read("22")).unwrap();
        assert!(started.fix_layout && started.parts.is_empty());
        for number in ["23", "24"] {
            let task = task_status::rebalance(&read(number)).unwrap();
            assert_eq!(task.id, started.id, "{version} {number}");
            assert!(task.fix_layout, "{version} {number}");
            assert_eq!(task.parts.len(), 2);
            for part in &task.parts {
                assert_eq!(part.status, PartStatus::Completed, "{version} {number}");
            }
        }
        let listed = task_list::read(&read("25")).unwrap();
        assert_eq!(
            listed[0].tasks,
            [ListedTask {
                id: started.id.unwrap(),
                task_type: TaskType::Rebalance { fix_layout: false },
                status: PartStatus::Completed,
                bricks: vec![],
            }]
        );
    }
}

#[test]
fn parts_add_up_to_gluster_s_own_sum() {
    // 27: (files, bytes, scanned, run time) of the aggregate, by version.
    let printed =
        [("9.2", sums("9.2", "27")), ("10.3", (2903, 25063, 3000, 43)), ("11.1", sums("11.1", "27"))];
    for (version, sum) in printed {
        let task = task_status::rebalance(&fixtures::one(version, "27").output).unwrap();
        assert_eq!(task.parts.len(), 2, "{version}");
        let total = task.parts.iter().fold(Counters::default(), |sum, part| sum + part.counters);
        let seconds = total.run_time.unwrap().as_secs();
        assert_eq!((total.files, total.bytes, total.scanned, seconds), sum);
        assert_eq!(sum.2, 3000, "{version}");
    }
}

/// The aggregate of a status, found without the reader.
fn sums(version: &str, number: &str) -> (u64, u64, u64, u64) {
    let text = String::from_utf8(fixtures::one(version, number).output.stdout).unwrap();
    let (_, aggregate) = text.split_once("<aggregate>").unwrap();
    let figure = |tag: &str| {
        let (_, rest) = aggregate.split_once(&format!("<{tag}>")).unwrap();
        let (figure, _) = rest.split_once('<').unwrap();
        figure.split('.').next().unwrap().parse().unwrap()
    };
    (figure("files"), figure("size"), figure("lookups"), figure("runtime"))
}

#[test]
fn starts_and_commits_tell_the_id_and_gluster_s_words() {
    for (number, id) in [
        ("12", "bf9ad8a2-ca6a-41e7-bc8a-f396cc0a58fc"),
        ("26", "028f36e8-a642-4b21-845f-d98ed95332eb"),
        ("50", "8c8913be-8117-4d07-b6de-8d6d7ed0e9c7"),
        ("81", "3a98024a-2f80-41d2-af39-79ebf29cf376"),
        ("90", "e1d8aeb7-881d-4c9d-a5e0-8a5762ffdb26"),
        ("107", "afc860e1-61a9-4009-9ce5-a0a6a813e871"),
    ] {
        let task = task_status::rebalance(&output(number)).unwrap();
        assert_eq!(task.id, Some(id.parse().unwrap()), "{number}");
        assert_eq!((task.fix_layout, task.parts.len()), (false, 0), "{number}");
    }
    for (number, id, words) in [
        ("30", "00f59bac-1592-40a7-ab8b-6e64802e45f5", "Remove Brick start successful"),
        ("41", "d6b21094-fe06-4dca-a4fd-b7b4eb4f55f5", "Remove Brick commit successful"),
        ("103", "7b56f9de-b101-4f31-84ea-130b38af4fbd", "Remove Brick commit successful"),
        ("109", "cb15e264-f6ef-4204-965f-17cb4fd152f7", "Remove Brick start successful"),
    ] {
        let task = task_status::remove_brick(&output(number)).unwrap();
        assert_eq!(task.id, Some(id.parse().unwrap()), "{number}");
        assert_eq!(task.message, words, "{number}");
    }
    for (number, words) in [
        ("45", "replace-brick commit force operation successful"),
        ("71", "replace-brick commit force operation successful"),
        ("110", ""),
        ("111", ""),
    ] {
        assert_eq!(reply::outcome(&output(number)).unwrap(), words, "{number}");
    }
}

#[test]
fn a_dead_host_is_missing_and_failed_files_are_told() {
    let task = task_status::rebalance(&output("52")).unwrap();
    assert_eq!(task.parts, [part(NODE_A, "localhost", PartStatus::Failed, [0; 5], 0)]);
    let task = task_status::rebalance(&output("55")).unwrap();
    assert_eq!(
        task.parts,
        [
            part(NODE_B, "node-b", PartStatus::InProgress, [137, 1180, 813, 0, 0], 1),
            part(NODE_A, "localhost", PartStatus::Failed, [0; 5], 0),
        ]
    );
    let task = task_status::remove_brick(&output("74")).unwrap();
    assert_eq!(
        task.parts,
        [part(
            "c06e40dd-ecf3-4095-91d5-5952139382a2",
            "node-c",
            PartStatus::Completed,
            [39, 39_000_000, 54, 15, 0],
            1
        )]
    );
    let task = task_status::rebalance(&output("91")).unwrap();
    let failed: Vec<u64> = task.parts.iter().map(|p| p.counters.failed).collect();
    assert_eq!(failed, [1, 0]);
}

#[test]
fn a_reset_is_its_own_status() {
    let task = task_status::rebalance(&output("73")).unwrap();
    assert_eq!(task.parts.len(), 3);
    for part in task.parts {
        assert_eq!(part.status, PartStatus::Reset);
        assert_eq!(part.counters, counters([0; 5], Some(0)));
    }
    let listed = task_list::read(&output("72")).unwrap();
    assert_eq!(listed[0].volume, "dr");
    assert_eq!(listed[0].tasks[0].status, PartStatus::Reset);
}

#[test]
fn a_list_tells_volumes_and_leaves_some_out() {
    let names = |number| -> Vec<(String, usize)> {
        task_list::read(&output(number)).unwrap().into_iter().map(|v| (v.volume, v.tasks.len())).collect()
    };
    let one = |name: &str, tasks| (name.to_owned(), tasks);
    assert_eq!(names("01"), []);
    assert_eq!(names("05"), [one("dist", 0), one("repl", 0)]);
    assert_eq!(names("16"), [one("dist", 1), one("repl", 0)]);
    assert_eq!(names("17"), [one("dist", 1)]);
    assert_eq!(names("20"), [one("dist", 0), one("repl", 0)]);
    assert_eq!(names("63"), []);
    assert_eq!(names("83"), [one("r3", 1)]);
    assert_eq!(names("84"), [one("r3", 0)]);
    assert_eq!(names("94"), [one("d3", 0)]);
    assert_eq!(names("95"), [one("d3", 1)]);
    assert_eq!(names("104"), [one("ip3", 0)]);
    assert_eq!(names("114"), [one("sc", 1)]);
    assert_eq!(names("115"), [one("sc", 0)]);
}

#[test]
fn a_remove_brick_is_listed_with_its_bricks_as_they_were_typed() {
    let listed = task_list::read(&output("101")).unwrap();
    assert_eq!(
        listed[0].tasks,
        [ListedTask {
            id: "7b56f9de-b101-4f31-84ea-130b38af4fbd".parse().unwrap(),
            task_type: TaskType::RemoveBrick,
            status: PartStatus::Completed,
            bricks: vec![brick("172.29.0.3:/bricks/i1"), brick("node-b:/bricks/i2")],
        }]
    );
    for version in VERSIONS {
        let listed = task_list::read(&fixtures::one(version, "33").output).unwrap();
        let task = &listed[0].tasks[0];
        assert_eq!(task.task_type, TaskType::RemoveBrick, "{version}");
        assert_eq!(task.status, PartStatus::InProgress, "{version}");
        assert_eq!(task.bricks, [brick("node-b:/bricks/d2")], "{version}");
    }
}
