//! Windows: a rebalance runs in them, and is paused outside.

use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::types::v1::TaskStatus;
use jiff::{Timestamp, ToSpan as _};

use super::{argument, shop};
use crate::support::pool::counters;
use crate::support::until;
use crate::support::world::World;

/// A window in UTC, from so many minutes after now for two hours.
fn window(from: i64) -> pb::Window {
    let hour_minute = |minutes: i64| {
        let at = Timestamp::now() + minutes.minutes();
        at.strftime("%H:%M").to_string()
    };
    pb::Window {
        weekdays: Vec::new(),
        begin: hour_minute(from),
        end: hour_minute(from + 120),
        time_zone: "UTC".into(),
    }
}

async fn set(world: &World, windows: Vec<pb::Window>) {
    let request = pb::SetWindowsRequest { volume: "dist".into(), windows, ..Default::default() };
    world.commands().set_windows(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_it_is_paused_and_inside_it_goes_on() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    set(&world, vec![window(120)]).await;
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    let events = world.all_events().await;
    assert!(events.iter().any(|e| e.kind == "command" && e.actor == "hod (window)"), "{events:?}");
    set(&world, vec![window(120), window(-60)]).await;
    world.task_is(&own.job_id, TaskStatus::Running).await;
    pool.gluster.parts(PartStatus::Completed, counters(1));
    world.job_is(&own.job_id, JobStatus::Finished).await;
    world.only_job().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_paused_stays_paused_and_a_remove_brick_is_let_alone() {
    let (world, pool) = shop(3, |_| {}).await;
    let own = world.rebalance().await;
    let pause = pb::PauseRebalanceRequest { volume: "dist".into(), ..Default::default() };
    world.commands().pause_rebalance(pause).await.unwrap();
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    set(&world, vec![window(-60)]).await;
    let asked = pool.gluster.calls().len();
    let after_three_more = crate::web::metric(&world, "syncs_total").await + 6;
    until("some syncs", async || {
        (crate::web::metric(&world, "syncs_total").await >= after_three_more).then_some(())
    })
    .await;
    assert_eq!(pool.gluster.calls().len(), asked);
    world.task_is(&own.job_id, TaskStatus::Paused).await;
    let stop = pb::StopRebalanceRequest { volume: "dist".into(), ..Default::default() };
    world.commands().stop_rebalance(stop).await.unwrap();
    world.job_is(&own.job_id, JobStatus::Aborted).await;

    set(&world, vec![window(120)]).await;
    let own = world.remove_brick(&pool.brick_name(2)).await;
    let asked = pool.gluster.calls().len();
    let after_three_more = crate::web::metric(&world, "syncs_total").await + 6;
    until("some syncs", async || {
        (crate::web::metric(&world, "syncs_total").await >= after_three_more).then_some(())
    })
    .await;
    world.task_is(&own.job_id, TaskStatus::Running).await;
    assert_eq!(pool.gluster.calls().len(), asked);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_tells_its_windows() {
    let (world, _pool) = shop(2, |_| {}).await;
    for windows in [vec![window(0), window(1)], Vec::new()] {
        let request =
            pb::SetWindowsRequest { volume: "dist".into(), windows: windows.clone(), ..Default::default() };
        world.commands().set_windows(request).await.unwrap();
        let listed = world.pools().list_volumes(pb::ListVolumesRequest::default()).await.unwrap();
        assert_eq!(listed.into_inner().volumes[0].windows, windows);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_can_not_be_read_is_named() {
    let (world, pool) = shop(2, |_| {}).await;
    let mut commands = world.commands();
    for (wrong, field) in [
        (pb::Window { weekdays: vec![8], ..window(0) }, "windows.weekdays"),
        (pb::Window { begin: "25:00".into(), ..window(0) }, "windows.begin"),
        (pb::Window { end: "soon".into(), ..window(0) }, "windows.end"),
        (pb::Window { time_zone: "Mars/Olympus".into(), ..window(0) }, "windows.time_zone"),
    ] {
        let request = pb::SetWindowsRequest {
            volume: "dist".into(),
            windows: vec![wrong.clone()],
            ..Default::default()
        };
        argument(commands.set_windows(request).await, field);
        let request = pb::StartRebalanceRequest { windows: vec![wrong], ..super::start_rebalance() };
        argument(commands.start_rebalance(request).await, field);
    }
    world.unchanged(&pool).await;
    world.end().await;
}
