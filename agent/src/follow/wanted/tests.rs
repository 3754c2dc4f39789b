use std::sync::Arc;
use std::time::Duration;

use hod_core::observation::OwnTask;
use hod_core::task::Counters;
use hod_proto::agent::v1::own_look::Source;

use super::*;
use crate::picture::{OwnLook, OwnView};

const VOLUME: &str = "8a1f47a2-0f3c-4c39-93a5-5b8a3b1f7e20";
const HOSTS: [&str; 2] = ["3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a10", "3d1c1b0c-7c4a-4a53-9c54-d28d1d3c9a11"];

fn volume() -> VolumeId {
    VOLUME.parse().unwrap()
}

fn task(n: u8) -> TaskId {
    format!("5f4c1c61-9d0a-4dd0-8f0b-6f6fd1d1c3{n:02x}").parse().unwrap()
}

/// A picture in which this host holds a task so, looked at a second after `begin`.
fn picture(held: Option<(TaskId, PartStatus)>, begin: Instant) -> Picture {
    let holding = match held {
        None => Holding::Nothing { residue: None },
        Some((id, status)) => Holding::Task(OwnTask {
            id,
            task_type: None,
            bricks: vec![],
            status,
            counters: None,
            time_left: None,
        }),
    };
    let look = OwnLook {
        volume_name: "dist".into(),
        holding,
        source: Source::GetState,
        at: begin + Duration::from_secs(1),
    };
    Picture {
        own: Some(OwnView { looks: Arc::new([(volume(), look)].into()), error: None }),
        ..Picture::default()
    }
}

fn told(mut picture: Picture, id: Option<TaskId>, parts: &[PartStatus], at: Instant) -> Picture {
    let parts = HOSTS
        .iter()
        .zip(parts)
        .map(|(host, status)| (host.parse().unwrap(), (*status, Counters::default())))
        .collect();
    let outcome = Ok(FollowedTask {
        id,
        task_type: Some(TaskType::Rebalance { fix_layout: false }),
        bricks: vec![],
        parts,
    });
    let report = Arc::new(Followed { at, outcome });
    picture.followed.insert(volume(), report);
    picture
}

fn refused(mut picture: Picture, kind: GlusterErrorKind, at: Instant) -> Picture {
    let outcome = Err(GlusterError { kind, message: String::new(), op_errno: 0, hosts: vec![] });
    let report = Arc::new(Followed { at, outcome });
    picture.followed.insert(volume(), report);
    picture
}

fn is_wanted(picture: &Picture) -> bool {
    volumes(picture, &Again::new()).contains_key(&volume())
}

use PartStatus::{Completed, Failed, InProgress, NotStarted, Reset};

#[test]
fn an_idle_volume_costs_no_call() {
    let begin = Instant::now();
    for held in [None, Some((task(1), Completed)), Some((task(1), Failed)), Some((task(1), Reset))] {
        assert!(!is_wanted(&picture(held, begin)), "{held:?}");
    }
    assert!(!is_wanted(&Picture::default()));
}

#[test]
fn a_task_is_asked_for_until_every_part_has_ended() {
    let begin = Instant::now();
    let later = begin + Duration::from_secs(2);
    let own = |status| picture(Some((task(1), status)), begin);
    let some_run = [Completed, InProgress];
    let all_ended = [Completed, Failed];
    // This host's part runs, or it takes no part and others' may run.
    for status in [InProgress, NotStarted] {
        assert!(is_wanted(&own(status)));
        assert!(is_wanted(&told(own(status), Some(task(1)), &some_run, later)));
        assert!(!is_wanted(&told(own(status), Some(task(1)), &all_ended, later)));
        // What was told of another task says nothing of this one.
        assert!(is_wanted(&told(own(status), Some(task(2)), &all_ended, later)));
    }
    // It runs again under its id: it was told ended before this host's look.
    assert!(is_wanted(&told(own(InProgress), Some(task(1)), &all_ended, begin)));
    // This host's part has ended, others' have not.
    assert!(is_wanted(&told(own(Completed), Some(task(1)), &some_run, later)));
    assert!(!is_wanted(&told(own(Completed), Some(task(1)), &all_ended, later)));
    assert!(!is_wanted(&told(own(Completed), None, &[], later)));
}

#[test]
fn the_last_call_is_made_again_only_if_it_may_be_answered() {
    let begin = Instant::now();
    let own = || picture(Some((task(1), Completed)), begin);
    for (kind, again) in [
        (GlusterErrorKind::AnotherTransaction, true),
        (GlusterErrorKind::TimedOut, true),
        (GlusterErrorKind::HostsDisagree, false),
        (GlusterErrorKind::VolumeNotStarted, false),
    ] {
        assert_eq!(is_wanted(&refused(own(), kind, begin)), again, "{kind:?}");
    }
}

#[test]
fn one_that_is_to_be_asked_again_is_asked_once() {
    let begin = Instant::now();
    let own = || picture(Some((task(1), Completed)), begin);
    let ended = |at| told(own(), Some(task(1)), &[Completed], at);
    let again = Again::from([(volume(), begin + Duration::from_secs(5))]);
    assert!(volumes(&ended(begin), &again).contains_key(&volume()));
    let asked = ended(begin + Duration::from_secs(6));
    assert!(!volumes(&asked, &again).contains_key(&volume()));
}

#[test]
fn a_report_stays_until_its_task_is_gone() {
    let begin = Instant::now();
    let later = begin + Duration::from_secs(2);
    let gone = |picture: &Picture| is_gone(picture, &volume(), &picture.followed[&volume()]);
    let ended = [Completed, Completed];
    let report = |held, at| told(picture(held, begin), Some(task(1)), &ended, at);
    assert!(!gone(&report(Some((task(1), Completed)), begin)));
    assert!(gone(&report(Some((task(2), InProgress)), begin)));
    assert!(gone(&report(None, begin)));
    // The look is older than the report.
    assert!(!gone(&report(None, later)));
    // The volume is gone; or get-state refuses, and nothing is known.
    let mut without = report(None, begin);
    without.own = Some(OwnView::default());
    assert!(gone(&without));
    without.own = Some(OwnView {
        error: Some(GlusterError {
            kind: GlusterErrorKind::StateWithheld,
            message: String::new(),
            op_errno: 0,
            hosts: vec![],
        }),
        ..OwnView::default()
    });
    assert!(!gone(&without));
}
