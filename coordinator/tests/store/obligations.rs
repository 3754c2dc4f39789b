//! What outlives a command: throttles to be put back, windows, what is told once, and
//! what is known of the last run.

use std::collections::BTreeMap;
use std::time::Duration;

use hod_coordinator::store::{
    CommandEvent, CommandStore as _, NewCommand, NewThrottle, Store as _, StoreError, ThrottleState,
    VolumeWindow,
};
use hod_core::event::Severity;
use hod_core::job::JobStatus;
use hod_core::task::{Counters, PartStatus, TaskStatus, TaskType};
use hod_core::transition::Transition;

use crate::commands::{REBALANCE, adopted, command, kinds, open, settled, start, task_of};
use crate::support::{World, changed, ended, found, put};

fn throttle(set: &str, previous: Option<&str>) -> NewThrottle {
    NewThrottle { set: set.into(), previous: previous.map(Into::into) }
}

/// From before it is set until it is put back, whatever becomes of who set it.
#[tokio::test]
async fn a_throttle_is_owed_until_it_is_put_back() {
    let world = World::new().await;
    let shop = world.shop().await;
    let new = NewCommand { throttle: Some(throttle("aggressive", None)), ..command(&shop, start(REBALANCE)) };
    let first = world.store.open_command(shop.lease, &new).await.unwrap();
    let owed = async || world.store.throttles(shop.pool.id).await.unwrap();
    let [before] = owed().await.try_into().unwrap();
    assert_eq!((before.job, before.job_open, before.state), (Some(first.job), true, ThrottleState::Intended));
    assert_eq!((before.set.as_str(), before.previous), ("aggressive", None));
    world.store.throttle_is_set(shop.lease, shop.volume, "aggressive").await.unwrap();
    assert_eq!(owed().await[0].state, ThrottleState::Set);
    shop.apply(&world, &[settled(&shop, &first, Some(Transition::Fail), "no")]).await;
    let old = owed().await.pop().unwrap();
    assert!(!old.job_open, "now it is to be put back");
    let error = world
        .store
        .put_throttle(shop.lease, first.job, shop.volume, &throttle("lazy", None))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");

    // The next command comes before it was: what was there before the first is owed.
    let second = open(&world, &shop).await;
    world
        .store
        .put_throttle(shop.lease, second.job, shop.volume, &throttle("lazy", Some("aggressive")))
        .await
        .unwrap();
    assert!(!world.store.remove_throttle(shop.lease, &old).await.unwrap(), "set anew meanwhile");
    let [now] = owed().await.try_into().unwrap();
    assert_eq!((now.job, now.set.as_str(), &now.previous), (Some(second.job), "lazy", &None));
    // A job that is long gone leaves what is owed.
    world.store.abandon_job(second.job, "", "x").await.unwrap();
    world.sql.batch_execute("SELECT ClearJobs(ARRAY(SELECT id FROM jobs))").await.unwrap();
    let [now] = owed().await.try_into().unwrap();
    assert_eq!((now.job, now.job_open), (None, false));
    assert!(world.store.remove_throttle(shop.lease, &now).await.unwrap());
    assert!(owed().await.is_empty());
    // What somebody else set meanwhile is what was there before.
    let third = open(&world, &shop).await;
    world
        .store
        .put_throttle(shop.lease, third.job, shop.volume, &throttle("lazy", Some("normal")))
        .await
        .unwrap();
    assert_eq!(owed().await[0].previous.as_deref(), Some("normal"));
}

fn window(weekdays: &[u32], begin: &str, end: &str, zone: &str) -> VolumeWindow {
    VolumeWindow { weekdays: weekdays.into(), begin: begin.into(), end: end.into(), zone: zone.into() }
}

#[tokio::test]
async fn windows_are_read_as_they_were_set() {
    let world = World::new().await;
    let shop = world.shop().await;
    let set = async |windows: &[VolumeWindow]| {
        world.store.set_windows(shop.lease, shop.volume, windows, "alice").await
    };
    let windows = [window(&[5, 6], "22:00", "06:00", "Europe/Berlin"), window(&[], "12:30", "13:00", "UTC")];
    set(&windows).await.unwrap();
    let recorded = async || world.store.windows(shop.pool.id).await.unwrap();
    let expected = BTreeMap::from([(shop.volume, windows.to_vec())]);
    assert_eq!(recorded().await, expected);
    let last = world.events(shop.pool.id).await.pop().unwrap();
    assert_eq!((last.kind.as_str(), last.actor.as_str()), ("windows-set", "alice"));
    assert_eq!(
        last.message,
        "Volume dist may be rebalanced on Fri, Sat from 22:00 to 06:00 (Europe/Berlin), and every day from 12:30 to 13:00 (UTC)"
    );
    for (wanted, bad) in [
        ("weekdays", window(&[8], "22:00", "06:00", "UTC")),
        ("begin", window(&[], "22", "06:00", "UTC")),
        ("end", window(&[], "22:00", "24:00", "UTC")),
        ("time_zone", window(&[], "22:00", "06:00", "Middle/Earth")),
    ] {
        let error = set(&[bad]).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field, .. } if field == wanted), "{error}");
    }
    assert_eq!(recorded().await, expected, "what was refused has changed nothing");
    // A command may bring its own.
    let own = vec![window(&[1], "01:00", "02:00", "UTC")];
    let new = NewCommand { windows: Some(own.clone()), ..command(&shop, start(REBALANCE)) };
    world.store.open_command(shop.lease, &new).await.unwrap();
    assert_eq!(recorded().await[&shop.volume], own);
    set(&[]).await.unwrap();
    assert!(recorded().await.is_empty());
}

#[tokio::test]
async fn what_is_told_once_is_told_again_when_it_changes() {
    let world = World::new().await;
    let shop = world.shop().await;
    let intention = open(&world, &shop).await;
    let event = |kind, message: &str| CommandEvent {
        severity: Severity::Warning,
        kind,
        message: message.into(),
        actor: "hod".into(),
    };
    let once = async |message: &str| {
        world.store.record_once(shop.lease, intention.job, &event("gate-shut", message)).await.unwrap()
    };
    assert!(once("2 files are left").await);
    assert!(!once("2 files are left").await);
    world
        .store
        .record_command(shop.lease, intention.job, &event("command", "2 files are left"))
        .await
        .unwrap();
    assert!(!once("2 files are left").await, "of its own kind");
    assert!(once("1 file is left").await);
    assert!(once("2 files are left").await);
    let events = world.events(shop.pool.id).await;
    let told = events.last().unwrap();
    assert_eq!((told.volume, told.job, told.actor.as_str()), (Some(shop.volume), Some(intention.job), "hod"));
    assert_eq!(kinds(&events)[1..], ["gate-shut", "command", "gate-shut", "gate-shut"]);
}

#[tokio::test]
async fn a_remove_brick_awaits_its_commit_only_where_that_was_asked_for() {
    let world = World::new().await;
    let shop = world.shop().await;
    let awaiting = async || world.store.awaiting_auto_commit(shop.pool.id).await.unwrap();
    for auto_commit in [false, true] {
        let new = NewCommand { auto_commit, ..command(&shop, start(TaskType::RemoveBrick)) };
        let intention = world.store.open_command(shop.lease, &new).await.unwrap();
        let mut task = task_of(&shop, &intention);
        shop.apply(&world, &[adopted(&intention, &task)]).await;
        assert!(awaiting().await.is_empty(), "it runs");
        (task.step_status, task.status) = (JobStatus::Finished, TaskStatus::Completed);
        let completed =
            put(&task, false, None, Some(Transition::Complete), hod_core::change::LockChange::Keep, "x");
        shop.apply(&world, &[completed]).await;
        let expected = if auto_commit { vec![task.clone()] } else { Vec::new() };
        let found: Vec<_> = awaiting().await.into_iter().map(|t| t.record).collect();
        assert_eq!(found, expected);
        assert_eq!(world.store.job(intention.job).await.unwrap().auto_commit, auto_commit);
        task.job_status = JobStatus::Finished;
        task.ended_at = Some(shop.now);
        let committed =
            put(&task, false, Some(Transition::Complete), None, hod_core::change::LockChange::Release, "x");
        shop.apply(&world, &[committed]).await;
        assert!(awaiting().await.is_empty(), "it is committed");
    }
}

/// By the longest run time of its hosts; what moved nothing, moved small files, or runs still
/// tells nothing.
#[tokio::test]
async fn the_rate_is_that_of_the_last_task_that_moved_data() {
    let world = World::new().await;
    let shop = world.shop().await;
    let rate = async || world.store.last_rate(shop.pool.id, shop.volume).await.unwrap();
    let moved = [(3_000, 0, Some(300)), (0, 0, Some(300)), (6_000, 0, Some(600)), (6_000, 1, None)];
    for (bytes, files, expected) in moved {
        let mut task = shop.task();
        shop.apply(&world, &[found(&task)]).await;
        for (part, seconds) in task.parts.values_mut().zip([10, 4, 2]) {
            part.status = PartStatus::Completed;
            part.counters = Counters {
                files,
                bytes: bytes / 3,
                run_time: Some(Duration::from_secs(seconds)),
                ..Counters::default()
            };
        }
        let before = rate().await;
        shop.apply(&world, &[changed(&task)]).await;
        assert_eq!(rate().await, before, "it runs still");
        (task.job_status, task.step_status, task.status) =
            (JobStatus::Finished, JobStatus::Finished, TaskStatus::Completed);
        task.ended_at = Some(world.store.now().await.unwrap());
        shop.apply(&world, &[ended(&task, Transition::Complete)]).await;
        assert_eq!(rate().await, expected);
    }
}
