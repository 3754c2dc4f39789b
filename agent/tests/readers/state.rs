//! What fixtures tell of a host's own glusterd: get-state, its files, its history.

use std::time::Duration;

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{get_state, history, node_state};
use hod_agent::gluster::{NodeState, Operation, StateVolume};
use hod_core::brick::BrickName;
use hod_core::task::{Counters, PartStatus, TaskType};
use hod_core::volume::VolumeStatus;

use crate::fixtures::{self, VERSIONS, output};

fn counters(figures: [u64; 5], seconds: Option<u64>) -> Counters {
    let [files, bytes, scanned, failed, skipped] = figures;
    Counters { files, bytes, scanned, failed, skipped, run_time: seconds.map(Duration::from_secs) }
}

fn brick(text: &str) -> BrickName {
    BrickName::parse(text).unwrap()
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
