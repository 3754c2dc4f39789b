//! What operators and faults do to a pool, and what hod makes of it.

#![allow(clippy::unwrap_used)]

mod support;

use hod_core::error::GlusterErrorKind;
use hod_core::job::JobStatus::{Aborted, Failed, Finished, Started, Unknown};
use hod_core::observation::{Holding, Look};
use hod_core::record::{AttentionCode, HostState};
use hod_core::task::{PartStatus, TaskStatus, TaskType};
use support::{A, B, C, REBALANCE, World, host_id, task_id, volume_id};

use PartStatus::{Completed, InProgress, NotStarted, Reset, Stopped};

#[test]
fn a_rebalance_is_found_followed_and_finished() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    assert_eq!(w.task(1).description(), "Rebalance of dist");
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, Completed, 40);
    }
    let planned = w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
    assert_eq!(World::kinds(&planned), ["task-finished"]);
    assert_eq!(w.task(1).counters().files, 120);
    assert!(!w.is_locked());
    // It stays listed, and later vanishes with the next task: nothing changes.
    w.pass(60);
    assert!(w.sync().is_empty());
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.pass(1);
    assert!(w.sync().is_empty());
}

#[test]
fn without_changes_nothing_is_planned() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    for _ in 0..5 {
        w.pass(5);
        for h in [A, B, C] {
            w.answer(h);
            w.holds(h, 1, &REBALANCE, InProgress, 5);
        }
        assert!(w.sync().is_empty());
    }
}

#[test]
fn a_stopped_rebalance_is_aborted_by_what_get_state_still_tells() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    w.holds_nothing(A, Some((Stopped, 36)));
    w.holds_nothing(B, Some((Stopped, 34)));
    w.holds_nothing(C, Some((Completed, 50)));
    w.command(B, "volume rebalance dist stop");
    let planned = w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    assert_eq!(w.task(1).counters().files, 120);
    let event = &planned[0].events[0];
    assert_eq!((event.kind, event.actor.as_str()), ("task-aborted", "gluster command line on node-b"));
}

#[test]
fn a_stop_is_told_by_a_history_where_the_next_task_has_overwritten_the_rest() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    w.command(A, "volume rebalance dist stop");
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 2, &REBALANCE, InProgress, 1);
    }
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    assert_eq!(w.status(2), (Started, Started));
    assert_eq!(w.recorded.locks[&volume_id()], w.task(2).job);
}

#[test]
fn a_stop_after_completion_leaves_it_finished() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    // The completion was never seen while the task was listed.
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Completed, 40)));
    }
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
}

#[test]
fn a_vanished_task_is_unknown_only_after_long_observation() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    for look in 0..12 {
        w.pass(60);
        for h in [A, B, C] {
            w.answer(h);
            w.holds_nothing(h, None);
        }
        w.sync();
        if look < 10 {
            assert_eq!(w.status(1), (Started, Started), "look {look}");
            // At first what tells how it ended may still be on its way.
            let told: &[AttentionCode] = if look == 0 { &[] } else { &[AttentionCode::NotSeen] };
            assert_eq!(w.attention(1), told, "look {look}");
        }
    }
    assert_eq!(w.status(1), (Unknown, Unknown));
    assert_eq!(w.task(1).status, TaskStatus::Unknown);
    assert!(!w.is_locked());
}

#[test]
fn gaps_in_the_observation_count_only_so_far() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    for _ in 0..4 {
        w.pass(3600);
        for h in [A, B, C] {
            w.answer(h);
            w.holds_nothing(h, None);
        }
        w.sync();
    }
    assert_eq!(w.status(1), (Started, Started), "four looks over hours are too few");
    w.pass(3600);
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.sync();
    assert_eq!(w.status(1), (Started, Started), "four gaps of 2 min are 8 min");
    w.pass(3600);
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.sync();
    assert_eq!(w.status(1), (Unknown, Unknown));
}

#[test]
fn one_host_that_does_not_know_the_task_proves_nothing() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.silence(B);
    for _ in 0..20 {
        w.pass(60);
        w.answer(A);
        w.answer(C);
        w.holds_nothing(A, None);
        w.holds_nothing(C, None);
        w.sync();
    }
    assert_eq!(w.status(1), (Started, Started));
    assert_eq!(w.task(1).absence.looks, 0);
}

#[test]
fn a_dead_host_is_waited_for_by_name_and_the_task_ends_right() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(20);
    w.silence(C);
    w.holds(A, 1, &REBALANCE, Completed, 40);
    w.holds(B, 1, &REBALANCE, Completed, 40);
    let planned = w.sync();
    assert_eq!(w.status(1), (Started, Started));
    assert_eq!(w.attention(1), [AttentionCode::WaitingForHost]);
    assert!(w.task(1).message.starts_with("waiting for node-c"), "{}", w.task(1).message);
    assert_eq!(World::kinds(&planned), ["host-silent", "waiting-for-host"]);
    w.pass(60);
    w.answer(C);
    w.holds(C, 1, &REBALANCE, InProgress, 6);
    w.sync();
    assert_eq!(w.attention(1), []);
    w.pass(60);
    w.holds(C, 1, &REBALANCE, Completed, 50);
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
}

#[test]
fn a_failed_task_that_runs_again_opens_its_job_again() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, PartStatus::Failed, 10);
    }
    w.sync();
    assert_eq!(w.status(1), (Failed, Failed));
    assert!(w.task(1).ended_at.is_some());
    w.pass(5);
    w.holds(C, 1, &REBALANCE, InProgress, 2);
    let planned = w.sync();
    assert_eq!(w.status(1), (Started, Started));
    assert!(w.task(1).ended_at.is_none());
    assert!(w.is_locked());
    assert!(World::kinds(&planned).contains(&"task-running-again"));
    assert!(World::kinds(&planned).contains(&"counters-reset"));
    assert_eq!(w.task(1).parts[&host_id(C)].counters.files, 2);
}

#[test]
fn a_host_away_at_the_start_is_shown_and_does_not_hold_the_job_open() {
    let mut w = World::new();
    w.silence(C);
    w.pass(20);
    for h in [A, B] {
        w.holds(h, 1, &REBALANCE, InProgress, 3);
    }
    w.follow(A, 1, &REBALANCE, &[(A, InProgress, 3), (B, InProgress, 3)]);
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::WaitingForHost]);
    w.pass(20);
    w.holds(A, 1, &REBALANCE, Completed, 40);
    w.holds(B, 1, &REBALANCE, Completed, 40);
    w.sync();
    assert_eq!(w.status(1), (Started, Started), "node-c has not spoken");
    // Back: its own glusterd holds no such task.
    w.pass(20);
    w.answer(C);
    w.holds_nothing(C, None);
    w.sync();
    assert_eq!(w.status(1), (Started, Started), "once is not enough");
    w.pass(20);
    w.holds_nothing(C, None);
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
    assert_eq!(w.attention(1), [AttentionCode::TookNoPart]);
}

#[test]
fn hosts_that_disagree_while_it_runs_are_named() {
    let mut w = World::new();
    w.pass(20);
    for h in [A, B] {
        w.holds(h, 1, &REBALANCE, InProgress, 3);
    }
    w.follow(A, 1, &REBALANCE, &[(A, InProgress, 3), (B, InProgress, 3)]);
    w.sync();
    for _ in 0..2 {
        w.pass(20);
        w.holds_nothing(C, None);
        w.sync();
    }
    assert!(w.attention(1).contains(&AttentionCode::HostsDisagree), "{:?}", w.task(1).attention);
    assert_eq!(w.status(1), (Started, Started));
}

#[test]
fn a_host_that_takes_no_part_and_knows_of_no_task_disagrees_too() {
    let mut w = World::new();
    w.pass(20);
    w.holds(A, 1, &TaskType::RemoveBrick, NotStarted, 0);
    w.holds(C, 1, &TaskType::RemoveBrick, InProgress, 3);
    w.holds_nothing(B, None);
    w.sync();
    assert_eq!(w.attention(1), [], "its start may still be on its way");
    w.pass(200);
    w.holds(A, 1, &TaskType::RemoveBrick, NotStarted, 0);
    w.holds(C, 1, &TaskType::RemoveBrick, Completed, 9);
    w.holds_nothing(B, None);
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::HostsDisagree, AttentionCode::AwaitingCommit]);
}

#[test]
fn hosts_that_withhold_what_they_hold_are_told_with_what_ends_it() {
    let mut w = World::new();
    w.pass(20);
    w.running(1, &REBALANCE);
    // A brick of another volume is replaced. One host tells by its task list, the others not at all.
    let other = newtype_uuid::GenericUuid::from_untyped_uuid(uuid::Uuid::from_u128(0x21));
    for _ in 0..5 {
        w.pass(60);
        w.holds(A, 1, &REBALANCE, InProgress, 4);
        for h in [A, B, C] {
            w.withholds(h);
        }
        w.holds_in(A, other, "repl", Reset);
        w.sync();
    }
    assert_eq!(w.attention(1), [AttentionCode::StateWithheld]);
    let text = &w.task(1).attention[0].text;
    assert!(text.starts_with("how it stands on node-b and node-c is not known"), "{text}");
    assert!(text.ends_with("this ends that: gluster volume rebalance repl fix-layout start"), "{text}");
    w.pass(20);
    w.running(1, &REBALANCE);
    assert_eq!(w.attention(1), []);
}

#[test]
fn hosts_that_learn_of_a_stop_one_after_another_do_not_disagree() {
    let mut w = World::new();
    w.pass(20);
    w.running(1, &REBALANCE);
    w.pass(20);
    w.holds_nothing(B, Some((Stopped, 5)));
    w.sync();
    assert_eq!(w.attention(1), [], "the others were asked before the stop");
    // Asked again, node-a still holds it: now that is a contradiction, and it stays one.
    w.pass(20);
    w.holds(A, 1, &REBALANCE, InProgress, 5);
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::HostsDisagree]);
    w.pass(20);
    w.holds_nothing(B, Some((Stopped, 5)));
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::HostsDisagree]);
}

#[test]
fn a_stop_that_misses_a_host_is_told_however_young_the_task() {
    let mut w = World::new();
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, InProgress, 0);
    }
    w.sync();
    // No locked call was made before the stop.
    w.pass(5);
    w.holds_nothing(A, Some((Stopped, 5)));
    w.holds_nothing(B, Some((Stopped, 5)));
    w.pass(5);
    w.holds(C, 1, &REBALANCE, InProgress, 0);
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::HostsDisagree]);
}

#[test]
fn hosts_that_learn_of_a_start_one_after_another_do_not_disagree() {
    let mut w = World::new();
    w.pass(1);
    w.holds(A, 1, &REBALANCE, InProgress, 0);
    w.sync();
    for _ in 0..3 {
        w.pass(3);
        w.holds_nothing(B, None);
        w.holds_nothing(C, None);
        w.sync();
    }
    assert_eq!(w.attention(1), []);
}

#[test]
fn a_host_away_at_the_stop_runs_on_and_ends_the_job_as_aborted() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    w.silence(C);
    w.holds_nothing(A, Some((Stopped, 36)));
    w.holds_nothing(B, Some((Stopped, 34)));
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.status(1), (Started, Started), "node-c may still run it");
    assert_eq!(w.attention(1), [AttentionCode::WaitingForHost]);
    w.pass(60);
    w.answer(C);
    w.holds(C, 1, &REBALANCE, InProgress, 20);
    w.sync();
    assert_eq!(w.attention(1), [AttentionCode::HostsDisagree]);
    assert_eq!(w.recorded.tasks.len(), 1);
    w.pass(60);
    w.holds(C, 1, &REBALANCE, Completed, 50);
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    assert!(!w.is_locked());
}

#[test]
fn an_ended_task_that_a_host_still_runs_is_shown_and_makes_no_second_job() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Stopped, 36)));
    }
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    w.pass(60);
    w.holds(C, 1, &REBALANCE, InProgress, 40);
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
    assert_eq!(w.attention(1), [AttentionCode::StillRunning]);
    assert_eq!(w.recorded.tasks.len(), 1);
}

#[test]
fn a_completed_task_that_a_restarted_host_lists_again_changes_nothing() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    for h in [A, B, C] {
        w.holds_nothing(h, Some((Completed, 40)));
    }
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
    w.pass(60);
    w.holds(B, 1, &REBALANCE, Completed, 0);
    assert!(w.sync().is_empty());
}

#[test]
fn a_remove_brick_awaits_its_commit_and_is_finished_by_it() {
    let mut w = World::new();
    w.running(1, &TaskType::RemoveBrick);
    assert!(w.task(1).parts[&host_id(C)].must_take_part);
    assert!(!w.task(1).parts[&host_id(A)].must_take_part);
    w.pass(5);
    w.holds(C, 1, &TaskType::RemoveBrick, Completed, 40);
    let planned = w.sync();
    assert_eq!(w.status(1), (Started, Finished));
    assert_eq!(w.attention(1), [AttentionCode::AwaitingCommit]);
    assert!(World::kinds(&planned).contains(&"awaiting-commit"));
    assert!(w.is_locked());
    w.pass(600);
    w.drop_brick(C);
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.command(B, "volume remove-brick dist node-c:/bricks/2 commit");
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
    assert!(!w.is_locked());
}

#[test]
fn a_commit_without_a_history_is_believed_only_after_a_clean_last_look() {
    for (failed, end) in [(0, Finished), (3, Failed)] {
        let mut w = World::new();
        w.running(1, &TaskType::RemoveBrick);
        w.pass(5);
        let counters = hod_core::task::Counters { failed, ..support::files(40) };
        w.holds_with(C, 1, &TaskType::RemoveBrick, vec![support::brick_name(C)], Completed, counters);
        w.sync();
        w.pass(60);
        w.drop_brick(C);
        for h in [A, B, C] {
            w.holds_nothing(h, None);
        }
        w.sync();
        assert_eq!(w.task(1).job_status, Started, "the history may still come");
        w.pass(10);
        w.sync();
        assert_eq!(w.task(1).job_status, end);
    }
}

#[test]
fn a_remove_brick_that_was_stopped_is_aborted() {
    for completed in [false, true] {
        let mut w = World::new();
        w.running(1, &TaskType::RemoveBrick);
        w.pass(5);
        if completed {
            w.holds(C, 1, &TaskType::RemoveBrick, Completed, 40);
            w.sync();
            w.pass(5);
        }
        w.command(A, "volume remove-brick dist node-c:/bricks/2 stop");
        w.holds_nothing(A, None);
        w.holds_nothing(B, None);
        w.holds_nothing(C, Some((if completed { Completed } else { Stopped }, 40)));
        w.sync();
        assert_eq!(w.task(1).job_status, Aborted);
        assert_eq!(w.task(1).step_status, if completed { Finished } else { Aborted });
    }
}

#[test]
fn the_bricks_of_an_older_look_at_the_volumes_prove_nothing() {
    let mut w = World::new();
    w.running(1, &TaskType::RemoveBrick);
    w.pass(60);
    for h in [A, B, C] {
        // The task is gone; the volumes were last looked at before.
        w.own(h, Holding::Nothing { residue: None });
    }
    w.sync();
    assert_eq!(w.task(1).job_status, Started);
}

#[test]
fn force_in_the_middle_is_failed_with_the_reason() {
    let mut w = World::new();
    w.running(1, &TaskType::RemoveBrick);
    w.pass(5);
    w.drop_brick(C);
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.command(A, "volume remove-brick dist node-c:/bricks/2 force");
    w.sync();
    assert_eq!(w.status(1), (Failed, Failed));
    assert!(w.task(1).message.contains("removed by force"), "{}", w.task(1).message);
}

#[test]
fn a_commit_of_a_part_of_the_bricks_is_failed_with_what_to_do() {
    let mut w = World::new();
    w.pass(1);
    let bricks =
        vec![support::brick_name(B), hod_core::brick::BrickName::parse("10.0.0.3:/bricks/2").unwrap()];
    for h in [A, B, C] {
        let status = if h == A { NotStarted } else { Completed };
        w.holds_with(h, 1, &TaskType::RemoveBrick, bricks.clone(), status, support::files(4));
    }
    w.sync();
    // The brick named by address is node-c's.
    assert_eq!(w.task(1).bricks[1].brick.as_ref().unwrap().host, host_id(C));
    assert_eq!(w.status(1), (Started, Finished));
    w.pass(60);
    w.drop_brick(C);
    for h in [A, B, C] {
        w.holds_nothing(h, None);
    }
    w.command(A, "volume remove-brick dist 10.0.0.3:/bricks/2 commit");
    w.sync();
    assert_eq!(w.task(1).job_status, Failed);
    assert!(w.task(1).message.contains("partly committed: node-b:/bricks/1"), "{}", w.task(1).message);
}

#[test]
fn a_volume_deleted_while_its_remove_brick_awaits_commit() {
    let mut w = World::new();
    w.running(1, &TaskType::RemoveBrick);
    w.pass(5);
    w.holds(C, 1, &TaskType::RemoveBrick, Completed, 40);
    w.sync();
    w.pass(60);
    let at = w.now;
    for h in [A, B, C] {
        let picture = w.picture(h);
        picture.own.clear();
        picture.followed.clear();
    }
    w.picture(A).volumes = Look { at, outcome: Ok(Vec::new()) };
    w.sync();
    assert_eq!(w.task(1).job_status, Started, "node-b and node-c still tell of the volume");
    w.picture(B).volumes = Look { at, outcome: Ok(Vec::new()) };
    w.picture(C).volumes = Look { at, outcome: Ok(Vec::new()) };
    let planned = w.sync();
    assert_eq!(w.task(1).job_status, Aborted);
    assert_eq!(w.task(1).message, "volume deleted");
    assert!(!w.is_locked());
    assert!(w.recorded.volumes.is_empty());
    assert_eq!(World::kinds(&planned), ["task-aborted", "volume-gone"]);
}

#[test]
fn locked_stopped_failing_volumes_and_silent_hosts_change_no_status() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    for kind in [
        GlusterErrorKind::AnotherTransaction,
        GlusterErrorKind::TimedOut,
        GlusterErrorKind::HostsDisagree,
        GlusterErrorKind::TaskNotStarted,
        GlusterErrorKind::GlusterdDown,
        GlusterErrorKind::NotReadable,
    ] {
        w.pass(30);
        w.follow_fails(A, kind);
        w.sync();
        assert_eq!(w.status(1), (Started, Started), "{kind:?}");
    }
    for h in [A, B, C] {
        w.silence(h);
        w.pass(3600);
        w.sync();
    }
    assert_eq!(w.status(1), (Started, Started));
    assert!(w.recorded.hosts.values().all(|h| h.state == HostState::Silent));
}

#[test]
fn a_volume_that_cannot_be_looked_at_is_told_once() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    let mut kinds = Vec::new();
    for _ in 0..5 {
        w.pass(30);
        w.look_at_volumes(B);
        w.follow_fails(A, GlusterErrorKind::AnotherTransaction);
        kinds.extend(World::kinds(&w.sync()));
    }
    assert_eq!(kinds, ["volume-trouble"]);
    w.pass(30);
    w.follow(A, 1, &REBALANCE, &[(A, InProgress, 9), (B, InProgress, 9), (C, InProgress, 9)]);
    assert_eq!(World::kinds(&w.sync()), ["volume-well"]);
}

#[test]
fn counters_never_run_backwards_and_bytes_stay_exact() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    w.follow(A, 1, &REBALANCE, &[(A, InProgress, 30), (B, InProgress, 30), (C, InProgress, 30)]);
    w.sync();
    w.pass(1);
    // get-state, not refreshed: older counters under a newer look.
    w.holds(B, 1, &REBALANCE, InProgress, 7);
    w.sync();
    assert_eq!(w.task(1).parts[&host_id(B)].counters.files, 30);
    w.pass(1);
    let rounded = hod_core::task::Counters { bytes: 1024, ..support::files(30) };
    w.holds_with(B, 1, &REBALANCE, Vec::new(), InProgress, rounded);
    w.sync();
    assert_eq!(w.task(1).parts[&host_id(B)].counters.bytes, 300);
}

#[test]
fn a_reset_by_replace_brick_keeps_the_end_that_was_seen() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, Completed, 40);
    }
    w.sync();
    w.pass(5);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, Reset, 0);
    }
    assert!(w.sync().is_empty());
    assert_eq!(w.task(1).counters().files, 120);
    // One that was never seen before is not known to have ended well.
    let mut w = World::new();
    w.pass(1);
    for h in [A, B, C] {
        w.holds(h, 2, &REBALANCE, Reset, 0);
    }
    w.sync();
    assert_eq!(w.status(2), (Unknown, Unknown));
}

#[test]
fn a_task_found_ended_becomes_an_ended_job_without_an_end_time() {
    let mut w = World::new();
    w.pass(1);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, Completed, 40);
    }
    w.sync();
    assert_eq!(w.status(1), (Finished, Finished));
    assert_eq!(w.task(1).ended_at, None);
    assert!(!w.is_locked());
}

#[test]
fn a_fix_layout_told_late_is_one_from_then_on() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(5);
    let fix = TaskType::Rebalance { fix_layout: true };
    w.follow(A, 1, &fix, &[(A, InProgress, 0)]);
    w.sync();
    assert_eq!(w.task(1).task_type, Some(fix));
    w.pass(5);
    w.follow(A, 1, &REBALANCE, &[(A, InProgress, 0)]);
    w.sync();
    assert_eq!(w.task(1).description(), "Fix-layout of dist");
}

#[test]
fn a_volume_not_known_yet_loses_nothing() {
    let mut w = World::new();
    w.pass(1);
    w.recorded.volumes.clear();
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, InProgress, 1);
        w.picture(h).volumes.outcome = Ok(Vec::new());
    }
    w.sync();
    assert!(w.recorded.tasks.is_empty());
    w.pass(1);
    w.look_at_volumes(A);
    w.sync();
    assert_eq!(w.status(1), (Started, Started));
}

#[test]
fn a_detached_host_leaves_and_is_no_longer_waited_for() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    w.pass(20);
    w.silence(C);
    w.holds(A, 1, &REBALANCE, Completed, 40);
    w.holds(B, 1, &REBALANCE, Completed, 40);
    w.sync();
    assert_eq!(w.status(1), (Started, Started));
    w.pass(20);
    let at = w.now;
    for h in [A, B] {
        let peers = &mut w.picture(h).peers;
        peers.at = at;
        peers.outcome.as_mut().unwrap().retain(|p| p.id != host_id(C));
    }
    let planned = w.sync();
    assert_eq!(w.recorded.hosts[&host_id(C)].state, HostState::Left);
    assert!(World::kinds(&planned).contains(&"host-left"));
    assert_eq!(w.status(1), (Finished, Finished));
}

#[test]
fn a_detached_host_does_not_take_the_pool_along() {
    let mut w = World::new();
    w.pass(20);
    let at = w.now;
    for h in [A, B, C] {
        let peers = &mut w.picture(h).peers;
        peers.at = at;
        peers.outcome.as_mut().unwrap().retain(|p| (p.id == host_id(C)) == (h == C));
    }
    w.sync();
    assert_eq!(w.recorded.hosts[&host_id(A)].state, HostState::Answering);
    assert_eq!(w.recorded.hosts[&host_id(C)].state, HostState::Left);
}

#[test]
fn a_list_from_before_a_host_was_known_does_not_detach_it() {
    let mut w = World::new();
    w.pass(20);
    // Agents that were asked before the pool was formed each know of themselves alone, and
    // one is the first to know of a volume.
    for h in [A, B, C] {
        let peers = &mut w.picture(h).peers;
        peers.outcome.as_mut().unwrap().retain(|p| p.id == host_id(h));
    }
    for h in [A, C] {
        w.picture(h).volumes.outcome = Ok(Vec::new());
    }
    let at = w.now;
    for h in [A, B, C] {
        w.recorded.hosts.get_mut(&host_id(h)).unwrap().since = at;
    }
    w.pass(5);
    w.sync();
    for h in [A, B, C] {
        assert_eq!(w.recorded.hosts[&host_id(h)].state, HostState::Answering);
    }
}

#[test]
fn a_new_peer_joins_with_an_agent_to_look_for() {
    let mut w = World::new();
    w.pass(1);
    w.picture(A).peers.outcome.as_mut().unwrap().push(hod_core::host::Peer {
        id: host_id(3),
        names: vec!["node-d".to_owned()],
        connected: true,
        state: "Peer in Cluster".to_owned(),
    });
    let planned = w.sync();
    assert_eq!(World::kinds(&planned), ["host-joined"]);
    assert_eq!(w.recorded.hosts[&host_id(3)].agent, "node-d:7460");
}

#[test]
fn what_an_operator_abandoned_stays_so() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    let task = w.recorded.tasks.get_mut(&task_id(1)).unwrap();
    (task.job_status, task.step_status, task.abandoned) = (Unknown, Unknown, true);
    w.recorded.locks.clear();
    w.pass(60);
    for h in [A, B, C] {
        w.holds(h, 1, &REBALANCE, InProgress, 50);
    }
    assert!(w.sync().is_empty());
}

#[test]
fn a_lost_task_that_is_seen_again_runs_again_and_a_silent_one_does_not() {
    let mut w = World::new();
    w.running(1, &REBALANCE);
    for _ in 0..12 {
        w.pass(60);
        for h in [A, B, C] {
            w.answer(h);
            w.holds_nothing(h, None);
        }
        w.sync();
    }
    assert_eq!(w.status(1), (Unknown, Unknown));
    for h in [A, B, C] {
        w.silence(h);
    }
    w.sync();
    assert_eq!(w.status(1), (Unknown, Unknown));
    w.pass(60);
    w.answer(A);
    w.holds(A, 1, &REBALANCE, InProgress, 9);
    w.sync();
    assert_eq!(w.status(1), (Started, Started));
}

/// A young rebalance, stopped where it was told of; node-c died before it could tell.
fn stopped_before_node_c_was_heard_of() -> World {
    let mut w = World::new();
    w.pass(20);
    for h in [A, B] {
        w.holds(h, 1, &REBALANCE, InProgress, 3);
    }
    w.sync();
    w.pass(2);
    w.silence(C);
    w.holds_nothing(A, Some((Stopped, 5)));
    w.holds_nothing(B, Some((Stopped, 5)));
    w
}

#[test]
fn a_host_that_died_before_it_could_tell_may_still_hold_what_was_stopped() {
    let mut w = stopped_before_node_c_was_heard_of();
    w.command(A, "volume rebalance dist stop");
    w.sync();
    assert_eq!(w.status(1), (Started, Started), "node-c may run it");
    assert_eq!(w.attention(1), [AttentionCode::WaitingForHost]);
    // It comes back, and runs it alone.
    w.pass(30);
    w.answer(C);
    w.holds(C, 1, &REBALANCE, InProgress, 7);
    w.sync();
    assert_eq!(w.status(1), (Started, Started));
    w.pass(30);
    w.holds(C, 1, &REBALANCE, Completed, 9);
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
}

#[test]
fn a_host_that_comes_back_without_the_stopped_task_lets_its_job_end() {
    let mut w = stopped_before_node_c_was_heard_of();
    w.sync();
    w.pass(30);
    w.answer(C);
    w.holds_nothing(C, None);
    w.sync();
    w.pass(10);
    w.sync();
    assert_eq!(w.status(1), (Aborted, Aborted));
}
