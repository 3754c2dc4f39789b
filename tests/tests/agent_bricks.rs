//! What one agent tells of its host's own bricks, of the files left on them and of
//! what waits to be healed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use hod_proto::agent::v1 as pb;
use hod_tests::pool::wait_for;
use hod_tests::scripted::agent::SOON;
use hod_tests::scripted::state::Heal;
use hod_tests::scripted::{Kind, ScriptedAgent, ScriptedPool};
use tempfile::TempDir;
use tonic::Code;

struct Host {
    pool: ScriptedPool,
    agent: ScriptedAgent,
    folder: TempDir,
}

/// Two volumes with bricks in folders that are there, on the agent's host.
async fn start() -> Result<Host> {
    let folder = tempfile::Builder::new().prefix("hod-bricks-").tempdir()?;
    let pool = ScriptedPool::new(&["node-a", "node-b", "node-c"])?;
    let own = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.join(".glusterfs/indices/xattrop"))?;
        anyhow::Ok(format!("node-a:{}", path.display()))
    };
    let (d1, d2, r1) = (own("d1")?, own("d2")?, own("r1")?);
    pool.add_volume("dist", Kind::Distribute, &[&d1, "node-b:/bricks/d1", &d2])?;
    let replica = Kind::Replicate { replica: 3, arbiters: 0 };
    pool.add_volume("repl", replica, &[&r1, "node-b:/bricks/r1", "node-c:/bricks/r1"])?;
    let agent = ScriptedAgent::start(&pool, "node-a", &["--look-every=200ms"]).await?;
    wait_for("the host is known", SOON, || async {
        Ok(agent.client().get_host(pb::GetHostRequest {}).await?.into_inner().host)
    })
    .await?;
    Ok(Host { pool, agent, folder })
}

impl Host {
    fn brick(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn space(&self, volume: &str) -> Result<pb::GetBrickSpaceResponse> {
        let request = pb::GetBrickSpaceRequest { volume: volume.into() };
        Ok(self.agent.client().get_brick_space(request).await?.into_inner())
    }

    async fn pending(&self, volume: &str) -> Result<Vec<pb::PendingHeals>> {
        let request = pb::CountPendingHealsRequest { volume: volume.into() };
        Ok(self.agent.client().count_pending_heals(request).await?.into_inner().bricks)
    }

    /// The last word of a walk.
    async fn walk(&self, brick: &Path, names: u32) -> Result<pb::WalkBrickResponse> {
        let path = brick.display().to_string();
        let request = pb::WalkBrickRequest { volume: "dist".into(), path, names };
        let mut words = self.agent.client().walk_brick(request).await?.into_inner();
        let mut last = None;
        while let Some(word) = words.message().await? {
            last = Some(word);
        }
        last.context("not a word")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn space_is_told_of_this_host_s_own_bricks() -> Result<()> {
    let host = start().await?;
    let told = host.space("dist").await?;
    let paths: Vec<_> = told.bricks.iter().map(|b| b.path.clone()).collect();
    ensure!(paths == ["d1", "d2"].map(|name| host.brick(name).display().to_string()), "{paths:?}");
    for brick in &told.bricks {
        ensure!(brick.name == format!("node-a:{}", brick.path) && brick.error.is_empty(), "{brick:?}");
        ensure!(brick.free_bytes > 0 && brick.free_bytes < brick.total_bytes, "{brick:?}");
        ensure!(brick.serves == Some(true), "{brick:?}");
    }
    ensure!(told.bricks[0].device == told.bricks[1].device, "{told:?}");
    ensure!(told.geo_replication_sessions == Some(0) && told.state_error.is_empty(), "{told:?}");

    // A filesystem that is not mounted is not one with room.
    fs::remove_dir_all(host.brick("d2").join(".glusterfs"))?;
    fs::remove_dir_all(host.brick("d1"))?;
    let told = host.space("dist").await?;
    ensure!(told.bricks[0].error.contains("No such file"), "{told:?}");
    ensure!(told.bricks[1].error.contains("not mounted") && told.bricks[1].total_bytes == 0, "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brick_out_of_service_does_not_serve_and_one_not_told_of_is_not_known() -> Result<()> {
    let host = start().await?;
    let brick = format!("node-a:{}", host.brick("r1").display());
    host.pool.done("node-b", &format!("volume reset-brick repl {brick} start"))?;
    let told = host.space("repl").await?;
    ensure!(told.bricks[0].serves == Some(false) && told.bricks[0].error.is_empty(), "{told:?}");

    host.pool.refuse("get-state", "no")?;
    host.pool.add_fault(hod_tests::scripted::fault::Fault {
        what: hod_tests::scripted::What::Text {
            text: "Failed to get daemon state. Check glusterd log file for more details".into(),
            code: 1,
        },
        host: None,
        of: "get-state".into(),
        times: None,
    })?;
    let told = host.space("repl").await?;
    ensure!(told.bricks[0].serves.is_none() && told.bricks[0].free_bytes > 0, "{told:?}");
    ensure!(told.geo_replication_sessions.is_none() && !told.state_error.is_empty(), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_left_on_a_brick_are_found_and_named() -> Result<()> {
    let host = start().await?;
    let brick = host.brick("d1");
    let clean = host.walk(&brick, 0).await?;
    ensure!(clean.finished && clean.files == 0 && clean.error.is_empty(), "{clean:?}");

    fs::create_dir_all(brick.join("a/b"))?;
    for n in 0..30 {
        fs::write(brick.join(format!("a/b/{n:02}")), "1234")?;
    }
    let found = host.walk(&brick, 0).await?;
    ensure!(found.finished && (found.files, found.entries) == (30, 32), "{found:?}");
    // Their sizes, or their blocks.
    ensure!(found.bytes >= 120, "{found:?}");
    ensure!(found.names.len() == 20 && found.names.iter().all(|n| n.starts_with("a/b/")), "{found:?}");
    ensure!(host.walk(&brick, 3).await?.names.len() == 3);

    // One that can't be looked into is not clean.
    fs::remove_dir_all(brick.join(".glusterfs"))?;
    fs::remove_dir_all(brick.join("a"))?;
    let not_mounted = host.walk(&brick, 0).await?;
    ensure!(!not_mounted.finished && not_mounted.error.contains("not mounted"), "{not_mounted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_folder_is_walked_over() -> Result<()> {
    let host = start().await?;
    let others = [
        host.folder.path().to_owned(),
        host.brick("r1"),
        host.brick("d1/../d1"),
        host.brick("d1/.glusterfs"),
        PathBuf::from("/bricks/d1"),
        PathBuf::from("/"),
        PathBuf::new(),
    ];
    for path in others {
        match host.walk(&path, 0).await.map_err(|error| error.downcast::<tonic::Status>()) {
            Err(Ok(status)) if status.code() == Code::NotFound => {
                ensure!(status.message().contains("no brick"), "{status}");
            }
            other => bail!("{}: {other:?}", path.display()),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_heals_are_counted_and_a_brick_that_is_gone_is_not_healed() -> Result<()> {
    let host = start().await?;
    let index = host.brick("r1").join(".glusterfs/indices/xattrop");
    let told = host.pending("repl").await?;
    ensure!(told.len() == 1 && told[0].entries == 0 && told[0].error.is_empty(), "{told:?}");
    for name in ["xattrop-1f", "01", "02", "03"] {
        fs::write(index.join(name), "")?;
    }
    let told = host.pending("repl").await?;
    ensure!(told[0].entries == 3 && told[0].path == host.brick("r1").display().to_string(), "{told:?}");
    fs::remove_dir_all(&index)?;
    let told = host.pending("repl").await?;
    ensure!(told[0].entries == 0 && told[0].error.contains("xattrop: No such file"), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heal_summary_tells_every_brick_and_what_is_not_known() -> Result<()> {
    let host = start().await?;
    host.pool.change(|scene| {
        scene.volume_mut("repl")?.bricks[0].heal = Heal { pending: 4, split_brain: 1, possibly_healing: 2 };
        Ok(())
    })?;
    host.pool.kill_host("node-c")?;
    let request = |volume: &str| pb::GetHealSummaryRequest { volume: volume.into() };
    let told = host.agent.client().get_heal_summary(request("repl")).await?.into_inner().bricks;
    ensure!(told.len() == 3, "{told:?}");
    let figures = |b: &pb::BrickHeal| (b.connected, b.pending, b.split_brain, b.possibly_healing);
    ensure!(figures(&told[0]) == (true, Some(4), Some(1), Some(2)), "{told:?}");
    ensure!(told[0].host_id == host.pool.host_id("node-a")?.to_string(), "{told:?}");
    ensure!(figures(&told[2]) == (false, None, None, None) && told[2].host_id.is_empty(), "{told:?}");

    let Err(status) = host.agent.client().get_heal_summary(request("dist")).await else {
        bail!("it was told")
    };
    ensure!(status.code() == Code::FailedPrecondition && status.message().contains("replicate"), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_not_there_is_named() -> Result<()> {
    let host = start().await?;
    let mut client = host.agent.client();
    for (volume, code) in
        [("nowhere", Code::NotFound), ("", Code::InvalidArgument), ("a b", Code::InvalidArgument)]
    {
        let statuses = [
            client.get_brick_space(pb::GetBrickSpaceRequest { volume: volume.into() }).await.err(),
            client.count_pending_heals(pb::CountPendingHealsRequest { volume: volume.into() }).await.err(),
            client.get_heal_summary(pb::GetHealSummaryRequest { volume: volume.into() }).await.err(),
            client
                .walk_brick(pb::WalkBrickRequest { volume: volume.into(), ..pb::WalkBrickRequest::default() })
                .await
                .err(),
        ];
        for status in statuses {
            let status = status.context("it was told")?;
            ensure!(status.code() == code && status.message().contains(volume), "{volume:?}: {status}");
        }
    }
    ensure!(host.agent.locked_calls().await? == 0.0);
    Ok(())
}
