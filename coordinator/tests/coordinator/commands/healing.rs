//! Replacing and resetting a brick: one job from the checks to healed; and those that
//! were typed into Gluster's own command line.

use hod_core::brick::{Brick, BrickName};
use hod_proto::coordinator::v1 as pb;
use hod_proto::coordinator::v1::{JobStatus, StepType};
use tokio::time::{Duration, Instant};

use super::{replica, shop, start_rebalance, steps};
use crate::support::gluster::Reply;
use crate::support::pool::FakePool;
use crate::support::until;
use crate::support::world::World;

const NEW: &str = "127.0.0.1:/bricks/new";

fn new_brick(pool: &FakePool) -> Brick {
    Brick { host: pool.id(0), path: "/bricks/new".into() }
}

async fn replace(world: &World, pool: &FakePool) -> String {
    let request = pb::ReplaceBrickRequest {
        volume: "dist".into(),
        old_brick: pool.brick_name(0),
        new_brick: NEW.into(),
        ..Default::default()
    };
    world.commands().replace_brick(request).await.unwrap().into_inner().receipt.unwrap().job_id
}

async fn message(world: &World, job: &str, part: &str) -> pb::Job {
    until(&format!("the job to say {part:?}"), async || {
        let job = world.job(job).await;
        job.message.contains(part).then_some(job)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_brick_is_watched_until_it_is_healed() {
    let (world, pool) = shop(2, replica(2)).await;
    // As Gluster does: what the new brick lacks is pending at once.
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(0));
    pool.gluster.brick(&new_brick(&pool), |brick| brick.pending = Some(5));
    let job = replace(&world, &pool).await;
    let open = message(&world, &job, "5 entries wait to be healed").await;
    assert_eq!(steps(&open)[2], (StepType::ReplacingBrick, JobStatus::Started));
    let task = open.steps[2].task.as_ref().unwrap();
    let paths: Vec<&str> = task.bricks.iter().map(|b| b.path.as_str()).collect();
    assert_eq!(paths, ["/bricks/d", "/bricks/new"]);
    assert_eq!(
        pool.gluster.calls(),
        [format!("volume replace-brick dist {} {NEW} commit force", pool.brick_name(0))]
    );
    // One volume, one operation.
    let status = world.commands().start_rebalance(start_rebalance()).await.unwrap_err();
    assert!(super::wrong(&status).0.contains(&"volume-busy".to_owned()), "{status}");

    pool.gluster.brick(&new_brick(&pool), |brick| brick.serves = Some(false));
    message(&world, &job, "does not serve").await;
    pool.gluster.brick(&new_brick(&pool), |brick| brick.serves = Some(true));
    pool.gluster.brick(&new_brick(&pool), |brick| brick.pending = Some(1));
    message(&world, &job, "1 entry waits").await;
    pool.gluster.brick(&new_brick(&pool), |brick| brick.pending = Some(0));
    let ended = world.job_is(&job, JobStatus::Finished).await;
    assert!(ended.message.contains("healed"), "{ended:?}");
    let counters = ended.steps[2].task.as_ref().unwrap().counters.as_ref().unwrap();
    assert_eq!(counters.files, 5);
    // hod's own command stands in the history, and is found by nobody.
    world.only_job().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn split_brain_is_told_and_keeps_the_job_open() {
    let (world, pool) = shop(2, replica(2)).await;
    let job = replace(&world, &pool).await;
    // What is in split-brain is told by Gluster's summary only.
    pool.gluster.brick(&new_brick(&pool), |brick| brick.split_brain = Some(2));
    let open = message(&world, &job, "split-brain").await;
    assert_eq!(open.status(), JobStatus::Started);
    let attention = &open.steps[2].task.as_ref().unwrap().attention;
    assert_eq!(attention[0].code, "split-brain");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_gluster_refuses_fails_and_one_whose_answer_was_lost_is_seen() {
    let (world, pool) = shop(2, replica(2)).await;
    pool.gluster.reply("replace-brick commit force", Reply::Refuse("Pre Validation failed on node-c."));
    let job = replace(&world, &pool).await;
    let ended = world.job_is(&job, JobStatus::Failed).await;
    assert!(ended.message.contains("Pre Validation failed"), "{ended:?}");
    pool.gluster.reply("replace-brick commit force", Reply::LostUndone);
    let job = replace(&world, &pool).await;
    world.job_is(&job, JobStatus::Failed).await;
    pool.gluster.reply("replace-brick commit force", Reply::LostDone);
    let job = replace(&world, &pool).await;
    world.job_is(&job, JobStatus::Finished).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_two_commands_and_one_job() {
    let (world, pool) = shop(2, replica(2)).await;
    let brick = pool.brick_name(0);
    let request = pb::ResetBrickRequest { volume: "dist".into(), brick: brick.clone(), ..Default::default() };
    let job =
        world.commands().reset_brick(request.clone()).await.unwrap().into_inner().receipt.unwrap().job_id;
    world.job_is(&job, JobStatus::Finished).await;
    assert_eq!(
        pool.gluster.calls(),
        [
            format!("volume reset-brick dist {brick} start"),
            format!("volume reset-brick dist {brick} {brick} commit force")
        ]
    );
    let ids: Vec<String> = pool.gluster.requests().into_iter().map(|c| c.request).collect();
    assert_ne!(ids[0], ids[1]);

    pool.gluster.reply("reset-brick commit force", Reply::Refuse("Source brick must be stopped."));
    let job = world.commands().reset_brick(request).await.unwrap().into_inner().receipt.unwrap().job_id;
    let ended = world.job_is(&job, JobStatus::Failed).await;
    assert!(ended.message.contains("taken out of service"), "{ended:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_from_gluster_s_command_line_is_found_once_and_watched() {
    let (mut world, pool) = shop(2, replica(2)).await;
    // Nothing is pending: there is nothing to watch.
    pool.gluster
        .history(pool.id(1), "volume reset-brick dist 127.0.0.1:/bricks/d 127.0.0.1:/bricks/d commit force");
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(0));
    let quiet = Instant::now() + Duration::from_secs(2);
    until("nothing to be found", async || {
        assert_eq!(world.all_jobs().await, []);
        (Instant::now() > quiet).then_some(())
    })
    .await;

    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(4));
    let job = until("the job", async || world.all_jobs().await.into_iter().next()).await;
    assert!(job.external && job.actor.contains("command line on"), "{job:?}");
    assert!(job.description.contains("Resetting"), "{job:?}");
    message(&world, &job.job_id, "4 entries").await;
    world.stop().await;
    world.start().await;
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(0));
    world.job_is(&job.job_id, JobStatus::Finished).await;
    world.only_job().await;
    assert_eq!(pool.gluster.calls(), Vec::<String>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_from_gluster_s_command_line_is_found() {
    let (world, pool) = shop(2, replica(2)).await;
    let command = format!("volume replace-brick dist {} {NEW} commit force", pool.brick_name(0));
    pool.gluster.everywhere(|script| {
        let brick = &mut script.volumes[0].bricks[0];
        brick.name = BrickName::parse(NEW).unwrap();
        brick.brick = Some(new_brick(&pool));
    });
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(2));
    pool.gluster.history(pool.id(1), &command);
    let job = until("the job", async || world.all_jobs().await.into_iter().next()).await;
    assert!(
        job.external && job.description.contains("Replacing") && job.description.contains(NEW),
        "{job:?}"
    );
    let status = world.commands().start_rebalance(start_rebalance()).await.unwrap_err();
    assert!(super::wrong(&status).0.contains(&"volume-busy".to_owned()), "{status}");
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(0));
    world.job_is(&job.job_id, JobStatus::Finished).await;
    world.only_job().await;
    world.end().await;
}
