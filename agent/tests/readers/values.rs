//! The values that fixtures tell, by hand: numbers, names, ids.

use std::time::Duration;

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{
    get_state, heal, history, node_state, pool, reply, task_list, task_status, volume_info,
};
use hod_agent::gluster::{HostPart, ListedTask, NodeState, Operation, StateVolume};
use hod_core::brick::{Brick, BrickName};
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::VolumeStatus;

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
        let total = task.parts.iter().fold(Counters::default(), |sum, part| sum.add(part.counters));
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

#[test]
fn volumes_with_bricks_and_options() {
    for version in VERSIONS {
        let volumes = volume_info::read(&fixtures::one(version, "04").output).unwrap();
        let told: Vec<_> = volumes
            .iter()
            .map(|v| {
                let sets = (v.distribute_count, v.replica_count, v.bricks.len());
                (&*v.name, v.status, &*v.kind, sets, v.options.len())
            })
            .collect();
        use VolumeStatus::{Created, Started};
        assert_eq!(
            told,
            [
                ("dist", Started, "Distribute", (2, 1, 2), 3),
                ("idle", Created, "Distribute", (2, 1, 2), 3),
                ("repl", Started, "Replicate", (1, 2, 2), 5),
            ],
            "{version}"
        );
    }
    let volumes = volume_info::read(&output("04")).unwrap();
    let dist = &volumes[0];
    assert_eq!(dist.id, "b390e860-5272-4352-8692-02cab6ae3e02".parse().unwrap());
    let second = &dist.bricks[1];
    assert_eq!(second.name, brick("node-b:/bricks/d1"));
    assert!(!second.arbiter);
    assert_eq!(second.brick, Some(Brick { host: NODE_B.parse().unwrap(), path: "/bricks/d1".to_owned() }));
    assert_eq!(volumes[2].options["cluster.granular-entry-heal"], "on");
    let bricks = |number| -> Vec<String> {
        volume_info::read(&output(number)).unwrap()[0].bricks.iter().map(|b| b.name.to_string()).collect()
    };
    assert_eq!(
        bricks("102"),
        ["node-a:/bricks/i1", "node-b:/bricks/i1", "node-b:/bricks/i2", "node-c:/bricks/i1"]
    );
    assert_eq!(bricks("105"), ["node-a:/bricks/i1", "node-b:/bricks/i1", "node-c:/bricks/i1"]);
}

#[test]
fn hosts_and_whether_they_are_connected() {
    let told = |number| -> Vec<(String, Vec<String>, bool, String)> {
        pool::read(&output(number))
            .unwrap()
            .into_iter()
            .map(|p| (p.id.to_string(), p.names, p.connected, p.state))
            .collect()
    };
    let node_b = |connected| {
        let state = "Peer in Cluster".to_owned();
        (NODE_B.to_owned(), vec!["node-b".to_owned()], connected, state)
    };
    let own = (NODE_A.to_owned(), vec!["localhost".to_owned()], true, String::new());
    assert_eq!(told("02"), [node_b(true), own.clone()]);
    assert_eq!(told("03"), [node_b(true)]);
    assert_eq!(told("51"), [node_b(false), own]);
}

#[test]
fn what_is_to_be_healed() {
    let figures = |number| -> Vec<_> {
        heal::read(&output(number))
            .unwrap()
            .bricks
            .into_iter()
            .map(|b| (b.total, b.pending, b.split_brain, b.healing))
            .collect()
    };
    let none = (Some(0), Some(0), Some(0), Some(0));
    assert_eq!(figures("46"), [(Some(1), None, None, None), (Some(0), None, None, None)]);
    assert_eq!(figures("47"), [(Some(1), Some(1), Some(0), Some(0)), none]);
    assert_eq!(figures("48"), [none, none]);
    assert_eq!(figures("54"), [none, (None, None, None, None)]);
    for version in VERSIONS {
        let healed = heal::read(&fixtures::one(version, "54").output).unwrap();
        let dead = &healed.bricks[1];
        assert_eq!(dead.name, brick("node-b:/bricks/r2"), "{version}");
        assert_eq!(dead.host, None, "{version}");
        assert!(!dead.is_connected() && healed.bricks[0].is_connected());
        assert_eq!(
            dead.status, "Failed to process entries completely. (Transport endpoint is not connected)",
            "{version}"
        );
    }
}

fn state_volume(folder: &str, file: &str, volume: &str) -> StateVolume {
    let bytes = std::fs::read(fixtures::root().join(folder).join(file)).unwrap();
    let state = get_state::read(&bytes).unwrap();
    let found = state.volumes.into_iter().find(|v| v.name == volume);
    found.unwrap()
}

#[test]
fn get_state_tells_the_host_s_own_part() {
    for version in VERSIONS {
        let folder = fixtures::folder(version);
        let bytes = std::fs::read(folder.join("get-state-rebalance-running.txt")).unwrap();
        let state = get_state::read(&bytes).unwrap();
        assert_eq!(state.peers.len(), 1, "{version}");
        assert_eq!(state.peers[0].names, ["node-b"], "{version}");
        assert!(state.peers[0].connected, "{version}");
        let names: Vec<_> = state.volumes.iter().map(|v| (&*v.name, v.status)).collect();
        assert_eq!(
            names,
            [
                ("dist", VolumeStatus::Started),
                ("idle", VolumeStatus::Created),
                ("repl", VolumeStatus::Started)
            ],
            "{version}"
        );
        let task = &state.volumes[0].task;
        assert_eq!(task.status, PartStatus::InProgress, "{version}");
        assert!(task.id.is_some() && !task.bytes_rounded, "{version}");
        for idle in &state.volumes[1..] {
            assert_eq!(idle.task.id, None, "{version}");
            assert_eq!(idle.task.status, PartStatus::NotStarted, "{version}");
        }
        for volume in &state.volumes {
            assert_eq!(volume.local_bricks.len(), 1, "{version}");
        }
    }
    let running = state_volume("gluster-10.3", "get-state-rebalance-running.txt", "dist");
    assert_eq!(running.id, "b390e860-5272-4352-8692-02cab6ae3e02".parse().unwrap());
    let id = "bf9ad8a2-ca6a-41e7-bc8a-f396cc0a58fc".parse().unwrap();
    assert_eq!(running.task.id, Some(id));
    assert_eq!(running.task.counters, counters([17, 145, 503, 0, 0], None));
    assert_eq!(running.task.time_left, None);
    let local = &running.local_bricks[0];
    assert_eq!(local.name, brick("node-a:/bricks/d1"));
    assert!(local.started);
    assert_eq!(local.space_free, Some(253_769_953_280));
    assert_eq!(local.space_total, Some(270_553_174_016));
}

#[test]
fn get_state_tells_how_a_part_ended_after_its_task_is_gone() {
    let file = "93-get-state-after-stop-on-a.txt";
    let volume = state_volume("gluster-10.3", file, "d3");
    assert_eq!(volume.task.id, None);
    assert_eq!(volume.task.status, PartStatus::Failed);
    assert_eq!(volume.task.counters, counters([38, 141, 513, 0, 0], None));
    let three = "gluster-10.3-three-hosts";
    let stopped = state_volume(three, "11-rebalance-stopped-running.node-a.get-state.txt", "dist");
    assert_eq!((stopped.task.id, stopped.task.status), (None, PartStatus::Stopped));
    let file = "14-rebalance-stop-after-completed.node-a.get-state.txt";
    let ended = state_volume(three, file, "dist");
    assert_eq!((ended.task.id, ended.task.status), (None, PartStatus::Completed));
    assert!(ended.task.bytes_rounded);
}

#[test]
fn get_state_gives_an_id_to_a_host_that_takes_no_part() {
    let three = "gluster-10.3-three-hosts";
    let without = state_volume(three, "01-rmb-running.node-a.get-state.txt", "dist").task;
    let with = state_volume(three, "01-rmb-running.node-c.get-state.txt", "dist").task;
    let id = "c3e021fc-349a-43f7-b494-7f387931d710".parse().unwrap();
    assert_eq!((without.id, without.status), (Some(id), PartStatus::NotStarted));
    assert_eq!((with.id, with.status), (Some(id), PartStatus::InProgress));
}

#[test]
fn get_state_of_hosts_that_disagree() {
    let folder = "gluster-10.3";
    let a = state_volume(folder, "87-get-state-a-host-away-during-start.txt", "r3");
    let id = "3a98024a-2f80-41d2-af39-79ebf29cf376".parse().unwrap();
    assert_eq!((a.task.id, a.task.status), (Some(id), PartStatus::Completed));
    let file = "88-get-state-the-host-that-was-away-during-start.txt";
    let away = state_volume(folder, file, "r3");
    assert_eq!((away.task.id, away.task.status), (None, PartStatus::NotStarted));
    let file = "99-get-state-the-host-that-was-away-during-stop.txt";
    let alone = state_volume(folder, file, "d3");
    let id = "e1d8aeb7-881d-4c9d-a5e0-8a5762ffdb26".parse().unwrap();
    assert_eq!((alone.task.id, alone.task.status), (Some(id), PartStatus::InProgress));
    let local: Vec<_> = alone.local_bricks.iter().map(|b| b.name.to_string()).collect();
    assert_eq!(local, ["node-c:/bricks/d1", "node-c:/bricks/d2"]);
}

fn node_state(folder: &str, file: &str) -> NodeState {
    let bytes = std::fs::read(fixtures::root().join(folder).join(file)).unwrap();
    node_state::read(&bytes, &fixtures::version("10.3")).unwrap()
}

#[test]
fn glusterd_s_file_tells_the_type_and_the_bricks() {
    let three = "gluster-10.3-three-hosts";
    let none = node_state(three, "00-before.node-a.node_state.info");
    assert_eq!((none.id, none.operation), (None, Operation::None));
    assert_eq!(none.task_type(), None);

    let removing = node_state(three, "01-rmb-running.node-c.node_state.info");
    assert_eq!(removing.task_type(), Some(TaskType::RemoveBrick));
    assert_eq!(removing.status, PartStatus::InProgress);
    assert_eq!(removing.bricks, [brick("node-c:/bricks/d1")]);
    let id = "c3e021fc-349a-43f7-b494-7f387931d710".parse().unwrap();
    assert_eq!(removing.id, Some(id));

    // The host that takes no part has the id and the bricks too.
    let aside = node_state(three, "01-rmb-running.node-a.node_state.info");
    assert_eq!((aside.id, aside.status), (Some(id), PartStatus::NotStarted));
    assert_eq!(aside.bricks, removing.bricks);

    let two = node_state(three, "40-rmb2-running.node-b.node_state.info");
    assert_eq!(two.bricks, [brick("node-b:/bricks/w1"), brick("172.18.0.4:/bricks/w1")]);

    let layout = node_state(three, "20-fix-layout-started.node-a.node_state.info");
    assert_eq!(layout.operation, Operation::Rebalance { fix_layout: true });

    // After a stop the bricks stay, and there is no task.
    let stopped = node_state(three, "33-rmb-stop-after-completed.node-c.node_state.info");
    assert_eq!((stopped.id, stopped.task_type()), (None, None));
    assert_eq!(stopped.bricks.len(), 1);

    let committed = node_state(three, "03-rmb-committed.node-c.node_state.info");
    assert_eq!((committed.id, committed.bricks.len()), (None, 0));
}

#[test]
fn glusterd_s_file_tells_the_exact_bytes() {
    let three = "gluster-10.3-three-hosts";
    let file = node_state(three, "13-rebalance-completed.node-a.node_state.info");
    let state = state_volume(three, "13-rebalance-completed.node-a.get-state.txt", "dist");
    assert_eq!(file.id, state.task.id);
    assert_eq!(file.counters.files, state.task.counters.files);
    assert!(state.task.bytes_rounded);
    assert_ne!(file.counters.bytes, state.task.counters.bytes);
    // One decimal of a KiB.
    assert!(file.counters.bytes.abs_diff(state.task.counters.bytes) <= 52);
    assert!(file.counters.run_time.is_some());
}

#[test]
fn glusterd_s_file_of_a_rebalance() {
    for version in VERSIONS {
        let bytes = std::fs::read(fixtures::folder(version).join("node_state-rebalance-running.info"));
        let state = node_state::read(&bytes.unwrap(), &fixtures::version(version)).unwrap();
        assert_eq!(state.status, PartStatus::InProgress, "{version}");
        assert_eq!(state.task_type(), Some(TaskType::Rebalance { fix_layout: false }), "{version}");
    }
    let reset = node_state("gluster-10.3", "78-glusterd-node_state-reset-by-replace-brick.info");
    assert_eq!(reset.status, PartStatus::Reset);
    let stopped = node_state("gluster-10.3", "92-node_state-after-stop-on-a.info");
    assert_eq!(stopped.status, PartStatus::Failed);
    assert_eq!(stopped.counters, counters([38, 141, 513, 0, 0], Some(3)));
    let stale = "113-node_state-after-stop-of-a-completed-rebalance.info";
    let stale = node_state("gluster-10.3", stale);
    assert_eq!(stale.status, PartStatus::Completed);
    assert!(stale.id.is_some());
}

#[test]
fn the_command_history() {
    let Output { stdout, .. } = output("80");
    let (lines, read_bytes) = history::read(&stdout, 0);
    let printed = String::from_utf8(stdout.clone()).unwrap();
    assert_eq!(read_bytes, stdout.len());
    assert_eq!(lines.len(), printed.lines().count());
    for (line, printed) in lines.iter().zip(printed.lines()) {
        assert!(printed.contains(&line.command), "{printed}");
        assert_eq!(line.succeeded, printed.contains(" : SUCCESS"), "{printed}");
        let begin = usize::try_from(line.offset).unwrap();
        assert!(stdout[begin..].starts_with(printed.as_bytes()), "{printed}");
    }
    let commit = lines.iter().find(|l| l.command.ends_with(" commit")).unwrap();
    assert_eq!(commit.command, "volume remove-brick sm node-c:/bricks/small/b commit");
    assert!(!commit.succeeded);
    assert_eq!(
        commit.message,
        "Pre Validation failed on node-c. use 'force' option as migration of some files might have been skipped or has failed"
    );
    assert_eq!(commit.stamp, "2026-11-24 03:17:09.846668 +0000");
    assert_eq!(commit.at.unwrap().to_string(), "2026-11-24T03:17:09.846668Z");
    // A command that failed without a reason.
    let state = lines.iter().find(|l| l.command.contains("get-state")).unwrap();
    assert_eq!((state.succeeded, &*state.message), (false, ""));
}
