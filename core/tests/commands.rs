//! What becomes of what hod has Gluster do: intentions settled, pauses, runs.

#![allow(clippy::unwrap_used)]

mod support;

use hod_core::change::Change;
use hod_core::command::intention::Answer;
use hod_core::job::JobStatus::{Aborted, Finished, Started};
use hod_core::record::Pause;
use hod_core::task::{PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;
use support::{A, B, C, REBALANCE, World, host_id, task_id, volume_id};

use PartStatus::{Completed, InProgress, Stopped};

/// How an intention's job ended in a sync.
fn ended(planned: &[hod_core::change::Planned]) -> Option<(Option<Transition>, String)> {
    planned.iter().find_map(|p| match &p.change {
        Change::Settle(settle) => Some((settle.end, settle.message.clone())),
        _ => None,
    })
}

fn pause(w: &mut World, task: u128) {
    let at = w.now;
    w.recorded.tasks.get_mut(&task_id(task)).unwrap().pause = Some(Pause { by: "op".to_owned(), at });
}

#[test]
fn a_task_that_was_intended_belongs_to_its_job() {
    let mut w = World::new();
    let job = w.intend(REBALANCE);
    w.pass(1);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, InProgress, 0);
    }
    let planned = w.sync();
    assert_eq!(w.task(1).job, job);
    assert!(!w.task(1).external);
    assert!(w.recorded.intentions.is_empty());
    assert_eq!(w.recorded.locks[&volume_id()], job);
    assert_eq!(planned.last().unwrap().events[0].actor, "op");
}

#[test]
fn a_start_whose_answer_was_lost_is_adopted_late() {
    let mut w = World::new();
    let job = w.intend(REBALANCE);
    w.reply(Answer::Unknown("timed out".to_owned()));
    for _ in 0..3 {
        w.pass(40);
        for h in [A, B, C] {
            w.answer(h);
            w.holds_nothing(h, None);
        }
        w.sync();
        assert_eq!(w.recorded.intentions.len(), 1, "too early to tell");
    }
    w.pass(5);
    w.holds(A, 1, &REBALANCE, InProgress, 0);
    w.sync();
    assert_eq!(w.task(1).job, job);
}

#[test]
fn a_start_that_never_came_fails_once_gluster_cannot_still_be_at_it() {
    let mut w = World::new();
    w.intend(REBALANCE);
    w.reply(Answer::Unknown("timed out".to_owned()));
    w.pass(300);
    for h in [A, B] {
        w.answer(h);
        w.holds_nothing(h, None);
    }
    w.silence(C);
    w.sync();
    assert_eq!(w.recorded.intentions.len(), 1, "node-c has not told");
    w.answer(C);
    w.holds_nothing(C, None);
    let planned = w.sync();
    assert_eq!(ended(&planned), Some((Some(Transition::Fail), "Gluster never started it".to_owned())));
    assert!(!w.is_locked());
}

#[test]
fn a_refusal_fails_it_in_gluster_s_words() {
    let mut w = World::new();
    w.intend(REBALANCE);
    w.reply(Answer::Refused("Volume dist needs to be started".to_owned()));
    let planned = w.sync();
    let (end, message) = ended(&planned).unwrap();
    assert_eq!(end, Some(Transition::Fail));
    assert_eq!(message, "refused by Gluster: Volume dist needs to be started");
}

#[test]
fn an_older_id_or_another_type_is_not_taken_for_it() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, Completed, 40);
    }
    w.sync();
    let job = w.intend(REBALANCE);
    w.pass(5);
    w.sync();
    assert_eq!(w.recorded.intentions.len(), 1);
    assert_ne!(w.task(1).job, job);
    // A remove-brick that somebody started from the command line meanwhile.
    for h in [A, B, C] {
        w.holds(h, 2, &TaskType::RemoveBrick, InProgress, 0);
    }
    let planned = w.sync();
    assert_eq!(ended(&planned).unwrap().0, Some(Transition::Fail));
    assert_eq!(w.recorded.locks[&volume_id()], w.task(2).job);
    assert!(w.task(2).external);
}

#[test]
fn a_pause_keeps_job_and_lock_and_runs_add_up() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    let job = w.task(1).job;
    pause(&mut w, 1);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Stopped, 30)));
    }
    w.command(A, "volume rebalance dist stop");
    let planned = w.sync();
    assert_eq!(w.task(1).status, TaskStatus::Paused);
    assert_eq!(w.status(1), (Started, Started));
    assert!(w.is_locked());
    assert_eq!(World::kinds(&planned), ["task-paused"]);
    for _ in 0..10 {
        w.pass(100);
        for h in [A, B, C] {
            w.answer(h);
            w.holds_nothing(h, Some((Stopped, 30)));
        }
        w.sync();
    }
    assert_eq!(w.task(1).status, TaskStatus::Paused, "a pause is not lost by waiting");

    w.intend_resume(task_id(1));
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 2, &REBALANCE, InProgress, 1);
    }
    let planned = w.sync();
    assert_eq!(World::kinds(&planned), ["task-resumed"]);
    assert_eq!((w.task(2).job, w.task(2).run), (job, 2));
    assert!(!w.recorded.tasks.contains_key(&task_id(1)));
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 2, &REBALANCE, Completed, 10);
    }
    w.sync();
    assert_eq!(w.status(2), (Finished, Finished));
    assert_eq!(w.task(2).counters().files, 120);
    assert_eq!(w.task(2).counters().scanned, 600, "the last run's only");
}

#[test]
fn a_pause_is_one_also_where_the_stop_is_seen_before_the_task_is_gone() {
    for kind in [&REBALANCE, &TaskType::RemoveBrick] {
        let mut w = World::new();
        w.running(1, kind);
        pause(&mut w, 1);
        w.pass(5);
        for h in [A, B, C] {
            w.holds(h, 1, kind, Stopped, 30);
        }
        w.sync();
        assert_eq!(w.status(1), (Started, Started), "the stop of a pause ends nothing");
        w.pass(1);
        for h in [A, B, C] {
            w.holds_nothing(h, Some((Stopped, 30)));
        }
        w.sync();
        assert_eq!(w.task(1).status, TaskStatus::Paused);
        assert_eq!(w.status(1), (Started, Started));
        w.intend_resume(task_id(1));
        w.pass(5);
        for h in [A, B, C] {
            w.holds(h, 2, kind, InProgress, 1);
        }
        w.sync();
        assert_eq!(w.status(2), (Started, Started));
    }
}

#[test]
fn a_pause_that_could_not_be_ended_says_why() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    pause(&mut w, 1);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Stopped, 30)));
    }
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.task(1).message, "paused");
    w.intend_resume(task_id(1));
    w.reply(Answer::Refused("Host node-c is not connected".to_owned()));
    let planned = w.sync();
    let why = "refused by Gluster: Host node-c is not connected";
    assert_eq!(ended(&planned), Some((None, why.to_owned())));
    w.pass(5);
    for h in [A, B, C] {
        w.answer(h);
    }
    w.sync();
    assert_eq!((w.task(1).status, w.task(1).message.as_str()), (TaskStatus::Paused, why));
}

#[test]
fn a_task_that_completed_before_its_pause_is_finished() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    pause(&mut w, 1);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Completed, 40)));
    }
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
}

#[test]
fn a_paused_job_whose_volume_got_another_task_is_superseded() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    pause(&mut w, 1);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Stopped, 30)));
    }
    w.sync();
    assert_eq!(w.task(1).status, TaskStatus::Paused);
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 2, &REBALANCE, InProgress, 1);
    }
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    assert!(w.task(1).message.starts_with("superseded"), "{}", w.task(1).message);
    assert_eq!(w.recorded.locks[&volume_id()], w.task(2).job);
}

#[test]
fn a_pause_while_a_host_is_away_waits_for_it() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    pause(&mut w, 1);
    w.pass(5);
    w.silence(C);
    for h in [A, B] {
        w.holds_nothing(h, Some((Stopped, 30)));
    }
    w.sync();
    assert_eq!(w.task(1).status, TaskStatus::Running, "node-c may still run it");
    assert!(w.task(1).parts[&host_id(C)].must_take_part);
}

#[test]
fn what_to_know_of_a_paused_task_comes_before_why_it_did_not_go_on() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    pause(&mut w, 1);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Stopped, 30)));
    }
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.task(1).status, TaskStatus::Paused);
    w.intend_resume(task_id(1));
    // Another task is told by a locked call only: no host holds it by its own word yet.
    w.pass(5);
    w.follow(A, 2, &TaskType::RemoveBrick, &[]);
    w.sync();
    assert!(w.task(1).message.contains("in the hands of job"), "{}", w.task(1).message);
}
