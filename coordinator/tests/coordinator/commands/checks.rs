//! Every check, with what an operator sees, and that nothing was changed.

use hod_core::brick::BrickName;
use hod_core::task::PartStatus;
use hod_core::volume::{Volume, VolumeStatus};
use hod_proto::coordinator::v1 as pb;
use tonic::Code;

use super::{argument, precondition, replica, shop, start_rebalance, start_remove_brick, wrong};
use crate::support::pool::{FakePool, counters, new_task};
use crate::support::until;
use crate::support::world::World;

/// Waits until a dry run of a rebalance is told of just these problems.
async fn dry_run(world: &World, codes: &[&str]) -> pb::Plan {
    until(&format!("a dry run to find {codes:?}"), async || {
        let request = pb::StartRebalanceRequest { dry_run: true, ..start_rebalance() };
        let plan = world.commands().start_rebalance(request).await.unwrap().into_inner();
        let plan = plan.receipt.unwrap().plan.unwrap();
        let found: Vec<&str> = plan.problems.iter().map(|p| p.code.as_str()).collect();
        (found == codes).then_some(plan)
    })
    .await
}

fn volumes(pool: &FakePool, change: impl Fn(&mut Volume)) {
    pool.gluster.everywhere(|script| script.volumes.iter_mut().for_each(&change));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_is_refused_with_every_reason() {
    let (world, pool) = shop(2, |_| {}).await;
    // All at once, and a start is refused with the same.
    volumes(&pool, |v| {
        v.status = VolumeStatus::Stopped;
        v.bricks.truncate(1);
    });
    let plan = dry_run(&world, &["volume-not-started", "not-distributed"]).await;
    assert!(plan.problems.iter().all(|p| !p.advice.is_empty() && p.field == "volume"), "{plan:?}");
    let status = world.commands().start_rebalance(start_rebalance()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(wrong(&status).0, ["volume-not-started", "not-distributed"]);
    assert!(status.message().contains("gluster volume start dist"), "{status}");
    volumes(&pool, |v| {
        v.status = VolumeStatus::Started;
        v.bricks.clone_from(&pool.volume.bricks);
    });
    dry_run(&world, &[]).await;

    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(false));
    assert!(dry_run(&world, &["set-down"]).await.problems[0].message.contains(&pool.brick_name(1)));
    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = None);
    let plan = dry_run(&world, &["serving-unknown"]).await;
    assert!(plan.problems[0].advice.contains("gluster volume rebalance VOLUME fix-layout start"), "{plan:?}");
    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(true));

    pool.connected(1, false);
    assert!(dry_run(&world, &["host-disconnected"]).await.problems[0].message.contains("127.0.0.2"));
    pool.connected(1, true);
    dry_run(&world, &[]).await;

    pool.agents[1].kill();
    let plan = dry_run(&world, &["serving-unknown", "agent-silent"]).await;
    assert!(plan.problems[1].advice.contains("hod-agent"), "{plan:?}");
    world.unchanged(&pool).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heals_and_tasks_of_others_keep_a_rebalance_back() {
    let (world, pool) = shop(4, replica(2)).await;
    pool.gluster.brick(&pool.brick(0), |brick| brick.pending = Some(3));
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = None);
    let plan = dry_run(&world, &["heals-pending", "heals-unknown"]).await;
    assert!(plan.problems[0].message.contains('3') && plan.problems[1].message.contains(&pool.brick_name(1)));
    pool.gluster.brick(&pool.brick(0), |brick| brick.pending = Some(0));
    pool.gluster.brick(&pool.brick(1), |brick| brick.pending = Some(0));
    dry_run(&world, &[]).await;

    // One that nobody here started has the volume, and the job is named.
    pool.rebalance(new_task(), PartStatus::InProgress, 5);
    let plan = dry_run(&world, &["volume-busy"]).await;
    let job = world.only_job().await.job_id;
    assert!(plan.problems[0].message.contains(&job), "{plan:?}");
    let told = precondition(world.commands().start_rebalance(start_rebalance()).await, "volume-busy");
    assert!(told.contains(&job), "{told}");
    assert_eq!(world.all_jobs().await.len(), 1);
    assert_eq!(pool.gluster.calls(), Vec::<String>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_can_not_be_are_named_with_their_field() {
    let (world, pool) = shop(3, |_| {}).await;
    for name in ["", " ", "all", "-x", "a b", "a;reboot", "$(reboot)"] {
        let request = pb::StartRebalanceRequest { volume: name.into(), ..Default::default() };
        argument(world.commands().start_rebalance(request).await, "volume");
    }
    let request = pb::StartRebalanceRequest { volume: "nothing".into(), ..Default::default() };
    let status = world.commands().start_rebalance(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("nothing"), "{status}");
    let request = pb::StartRebalanceRequest { pool: "nowhere".into(), ..start_rebalance() };
    assert_eq!(world.commands().start_rebalance(request).await.unwrap_err().code(), Code::NotFound);
    let request = pb::StartRebalanceRequest { throttle: 9, ..start_rebalance() };
    argument(world.commands().start_rebalance(request).await, "throttle");
    let request = pb::StartRebalanceRequest { fix_layout: true, force: true, ..start_rebalance() };
    argument(world.commands().start_rebalance(request).await, "force");

    let brick = pool.brick_name(0);
    let of = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    for (names, says) in [
        (of(&[]), "no bricks are named"),
        (of(&[&brick, &brick]), "twice"),
        // The same brick by another name of its host.
        (of(&[&brick, "node-1:/bricks/d"]), "twice"),
        (of(&["127.0.0.1:/bricks/other"]), "has no brick"),
        (of(&["elsewhere:/bricks/d"]), "no host of pool shop"),
        (of(&["/bricks/d"]), "names no brick"),
        (of(&["127.0.0.1:/bricks//d"]), "names no brick"),
        (of(&["127.0.0.1:/bricks/d;reboot x"]), "names no brick"),
        (of(&[&brick, &pool.brick_name(1), &pool.brick_name(2)]), "all bricks"),
    ] {
        let told = argument(world.commands().start_remove_brick(start_remove_brick(&names)).await, "bricks");
        assert!(told.contains(says), "{names:?}: {told}");
        let request = pb::ForceRemoveBrickRequest {
            volume: "dist".into(),
            bricks: names.clone(),
            ..Default::default()
        };
        let told = argument(world.commands().force_remove_brick(request).await, "bricks");
        assert!(told.contains(says), "{names:?}: {told}");
    }
    world.unchanged(&pool).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_may_be_left_out_while_there_is_one() {
    let (world, _pool) = shop(2, |_| {}).await;
    let other = FakePool::start(1).await;
    world.add("other", &other.address()).await.unwrap();
    let told = argument(world.commands().start_rebalance(start_rebalance()).await, "pool");
    assert!(told.contains("other") && told.contains("shop"), "{told}");
    let request = pb::StartRebalanceRequest { pool: "shop".into(), dry_run: true, ..start_rebalance() };
    world.commands().start_rebalance(request).await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brick_s_files_need_room() {
    let (world, pool) = shop(3, |_| {}).await;
    // 400 of 1000 are used; the others keep a tenth free.
    pool.gluster.brick(&pool.brick(2), |brick| brick.free = 600);
    let name = pool.brick_name(2);
    let request =
        pb::StartRemoveBrickRequest { dry_run: true, ..start_remove_brick(std::slice::from_ref(&name)) };
    let answer = world.commands().start_remove_brick(request.clone()).await.unwrap().into_inner();
    let plan = answer.receipt.unwrap().plan.unwrap();
    assert_eq!((plan.problems.len(), plan.bytes_to_move), (0, 400), "{plan:?}");
    let free: Vec<_> = plan.bricks.iter().map(|b| (b.goes, b.free_before, b.free_after)).collect();
    assert_eq!(free, [(false, Some(900), Some(700)), (false, Some(900), Some(700)), (true, Some(600), None)]);

    for n in [0, 1] {
        pool.gluster.brick(&pool.brick(n), |brick| brick.free = 250);
    }
    // By their filesystem's 400 they do not fit, and the walk finds 350 that are the brick's own.
    pool.gluster.brick(&pool.brick(2), |brick| brick.bytes = 350);
    let told = precondition(
        world.commands().start_remove_brick(start_remove_brick(std::slice::from_ref(&name))).await,
        "no-space",
    );
    assert!(told.contains("350") && told.contains("300"), "{told}");
    // It finds 200, and these fit.
    pool.gluster.brick(&pool.brick(2), |brick| brick.bytes = 200);
    let answer = world.commands().start_remove_brick(request).await.unwrap().into_inner();
    let plan = answer.receipt.unwrap().plan.unwrap();
    assert_eq!((plan.problems.len(), plan.bytes_to_move), (0, 200), "{plan:?}");
    // A walk that does not come to its end proves nothing.
    pool.gluster.brick(&pool.brick(2), |brick| brick.walk_error = "Input/output error".to_owned());
    let told = precondition(
        world.commands().start_remove_brick(start_remove_brick(std::slice::from_ref(&name))).await,
        "no-space",
    );
    assert!(told.contains("400") && told.contains("300"), "{told}");
    world.unchanged(&pool).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_sets_go_and_counts_are_lowered_by_one() {
    let (world, pool) = shop(4, replica(2)).await;
    let names: Vec<String> = (0..4).map(|n| pool.brick_name(n)).collect();
    let told = argument(world.commands().start_remove_brick(start_remove_brick(&names[..1])).await, "bricks");
    assert!(told.contains("part of a replica set") && told.contains(&names[1]), "{told}");

    let lower = |replica_count, bricks: &[String]| pb::LowerReplicaCountRequest {
        volume: "dist".into(),
        replica_count,
        bricks: bricks.to_vec(),
        ..Default::default()
    };
    let one_of_each = [names[0].clone(), names[2].clone()];
    for count in [0, 2, 3] {
        argument(world.commands().lower_replica_count(lower(count, &one_of_each)).await, "replica_count");
    }
    let told = argument(world.commands().lower_replica_count(lower(1, &names[..2])).await, "bricks");
    assert!(told.contains("exactly one brick of each replica set"), "{told}");

    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(false));
    precondition(world.commands().lower_replica_count(lower(1, &one_of_each)).await, "brick-down");
    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(true));
    pool.gluster.brick(&pool.brick(3), |brick| brick.split_brain = Some(1));
    precondition(world.commands().lower_replica_count(lower(1, &one_of_each)).await, "split-brain");
    pool.gluster.brick(&pool.brick(3), |brick| brick.split_brain = None);
    precondition(world.commands().lower_replica_count(lower(1, &one_of_each)).await, "split-brain-unknown");
    pool.gluster.brick(&pool.brick(3), |brick| brick.split_brain = Some(0));
    world.unchanged(&pool).await;

    let answer = world.commands().lower_replica_count(lower(1, &one_of_each)).await.unwrap().into_inner();
    let job = answer.receipt.unwrap().job_id;
    world.job_is(&job, pb::JobStatus::Finished).await;
    let calls = pool.gluster.calls();
    assert_eq!(calls, [format!("volume remove-brick dist {} {} force", names[0], names[2])]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brick_is_replaced_by_what_is_none() {
    let (world, pool) = shop(4, replica(2)).await;
    let replace = |old: &str, new: &str| pb::ReplaceBrickRequest {
        volume: "dist".into(),
        old_brick: old.into(),
        new_brick: new.into(),
        ..Default::default()
    };
    let mut commands = world.commands();
    let (old, new) = (pool.brick_name(0), "127.0.0.3:/bricks/new");
    argument(commands.replace_brick(replace("127.0.0.1:/none", new)).await, "old_brick");
    argument(commands.replace_brick(replace("x", new)).await, "old_brick");
    argument(commands.replace_brick(replace(&old, "elsewhere:/bricks/new")).await, "new_brick");
    argument(commands.replace_brick(replace(&old, &old)).await, "new_brick");
    precondition(commands.replace_brick(replace(&old, &pool.brick_name(3))).await, "brick-in-use");
    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(false));
    precondition(commands.replace_brick(replace(&old, new)).await, "only-good-copy");
    let reset = |brick: &str| pb::ResetBrickRequest {
        volume: "dist".into(),
        brick: brick.into(),
        ..Default::default()
    };
    precondition(commands.reset_brick(reset(&old)).await, "only-good-copy");
    argument(commands.reset_brick(reset("127.0.0.1:/none")).await, "brick");
    pool.gluster.brick(&pool.brick(1), |brick| brick.serves = Some(true));
    volumes(&pool, |v| v.status = VolumeStatus::Stopped);
    precondition(commands.replace_brick(replace(&old, new)).await, "volume-not-started");
    volumes(&pool, |v| v.status = VolumeStatus::Started);
    world.unchanged(&pool).await;
    world.end().await;

    let (world, pool) = shop(2, |_| {}).await;
    let status =
        world.commands().replace_brick(replace(&pool.brick_name(0), "127.0.0.2:/x")).await.unwrap_err();
    assert!(wrong(&status).0.contains(&"not-replicated".to_owned()), "{status}");
    world.unchanged(&pool).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_host_is_named_with_brackets_or_without() {
    let (world, pool) = shop(3, |_| {}).await;
    for agent in &pool.agents {
        agent.say(|script| {
            script.volumes[0].bricks[2].name = BrickName::parse("fd00::3:/bricks/d").unwrap();
            let peers = script.peers.iter_mut();
            peers.filter(|p| p.id == pool.id(2)).for_each(|p| p.names.push("fd00::3".into()));
        });
    }
    for name in ["[fd00::3]:/bricks/d", "fd00::3:/bricks/d", "127.0.0.3:/bricks/d"] {
        let request = pb::StartRemoveBrickRequest { dry_run: true, ..start_remove_brick(&[name.to_owned()]) };
        let plan = world.commands().start_remove_brick(request).await.unwrap().into_inner();
        let plan = plan.receipt.unwrap().plan.unwrap();
        assert_eq!(plan.problems, [], "{name}");
        assert!(plan.bricks[2].goes, "{name}");
    }
    let bricks = ["[fd00::3]:/bricks/d".to_owned()];
    world.commands().start_remove_brick(start_remove_brick(&bricks)).await.unwrap();
    until("the command", async || (!pool.gluster.calls().is_empty()).then_some(())).await;
    assert_eq!(pool.gluster.calls(), ["volume remove-brick dist fd00::3:/bricks/d start"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_how_long_by_what_was_seen() {
    let (world, pool) = shop(3, |_| {}).await;
    let moved = hod_core::task::Counters {
        bytes: 200 << 20,
        run_time: Some(std::time::Duration::from_secs(4)),
        ..counters(5)
    };
    let receipt = world.rebalance().await;
    pool.gluster.parts(PartStatus::Completed, moved);
    world.job_is(&receipt.job_id, pb::JobStatus::Finished).await;
    for (n, free) in [(0, 900 << 20), (1, 900 << 20), (2, 400 << 20)] {
        pool.gluster.brick(&pool.brick(n), |brick| (brick.total, brick.free) = (1000 << 20, free));
    }
    let request = pb::StartRemoveBrickRequest { dry_run: true, ..start_remove_brick(&[pool.brick_name(2)]) };
    let plan = world.commands().start_remove_brick(request).await.unwrap().into_inner();
    let plan = plan.receipt.unwrap().plan.unwrap();
    // Three hosts moved 600 MiB in 4 s.
    assert_eq!((plan.rate, plan.bytes_to_move), (150 << 20, 600 << 20), "{plan:?}");
    assert_eq!(plan.estimate.unwrap().seconds, 4);
    world.end().await;
}
