//! What holds for every plan, whatever hosts say in whatever order.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use hod_core::change::{Change, Origin};
use hod_core::command::intention::Answer;
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::job::JobStatus;
use hod_core::observation::{Holding, Observation, Word};
use hod_core::plan;
use hod_core::record::Pause;
use hod_core::record::Recorded;
use hod_core::task::{PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;
use proptest::prelude::*;
use support::{A, C, REBALANCE, World};

/// Something that happens to the pool, or that a host says of it.
#[derive(Clone, Debug)]
enum Happening {
    Pass(i64),
    Answer(usize),
    Silence(usize),
    Refuse(usize),
    Holds { host: usize, task: u128, remove: bool, status: PartStatus, files: u64 },
    Nothing { host: usize, residue: Option<(PartStatus, u64)>, volumes: bool },
    Follow { host: usize, task: u128, remove: bool, parts: Vec<(usize, PartStatus, u64)> },
    FollowFails(usize, GlusterErrorKind),
    Forget(usize),
    Command(usize, &'static str),
    DropBrick(usize),
    LookAtVolumes(usize),
    VolumesEmpty(usize),
    VolumesFail(usize),
    Detach { host: usize, asked: usize },
    Intend { remove: bool },
    Reply(Option<u128>),
    Pause,
}

fn part_status() -> impl Strategy<Value = PartStatus> {
    use PartStatus::{Completed, Failed, InProgress, NotStarted, Reset, Stopped, Unknown};
    prop::sample::select(vec![
        NotStarted, InProgress, InProgress, Stopped, Completed, Completed, Failed, Reset, Unknown,
    ])
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let host = || A..=C;
    let part = || (host(), part_status(), 0..50_u64);
    prop_oneof![
        4 => prop::sample::select(vec![0_i64, 1, 2, 10, 61, 200, 4000]).prop_map(Pass),
        3 => host().prop_map(Answer),
        2 => host().prop_map(Silence),
        1 => host().prop_map(Refuse),
        6 => (host(), 1..4_u128, any::<bool>(), part_status(), 0..50_u64)
            .prop_map(|(host, task, remove, status, files)| Holds { host, task, remove, status, files }),
        4 => (host(), prop::option::of((part_status(), 0..50_u64)), any::<bool>())
            .prop_map(|(host, residue, volumes)| Nothing { host, residue, volumes }),
        3 => (host(), 1..4_u128, any::<bool>(), prop::collection::vec(part(), 0..4))
            .prop_map(|(host, task, remove, parts)| Follow { host, task, remove, parts }),
        1 => (host(), prop::sample::select(vec![GlusterErrorKind::TimedOut, GlusterErrorKind::HostsDisagree,
            GlusterErrorKind::AnotherTransaction, GlusterErrorKind::TaskNotStarted])).prop_map(|(h, k)| FollowFails(h, k)),
        1 => host().prop_map(Forget),
        2 => (host(), prop::sample::select(vec![
            "volume rebalance dist stop", "volume rebalance dist start",
            "volume remove-brick dist node-c:/bricks/2 commit", "volume remove-brick dist node-c:/bricks/2 stop",
            "volume remove-brick dist node-c:/bricks/2 force"])).prop_map(|(h, c)| Command(h, c)),
        1 => host().prop_map(DropBrick),
        2 => host().prop_map(LookAtVolumes),
        1 => host().prop_map(VolumesEmpty),
        1 => host().prop_map(VolumesFail),
        1 => (host(), host()).prop_map(|(host, asked)| Detach { host, asked }),
        1 => any::<bool>().prop_map(|remove| Intend { remove }),
        1 => prop::option::of(1..4_u128).prop_map(Reply),
        1 => Just(Pause),
    ]
}

fn error(kind: GlusterErrorKind) -> GlusterError {
    GlusterError { kind, message: format!("{kind:?}"), op_errno: 0, hosts: Vec::new() }
}

/// A rebalance for odd tasks, a remove-brick for even ones, as a rule: Gluster never
/// changes a task's type, but a source may tell it or not.
fn type_of(task: u128, remove: bool) -> TaskType {
    if task.is_multiple_of(2) {
        TaskType::RemoveBrick
    } else if remove {
        TaskType::Rebalance { fix_layout: true }
    } else {
        REBALANCE
    }
}

fn happen(w: &mut World, h: &Happening) {
    match h {
        Happening::Pass(seconds) => w.pass(*seconds),
        Happening::Answer(host) => w.answer(*host),
        Happening::Silence(host) => w.silence(*host),
        Happening::Refuse(host) => {
            let word = Word::Refused { why: "another host".to_owned() };
            w.observed.hosts.get_mut(&support::host_id(*host)).unwrap().word = word;
        }
        Happening::Holds { host, task, remove, status, files } => {
            w.holds(*host, *task, &type_of(*task, *remove), *status, *files);
        }
        Happening::Nothing { host, residue, volumes } => {
            w.own(*host, Holding::Nothing { residue: residue.map(|(s, n)| (s, support::files(n))) });
            if *volumes {
                w.look_at_volumes(*host);
            }
        }
        Happening::Follow { host, task, remove, parts } => {
            w.follow(*host, *task, &type_of(*task, *remove), parts);
        }
        Happening::FollowFails(host, kind) => w.follow_fails(*host, *kind),
        Happening::Forget(host) => {
            let picture = w.picture(*host);
            picture.own.clear();
            picture.own_error = Some(error(GlusterErrorKind::StateWithheld));
        }
        Happening::Command(host, command) => w.command(*host, command),
        Happening::DropBrick(host) => w.drop_brick(*host),
        Happening::LookAtVolumes(host) => w.look_at_volumes(*host),
        Happening::VolumesEmpty(host) => {
            let at = w.now;
            let volumes = &mut w.picture(*host).volumes;
            (volumes.at, volumes.outcome) = (at, Ok(Vec::new()));
        }
        Happening::VolumesFail(host) => {
            w.picture(*host).volumes.outcome = Err(error(GlusterErrorKind::GlusterdDown));
        }
        // An intention is only made of a volume that is free, or whose task is paused.
        Happening::Intend { remove } => {
            if !w.recorded.intentions.is_empty() {
                return;
            }
            let holder = w.recorded.locks.values().next().copied();
            let mut tasks = w.recorded.tasks.values();
            let paused =
                tasks.find(|t| t.status == TaskStatus::Paused && Some(t.job) == holder).map(|t| t.task);
            if let Some(task) = paused {
                w.intend_resume(task);
            } else if !w.is_locked() {
                w.intend(if *remove { TaskType::RemoveBrick } else { REBALANCE });
            }
        }
        Happening::Reply(done) => {
            let answer = match done {
                Some(task) => Answer::Done(Some(support::task_id(*task))),
                None => Answer::Refused("no".to_owned()),
            };
            w.recorded.intentions.values_mut().for_each(|i| i.answer = Some(answer.clone()));
        }
        Happening::Pause => {
            let pause = Pause { by: "op".to_owned(), at: w.now };
            for task in w.recorded.tasks.values_mut().filter(|t| t.status == TaskStatus::Running) {
                task.pause = Some(pause.clone());
            }
        }
        Happening::Detach { host, asked } => {
            if host != asked {
                let at = w.now;
                let peers = &mut w.picture(*asked).peers;
                peers.at = at;
                if let Ok(peers) = &mut peers.outcome {
                    peers.retain(|p| p.id != support::host_id(*host));
                }
            }
        }
    }
}

/// Plans and applies until there is nothing left.
fn settle(w: &World, recorded: &mut Recorded) {
    for _ in 0..20 {
        let planned = plan(recorded, &w.observed, w.now, &w.settings);
        if planned.is_empty() {
            return;
        }
        for p in &planned {
            recorded.apply(&p.change);
        }
    }
    panic!("planning does not come to an end");
}

/// The same observation, told in another order.
fn reordered(observed: &Observation) -> Observation {
    let mut other = observed.clone();
    for picture in other.hosts.values_mut().filter_map(|v| v.picture.as_mut()) {
        let picture = Arc::make_mut(picture);
        picture.history.reverse();
        if let Ok(peers) = &mut picture.peers.outcome {
            peers.reverse();
        }
        if let Ok(volumes) = &mut picture.volumes.outcome {
            volumes.reverse();
        }
    }
    other
}

/// An observation that knows nothing: every host silent, or every answer an error.
fn nothing_known(w: &World, errors: bool) -> Observation {
    let mut other = w.observed.clone();
    for view in other.hosts.values_mut() {
        if errors {
            view.word = Word::Answering { at: w.now, glusterd: false };
        } else {
            view.word = Word::Silent { since: w.now, why: "silent".to_owned() };
        }
        if let Some(picture) = view.picture.as_mut().map(Arc::make_mut) {
            picture.peers.outcome = Err(error(GlusterErrorKind::GlusterdDown));
            picture.volumes.outcome = Err(error(GlusterErrorKind::TimedOut));
            picture.own.clear();
            picture.own_error = Some(error(GlusterErrorKind::StateWithheld));
            picture.followed.clear();
            picture.history.clear();
        }
    }
    other
}

/// 400 unless PROPTEST_CASES asks for another number.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

proptest! {
    // A seed that failed is not kept: what it shrinks to becomes a test of its own.
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_holds(happenings in prop::collection::vec(happening(), 1..40)) {
        let mut w = World::new();
        for h in &happenings {
            happen(&mut w, h);
            let planned = plan(&w.recorded, &w.observed, w.now, &w.settings);

            // Order of input does not matter.
            prop_assert_eq!(&plan(&w.recorded, &reordered(&w.observed), w.now, &w.settings), &planned);

            // Applied whole, nothing is left; applied in part and planned again, it comes to the same end.
            let mut whole = w.recorded.clone();
            for p in &planned {
                whole.apply(&p.change);
            }
            let left = plan(&whole, &w.observed, w.now, &w.settings);
            prop_assert!(left.is_empty(), "left after {h:?}: {left:#?}");
            for cut in 0..planned.len() {
                let mut part = w.recorded.clone();
                for p in &planned[..cut] {
                    part.apply(&p.change);
                }
                settle(&w, &mut part);
                prop_assert_eq!(&part, &whole, "cut at {}", cut);
            }
            // Applied twice, nothing changes.
            let mut twice = whole.clone();
            for p in &planned {
                twice.apply(&p.change);
            }
            prop_assert_eq!(&twice.tasks, &whole.tasks);

            for p in &planned {
                if let Change::PutTask(put) = &p.change {
                    let before = w.recorded.tasks.get(&put.task.task);
                    check_step(before.map(|b| (b.job_status, b.step_status)), put)?;
                }
            }
            w.recorded = whole;

            // A lock has an open job, and an ended job no lock.
            for (volume, job) in &w.recorded.locks {
                let holder = w.recorded.tasks.values().find(|t| t.job == *job);
                let intended = w.recorded.intentions.get(volume).is_some_and(|i| i.job == *job);
                prop_assert!(intended || holder.is_some_and(|t| t.job_status.is_open() && t.volume == *volume));
            }

            // What is not known ends nothing.
            for errors in [false, true] {
                for p in plan(&w.recorded, &nothing_known(&w, errors), w.now, &w.settings) {
                    if let Change::PutTask(put) = &p.change {
                        prop_assert_eq!((put.job, put.step), (None, None), "ended by nothing");
                    }
                }
            }
        }
    }
}

/// A status changes by the transition that is named, and by no other; counters of a
/// task do not run backwards unless it runs again.
fn check_step(
    before: Option<(JobStatus, JobStatus)>,
    put: &hod_core::change::PutTask,
) -> Result<(), TestCaseError> {
    let Some((job, step)) = before else {
        prop_assert!(put.origin != Origin::Known);
        return Ok(());
    };
    for (was, is, transition) in [(job, put.task.job_status, put.job), (step, put.task.step_status, put.step)]
    {
        match transition {
            None => prop_assert_eq!(was, is),
            Some(t) => prop_assert_eq!(t.of(was), Ok(is)),
        }
    }
    Ok(())
}

#[test]
fn every_pair_of_status_and_event_is_a_named_transition_or_refused() {
    use JobStatus::{Aborted, Failed, Finished, Started, Unknown};
    let allowed = [
        (Started, Transition::Complete, Finished),
        (Started, Transition::Fail, Failed),
        (Started, Transition::Abort, Aborted),
        (Started, Transition::Lose, Unknown),
        (Started, Transition::Abandon, Unknown),
        (Unknown, Transition::Complete, Finished),
        (Unknown, Transition::Fail, Failed),
        (Unknown, Transition::Abort, Aborted),
        (Unknown, Transition::RunAgain, Started),
        (Failed, Transition::RunAgain, Started),
    ];
    for from in JobStatus::ALL {
        for transition in Transition::ALL {
            let named = allowed.iter().find(|(f, t, _)| (*f, *t) == (from, transition)).map(|(_, _, to)| *to);
            assert_eq!(transition.of(from).ok(), named, "{from:?} {transition:?}");
        }
    }
}
