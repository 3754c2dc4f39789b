use std::time::Duration;

use hod_core::brick::BrickName;
use hod_core::id::TaskId;

use super::*;
use crate::gluster::Operation;

const VOLUME: &str = "8a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20";

fn task_of(n: u8) -> TaskId {
    format!("5f4c1c61-9d0a-4dd0-8f0b-6f6fd1d1c3{n:02x}").parse().unwrap()
}

fn counters(files: u64, bytes: u64, run_time: Option<u64>) -> Counters {
    Counters {
        files,
        bytes,
        scanned: 500,
        run_time: run_time.map(Duration::from_secs),
        ..Counters::default()
    }
}

fn state(id: Option<TaskId>, status: PartStatus, counters: Counters) -> StateTask {
    StateTask { id, status, fix_layout: false, bytes_rounded: true, counters, time_left: None }
}

fn hint(id: Option<TaskId>, operation: Operation, status: PartStatus, c: Counters) -> NodeState {
    NodeState {
        id,
        operation,
        status,
        counters: c,
        bricks: vec![BrickName::parse("node-c:/bricks/d1").unwrap()],
    }
}

fn look(holding: Holding) -> OwnLook {
    OwnLook { volume_name: "dist".into(), holding, source: Source::GetState, at: Instant::now() }
}

fn looks(holding: Holding) -> OwnLooks {
    OwnLooks::from([(VOLUME.parse().unwrap(), look(holding))])
}

#[test]
fn the_file_adds_type_and_bricks_to_the_same_task_only() {
    let running = state(Some(task_of(1)), PartStatus::InProgress, counters(7, 0, None));
    let file = |id, status| hint(Some(id), Operation::RemoveBrick, status, counters(0, 0, Some(0)));
    let Holding::Task(task) = holding(&running, Some(&file(task_of(1), PartStatus::InProgress))) else {
        panic!()
    };
    assert_eq!(task.task_type, Some(TaskType::RemoveBrick));
    assert_eq!(task.bricks.len(), 1);
    // The file's counters are zeros until the part ends.
    assert_eq!(task.counters, Some(counters(7, 0, None)));

    let stale = file(task_of(2), PartStatus::Completed);
    let Holding::Task(task) = holding(&running, Some(&stale)) else { panic!() };
    assert_eq!((task.task_type, task.bricks.len()), (None, 0));
}

#[test]
fn the_file_has_the_exact_bytes_of_what_has_ended() {
    let ended = counters(34, 4608, None);
    let exact = counters(34, 4611, Some(12));
    let rebalance = Operation::Rebalance { fix_layout: false };
    for id in [Some(task_of(1)), None] {
        let file = hint(Some(task_of(1)), rebalance, PartStatus::Completed, exact);
        let told = match holding(&state(id, PartStatus::Completed, ended), Some(&file)) {
            Holding::Task(task) => task.counters.unwrap(),
            Holding::Nothing { residue } => residue.unwrap().1,
        };
        assert_eq!(told, exact);
        // Not another run's.
        let file = hint(Some(task_of(1)), rebalance, PartStatus::Completed, counters(33, 4611, Some(12)));
        let told = match holding(&state(id, PartStatus::Completed, ended), Some(&file)) {
            Holding::Task(task) => task.counters.unwrap(),
            Holding::Nothing { residue } => residue.unwrap().1,
        };
        assert_eq!(told, ended);
    }
}

#[test]
fn a_host_that_takes_no_part_holds_the_task_and_has_done_nothing() {
    let none = state(Some(task_of(1)), PartStatus::NotStarted, Counters::default());
    let Holding::Task(task) = holding(&none, None) else { panic!() };
    assert_eq!((task.status, task.counters), (PartStatus::NotStarted, None));
    let nothing = state(None, PartStatus::NotStarted, Counters::default());
    assert_eq!(holding(&nothing, None), Holding::Nothing { residue: None });
}

#[test]
fn a_task_list_tells_no_host_s_own_part() {
    let list = |volume: &str| VolumeTasks {
        volume: volume.into(),
        tasks: vec![ListedTask {
            id: task_of(1),
            task_type: TaskType::Rebalance { fix_layout: false },
            status: PartStatus::Completed,
            bricks: vec![],
        }],
    };
    let id_of = |name: &str| (name == "dist").then(|| VOLUME.parse().unwrap());
    let now = Instant::now();
    let hints = Hints::new();
    let looks = from_task_list(vec![list("dist"), list("unheard-of")], id_of, &hints, now);
    let holding: Vec<_> = looks.values().map(|look| look.holding.clone()).collect();
    let [Holding::Task(task)] = &holding[..] else { panic!("{holding:?}") };
    assert_eq!((task.status, task.counters), (PartStatus::Unknown, None));

    let fix = Operation::Rebalance { fix_layout: true };
    let file = hint(Some(task_of(1)), fix, PartStatus::InProgress, counters(0, 0, None));
    let hints = Hints::from([("dist".to_owned(), file)]);
    let looks = from_task_list(vec![list("dist")], id_of, &hints, now);
    let Holding::Task(task) = &looks.values().next().unwrap().holding else { panic!() };
    assert_eq!(task.status, PartStatus::InProgress);
    assert_eq!(task.task_type, Some(TaskType::Rebalance { fix_layout: true }));
}

#[test]
fn a_task_is_lost_when_its_id_is_gone_or_another() {
    let held = |n, status| looks(holding(&state(Some(task_of(n)), status, counters(1, 0, None)), None));
    let none = looks(Holding::Nothing { residue: None });
    let running = held(1, PartStatus::InProgress);
    assert!(!lost_a_task(&running, &held(1, PartStatus::Completed)));
    assert!(lost_a_task(&running, &held(2, PartStatus::InProgress)));
    assert!(lost_a_task(&running, &none));
    assert!(lost_a_task(&running, &OwnLooks::new()));
    assert!(!lost_a_task(&none, &running));
}

#[test]
fn counters_alone_are_no_turn() {
    let with =
        |status, files| looks(holding(&state(Some(task_of(1)), status, counters(files, 0, None)), None));
    let running = with(PartStatus::InProgress, 1);
    assert!(!turned(&running, &with(PartStatus::InProgress, 2)));
    assert!(turned(&running, &with(PartStatus::Stopped, 1)));
    assert!(turned(&running, &OwnLooks::new()));
}
