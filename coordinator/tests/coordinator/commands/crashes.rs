//! The coordinator dies at every step of a command, and there is one truth after.

use hod_coordinator::commands::fault::FaultPoint;
use hod_core::task::PartStatus;
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::JobStatus;
use hod_proto::coordinator::v1::commands_client::CommandsClient;
use hod_proto::types::v1::TaskStatus;
use tokio::time::timeout;
use tonic::transport::Channel;

use super::{shop, start_rebalance};
use crate::support::pool::{FakePool, counters};
use crate::support::process::Process;
use crate::support::world::World;
use crate::support::{DEADLINE, until};

/// A coordinator's process on the world's database that dies at a step.
async fn mortal(world: &World, dies_at: FaultPoint) -> (Process, Channel) {
    let process = Process::on(&world.database(), |command| {
        command.env("HOD_COORDINATOR_FAULT_POINT", dies_at.name());
    })
    .await;
    let channel = process.channel();
    // Heard by this process, not only recorded by the one before.
    let heard = async || {
        let request = pb::StartRebalanceRequest { dry_run: true, ..start_rebalance() };
        let answer = CommandsClient::new(channel.clone()).start_rebalance(request).await.ok()?;
        let plan = answer.into_inner().receipt?.plan?;
        plan.problems.iter().all(|p| p.code == "volume-busy").then_some(())
    };
    until("the process to hear its hosts", heard).await;
    (process, channel)
}

/// It is dead, and not by an exit of its own.
async fn dead(mut process: Process, at: FaultPoint) {
    let ended = timeout(DEADLINE, process.child.wait()).await;
    let status = ended.unwrap_or_else(|_| panic!("{} is never reached", at.name())).unwrap();
    assert_eq!(status.code(), None, "{}: {status}", at.name());
}

/// What is so after a start that died at a step.
enum After {
    /// Nothing was begun.
    Nothing,
    /// The job failed: Gluster was not asked.
    Failed,
    /// The job runs.
    Runs,
}

async fn a_start_dies(at: FaultPoint, after: After) {
    let (mut world, pool) = shop(2, |_| {}).await;
    world.stop().await;
    let (process, channel) = mortal(&world, at).await;
    let request = pb::StartRebalanceRequest { throttle: pb::Throttle::Lazy.into(), ..start_rebalance() };
    // It may have answered before it died, or not.
    let _ = CommandsClient::new(channel).start_rebalance(request).await;
    dead(process, at).await;

    world.start().await;
    match after {
        After::Nothing => assert_eq!(world.all_jobs().await, []),
        After::Failed => {
            let job = world.only_job().await.job_id;
            let ended = world.job_is(&job, JobStatus::Failed).await;
            assert!(ended.message.contains("never started"), "{ended:?}");
        }
        After::Runs => {
            let job = world.only_job().await;
            world.task_is(&job.job_id, TaskStatus::Running).await;
            assert!(!world.only_job().await.external);
            pool.gluster.parts(PartStatus::Completed, counters(1));
            world.job_is(&job.job_id, JobStatus::Finished).await;
        }
    }
    let starts = pool.gluster.calls().iter().filter(|c| c.ends_with("start")).count();
    assert!(starts <= 1, "{:?}", pool.gluster.calls());
    // The throttle is put back in any case, and the volume is free.
    let option =
        |pool: &FakePool| pool.gluster.scripts()[0].volumes[0].options.contains_key("cluster.rebal-throttle");
    until("the throttle to be put back", async || (!option(&pool)).then_some(())).await;
    until("the volume to be free", async || world.commands().start_rebalance(start_rebalance()).await.ok())
        .await;
    world.end().await;
}

async fn an_end_dies(at: FaultPoint, was_asked: bool) {
    let (mut world, pool) = shop(2, |_| {}).await;
    let own = world.rebalance().await;
    world.stop().await;
    let (process, channel) = mortal(&world, at).await;
    let request = pb::PauseRebalanceRequest { volume: "dist".into(), ..Default::default() };
    let _ = CommandsClient::new(channel).pause_rebalance(request).await;
    dead(process, at).await;

    world.start().await;
    let stops = || pool.gluster.calls().iter().filter(|c| c.ends_with("stop")).count();
    assert_eq!(stops(), usize::from(was_asked));
    if was_asked {
        world.task_is(&own.job_id, TaskStatus::Paused).await;
    } else {
        world.task_is(&own.job_id, TaskStatus::Running).await;
        // Asked again, it is done.
        let pause = async || {
            let request = pb::PauseRebalanceRequest { volume: "dist".into(), ..Default::default() };
            world.commands().pause_rebalance(request).await.ok()
        };
        until("a pause", pause).await;
        world.task_is(&own.job_id, TaskStatus::Paused).await;
        assert_eq!(stops(), 1);
    }
    world.only_job().await;
    world.end().await;
}

/// What is tried at each step. The match is whole: a step without a test does not compile.
async fn dies(at: FaultPoint) {
    match at {
        FaultPoint::Checked => a_start_dies(at, After::Nothing).await,
        FaultPoint::Opened | FaultPoint::Prepared => a_start_dies(at, After::Failed).await,
        FaultPoint::Acted | FaultPoint::Recorded | FaultPoint::HandedOver => {
            a_start_dies(at, After::Runs).await;
        }
        FaultPoint::EndingChecked | FaultPoint::EndingNoted => an_end_dies(at, false).await,
        FaultPoint::EndingActed | FaultPoint::EndingTold => an_end_dies(at, true).await,
    }
}

macro_rules! crashes {
    ($($test:ident: $point:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                dies(FaultPoint::$point).await;
            }
        )*

        /// The list is the runner's own.
        #[test]
        fn every_step_is_tried() {
            let tried = [$(FaultPoint::$point),*];
            assert_eq!(tried, FaultPoint::ALL);
        }
    };
}

crashes! {
    once_checked: Checked;
    once_opened: Opened;
    once_prepared: Prepared;
    once_acted: Acted;
    once_recorded: Recorded;
    once_handed_over: HandedOver;
    once_an_end_is_checked: EndingChecked;
    once_an_end_is_noted: EndingNoted;
    once_an_end_was_acted_on: EndingActed;
    once_an_end_is_told: EndingTold;
}
