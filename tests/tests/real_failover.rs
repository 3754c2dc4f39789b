//! PostgreSQL fails over: its primary dies, its standby is promoted, and hod goes on with
//! the addresses it was given.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hod_proto::coordinator::v1::jobs_client::JobsClient;
use hod_proto::coordinator::v1::{AddExternalJobRequest, JobStatus, ListJobsRequest};
use hod_tests::pool::wait_until;
use hod_tests::postgres::{Postgres, Replication};
use hod_tests::scripted::cluster::POOL;
use hod_tests::scripted::{Cluster, Kind, ScriptedPool};
use tonic::Code;
use tonic::transport::Channel;

/// How long the service may be away once the standby has been promoted.
const AWAY_AT_MOST: Duration = Duration::from_secs(30);

fn dist(pool: &ScriptedPool) -> Result<()> {
    let bricks = ["node-a:/bricks/d1", "node-b:/bricks/d1", "node-c:/bricks/d1"];
    pool.add_volume("dist", Kind::Distribute, &bricks)?;
    Ok(())
}

/// Opens jobs one after the other until told to stop. What was acknowledged, and what
/// was neither acknowledged nor refused.
async fn open_jobs(
    channel: Channel,
    who: usize,
    stop: Arc<AtomicBool>,
) -> Result<(Vec<String>, Vec<String>)> {
    let (mut acknowledged, mut unsure) = (Vec::new(), Vec::new());
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let description = format!("job {n} of {who}");
        let request = AddExternalJobRequest {
            pool: POOL.into(),
            description: description.clone(),
            origin: "failover".into(),
            volume: String::new(),
        };
        match JobsClient::new(channel.clone()).add_external_job(request).await {
            Ok(_) => acknowledged.push(description),
            Err(status)
                if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled) =>
            {
                unsure.push(description);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(status) => anyhow::bail!("{description}: {status}"),
        }
    }
    Ok((acknowledged, unsure))
}

async fn all_descriptions(channel: &Channel) -> Result<Vec<String>> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListJobsRequest { page_size: 1000, page_token, ..Default::default() };
        let page = JobsClient::new(channel.clone()).list_jobs(request).await?.into_inner();
        all.extend(page.jobs.into_iter().map(|job| job.description));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// Jobs are opened all the while, a rebalance runs, and the primary dies: everything that
/// was acknowledged is there after it, once, and the rebalance comes to its end.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_with_synchronous_replication() -> Result<()> {
    let postgres = Postgres::start(Replication::Synchronous).await?;
    let mut cluster = Cluster::start_on(Some(postgres.database()), dist).await?;
    let outcome = fail_over(&postgres, &mut cluster).await;
    if outcome.is_err() {
        eprintln!("{}", cluster.last_words().await);
    }
    outcome
}

async fn fail_over(postgres: &Postgres, cluster: &mut Cluster) -> Result<()> {
    let task = cluster.pool.start("node-b", "volume rebalance dist start")?;
    cluster.wait_for_status(task, JobStatus::Started).await?;
    let channel = cluster.channel().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let opening: Vec<_> =
        (0..4).map(|who| tokio::spawn(open_jobs(channel.clone(), who, stop.clone()))).collect();
    wait_until("jobs to be opened", Duration::from_secs(60), || async {
        Ok(all_descriptions(&channel).await?.len() > 50)
    })
    .await?;

    postgres.kill_primary().await?;
    let killed = Instant::now();
    // While nothing takes writes, the task comes to its end.
    cluster.pool.complete("dist")?;
    postgres.promote_standby().await?;
    let promoted = Instant::now();
    let before = postgres.ask_standby("SELECT count(*) FROM jobs").await?.parse::<usize>()?;
    wait_until("jobs to be opened again", AWAY_AT_MOST, || async {
        Ok(postgres.ask_standby("SELECT count(*) FROM jobs").await?.parse::<usize>()? > before + 10)
    })
    .await?;
    println!(
        "away for {:.1} s after the kill, {:.1} s after the promotion",
        killed.elapsed().as_secs_f64(),
        promoted.elapsed().as_secs_f64()
    );
    cluster.wait_for_status(task, JobStatus::Finished).await?;
    stop.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut unsure) = (BTreeSet::new(), BTreeSet::new());
    for opening in opening {
        let (was, may_be) = opening.await??;
        acknowledged.extend(was);
        unsure.extend(may_be);
    }
    println!("{} jobs were acknowledged, {} got no answer", acknowledged.len(), unsure.len());

    let all = all_descriptions(&cluster.channel().await?).await?;
    let there: BTreeSet<String> = all.iter().cloned().collect();
    ensure!(there.len() == all.len(), "a job was written twice");
    let lost: Vec<&String> = acknowledged.difference(&there).collect();
    ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // Besides, there is only what may have been done, and the rebalance.
    let others = there.iter().filter(|job| !acknowledged.contains(*job) && !unsure.contains(*job)).count();
    ensure!(others == 1, "{others} jobs that nobody asked for");
    let gap =
        "SELECT count(*) FROM (SELECT number - row_number() OVER (ORDER BY number) AS off FROM events) e
               WHERE off <> 0";
    ensure!(postgres.ask_standby(gap).await? == "0", "events have a gap");
    Ok(())
}
