//! The agents' own commands on a real pool, and what they tell of real bricks.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hod_proto::agent::v1 as pb;
use hod_proto::agent::v1::agent_client::AgentClient;
use hod_proto::agent::v1::reset_brick_request::Phase;
use hod_proto::convert::agent::Outcome;
use hod_tests::on_every_version;
use hod_tests::pool::{Host, Pool, wait_for, wait_until};
use tonic::transport::Channel;

/// Time enough for what Gluster does by itself on a busy machine.
const WHILE: Duration = Duration::from_secs(180);

on_every_version!(bricks_are_emptied_replaced_and_reset);

async fn agent(host: &Host) -> Result<AgentClient<Channel>> {
    let address = format!("http://{}:7460", host.address().await?);
    let client = wait_for("the agent answers", WHILE, || async {
        Ok(Some(AgentClient::connect(address.clone()).await?))
    });
    client.await
}

fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn done(outcome: Option<pb::CommandOutcome>) -> Result<()> {
    let outcome = Outcome::try_from(outcome.context("no outcome")?)?;
    ensure!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    Ok(())
}

async fn bricks_are_emptied_replaced_and_reset(pool: &Pool) -> Result<()> {
    empty_a_brick(pool).await?;
    let bricks = ["node-a:/bricks/r", "node-b:/bricks/r", "node-c:/bricks/r"];
    pool.create_volume("r", &["replica", "3"], &bricks).await?;
    pool.heal_often("r").await?;
    pool.fill("r", 300).await?;
    replace_a_brick(pool).await?;
    reset_a_brick(pool).await
}

/// Files that are not on a brick, neither folders nor what is Gluster's own.
const FIND: &str = "find /bricks/v -path /bricks/v/.glusterfs -prune -o";

async fn count(host: &Host, what: &str) -> Result<u64> {
    let script = format!("{FIND} {what} -print | wc -l");
    Ok(host.run(&["sh", "-c", &script]).await?.trim().parse()?)
}

async fn walk(host: &Host) -> Result<pb::WalkBrickResponse> {
    let request = pb::WalkBrickRequest { volume: "v".into(), path: "/bricks/v".into(), names: 0 };
    let mut words = agent(host).await?.walk_brick(request).await?.into_inner();
    let mut last = None;
    while let Some(word) = words.message().await? {
        last = Some(word);
    }
    last.context("not a word")
}

async fn empty_a_brick(pool: &Pool) -> Result<()> {
    pool.create_volume("v", &[], &["node-a:/bricks/v", "node-b:/bricks/v", "node-c:/bricks/v"]).await?;
    pool.fill("v", 1500).await?;
    // A file that has another name leaves a link file where the new one belongs.
    let script = "cd /mnt/v && for f in d0/f1* d1/f2*; do mv $f $f.moved; done";
    pool.a().run(&["sh", "-c", script]).await?;
    let links = "-type f -perm 1000 -size 0";
    ensure!(count(pool.c(), links).await? > 0, "there is no link file to be told from a file");
    let (all, links_then) = (count(pool.c(), "! -type d").await?, count(pool.c(), links).await?);
    let told = walk(pool.c()).await?;
    ensure!(told.finished && told.files == all - links_then, "{told:?} of {all} less {links_then}");

    let bricks = vec!["node-c:/bricks/v".to_owned()];
    let volume = || "v".to_owned();
    // Asked for on another host than the brick's.
    let mut agent = agent(pool.b()).await?;
    let start = pb::StartRemoveBrickRequest {
        request_id: id(),
        volume: volume(),
        bricks: bricks.clone(),
        lease: None,
    };
    let first = agent.start_remove_brick(start.clone()).await?.into_inner();
    done(first.outcome.clone())?;
    ensure!(agent.start_remove_brick(start).await?.into_inner() == first, "another answer");
    let status = ["volume", "remove-brick", "v", "node-c:/bricks/v", "status"];
    wait_until("the brick is emptied", WHILE, || async {
        Ok(pool.a().gluster_xml(&status).await?.contains("<statusStr>completed</statusStr>"))
    })
    .await?;
    let told = walk(pool.c()).await?;
    ensure!(told.finished && told.files == 0, "{told:?}");
    let left = "/bricks/v/d0/left";
    pool.c().run(&["touch", left]).await?;
    let told = walk(pool.c()).await?;
    ensure!(told.finished && told.names == ["d0/left"], "{told:?}");
    pool.c().run(&["rm", left]).await?;
    let commit = pb::CommitRemoveBrickRequest { request_id: id(), volume: volume(), bricks, lease: None };
    done(agent.commit_remove_brick(commit).await?.into_inner().outcome)?;
    let files = pool.a().run(&["sh", "-c", "find /mnt/v -type f | wc -l"]).await?;
    ensure!(files.trim() == "1500", "{files} files are left of 1500");
    Ok(())
}

async fn pending(host: &Host) -> Result<u64> {
    let request = pb::CountPendingHealsRequest { volume: "r".into() };
    let bricks = agent(host).await?.count_pending_heals(request).await?.into_inner().bricks;
    ensure!(bricks.len() == 1 && bricks[0].error.is_empty(), "{bricks:?}");
    Ok(bricks[0].entries)
}

async fn serves(host: &Host) -> Result<bool> {
    let request = pb::GetBrickSpaceRequest { volume: "r".into() };
    let told = agent(host).await?.get_brick_space(request).await?.into_inner();
    ensure!(told.bricks.len() == 1 && told.geo_replication_sessions == Some(0), "{told:?}");
    told.bricks[0].serves.with_context(|| format!("{told:?}"))
}

/// Waits until nothing is pending on the other hosts, and the brick has all files.
async fn is_healed(pool: &Pool, brick: &str) -> Result<()> {
    wait_until(&format!("{brick} is healed"), WHILE, || async {
        let files = format!("find {brick} -path {brick}/.glusterfs -prune -o -type f -print | wc -l");
        let files = pool.c().run(&["sh", "-c", &files]).await?;
        Ok(pending(pool.a()).await? == 0 && pending(pool.b()).await? == 0 && files.trim() == "300")
    })
    .await?;
    let request = pb::GetHealSummaryRequest { volume: "r".into() };
    let told = agent(pool.b()).await?.get_heal_summary(request).await?.into_inner().bricks;
    let clean = |b: &pb::BrickHeal| b.connected && b.pending == Some(0) && b.split_brain == Some(0);
    ensure!(told.len() == 3 && told.iter().all(clean), "{told:?}");
    Ok(())
}

async fn replace_a_brick(pool: &Pool) -> Result<()> {
    ensure!(serves(pool.c()).await?);
    let request = pb::ReplaceBrickRequest {
        request_id: id(),
        volume: "r".into(),
        old_brick: "node-c:/bricks/r".into(),
        new_brick: "node-c:/bricks/new".into(),
        lease: None,
    };
    done(agent(pool.a()).await?.replace_brick(request).await?.into_inner().outcome)?;
    wait_until("the new brick serves", WHILE, || serves(pool.c())).await?;
    is_healed(pool, "/bricks/new").await
}

async fn reset_a_brick(pool: &Pool) -> Result<()> {
    let reset = |phase: Phase| {
        let brick = "node-c:/bricks/new".to_owned();
        pb::ResetBrickRequest {
            request_id: id(),
            volume: "r".into(),
            brick,
            phase: phase.into(),
            lease: None,
        }
    };
    let mut agent = agent(pool.a()).await?;
    done(agent.reset_brick(reset(Phase::Start)).await?.into_inner().outcome)?;
    ensure!(!serves(pool.c()).await?);
    // The disk was changed for an empty one.
    pool.c().run(&["sh", "-c", "rm -rf /bricks/new && mkdir /bricks/new"]).await?;
    done(agent.reset_brick(reset(Phase::Commit)).await?.into_inner().outcome)?;
    wait_until("the brick serves again", WHILE, || serves(pool.c())).await?;
    is_healed(pool, "/bricks/new").await
}
