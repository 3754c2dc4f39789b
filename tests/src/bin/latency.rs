//! How soon what happens on a real pool is in the database: `./x bench latency`.
//!
//! On each host `get-state` is asked over and over, and beside the coordinator the jobs' rows are
//! read every 50 ms; all containers have one clock. Ten volumes run tasks side by side: a
//! remove-brick that is stopped, then a rebalance that ends by itself, and again. A start is
//! measured from the first answer of any host that shows the task to the first reading that shows
//! its job; an end from the answer of the last host that shows it ended, or gone, to the reading
//! that shows the job ended.

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use hod_tests::docker::Lines;
use hod_tests::pool::{Pool, Version, wait_for, wait_until};

const VOLUMES: usize = 10;

/// Files in each volume: enough that a task has something to move, and soon over.
const FILES: usize = 200;

/// What is to be reached: 95 of 100 within a second.
const SOON: f64 = 1.0;
const SHARE: f64 = 0.95;

/// How long a job may take to appear or to end before that counts as never.
const NEVER: Duration = Duration::from_secs(60);

/// Prints a line for each answer: when it was there, and `id=status` of each task in it.
const ASK_GLUSTER: &str = r#"
    while sleep 0.15; do
        rm -f /tmp/latency
        gluster --mode=script get-state glusterd odir /tmp file latency >/dev/null 2>&1 || continue
        awk -v at="$(date +%s.%N)" '
            BEGIN { printf "%s", at }
            /\.rebalance\.id: / { id = $2 }
            /\.rebalance\.status: / { sub(/^[^ ]* /, ""); gsub(/ /, "-"); printf " %s=%s", id, $0 }
            END { print "" }' /tmp/latency
    done"#;

/// Prints a line for each job that is open or has just ended: when it was read, the task's id, and
/// the job's status.
const READ_JOBS: &str = r"echo \
    'SELECT extract(epoch FROM clock_timestamp()), e.external_id, j.status
     FROM step_external_ids e JOIN steps s ON s.id = e.step_id JOIN jobs j ON j.id = s.job_id
     WHERE j.open OR j.ended_at > now() - interval $$10 s$$ \watch 0.05' \
    | psql -X -q -A -t -F ' ' -h /var/lib/hod/postgres -U hod hod";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("latency: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<bool> {
    let starts: usize = match std::env::args().nth(1) {
        Some(starts) => starts.parse().context("how many starts?")?,
        None => 100,
    };
    let rounds = starts.div_ceil(2 * VOLUMES).max(1);
    let pool = Pool::start(Version::V10).await?;
    let volumes: Vec<String> = (1..=VOLUMES).map(|n| format!("v{n}")).collect();
    for (n, volume) in volumes.iter().enumerate() {
        eprintln!("making volume {} of {VOLUMES}", n + 1);
        let bricks = ["node-a", "node-b", "node-c"].map(|node| format!("{node}:/bricks/{volume}"));
        pool.create_volume(volume, &[], &bricks.each_ref().map(String::as_str)).await?;
        pool.fill(volume, FILES).await?;
    }
    wait_until("the coordinator knows the volumes' hosts", NEVER, || async {
        Ok(pool.coordinator.hosts().await?.len() == 3)
    })
    .await?;

    let seen = Seen::default();
    for (host, at) in pool.hosts.iter().zip(0..) {
        tokio::spawn(seen.clone().take_answers(at, host.lines(&["sh", "-c", ASK_GLUSTER])?));
    }
    tokio::spawn(seen.clone().take_jobs(pool.coordinator.lines(&["sh", "-c", READ_JOBS])?));

    let (pool, seen) = (&pool, &seen);
    // Each on its own; Gluster runs one command of them at a time.
    let done = try_join_all(volumes.iter().map(|volume| async move {
        let mut tasks = Vec::new();
        for round in 1..=rounds {
            tasks.push(("remove-brick, stopped", remove_brick(pool, seen, volume).await?));
            tasks.push(("rebalance, completed", rebalance(pool, seen, volume).await?));
            eprintln!("{volume}: round {round} of {rounds}");
        }
        anyhow::Ok(tasks)
    }));
    let tasks =
        tokio::time::timeout(Duration::from_secs(60 * 60), done).await.context("no end in an hour")??;

    let (mut began, mut ended) = (Vec::new(), Vec::new());
    let seen = seen.lock();
    for (what, task) in tasks.iter().flatten() {
        let first = |answers: &[Option<f64>; 3]| answers.iter().flatten().copied().reduce(f64::min);
        let last = |answers: &[Option<f64>; 3]| -> Option<f64> {
            answers.iter().copied().collect::<Option<Vec<_>>>()?.into_iter().reduce(f64::max)
        };
        let task = seen.tasks.get(task).with_context(|| format!("no host ever showed {task}"))?;
        began.push((since(first(&task.shown), task.job), *what));
        ended.push((since(last(&task.over), task.job_ended), *what));
    }
    let began = report("starts", began);
    let ended = report("ends", ended);
    Ok(began && ended)
}

/// A remove-brick that is stopped once it was seen.
async fn remove_brick(pool: &Pool, seen: &Seen, volume: &str) -> Result<String> {
    let brick = format!("node-c:/bricks/{volume}");
    let command = |what| ["volume", "remove-brick", volume, brick.as_str(), what];
    let id = pool.b().start_task(&command("start")).await?;
    seen.wait(&id, "its job", |task| task.job.is_some()).await;
    pool.a().gluster_xml(&command("stop")).await?;
    seen.wait(&id, "its job's end", Task::is_over).await;
    Ok(id)
}

/// A rebalance that ends by itself.
async fn rebalance(pool: &Pool, seen: &Seen, volume: &str) -> Result<String> {
    let id = pool.c().start_task(&["volume", "rebalance", volume, "start", "force"]).await?;
    seen.wait(&id, "its job's end", Task::is_over).await;
    Ok(id)
}

/// What was seen of a task, in seconds since 1970.
#[derive(Debug, Default)]
struct Task {
    /// By host: the first answer that showed it.
    shown: [Option<f64>; 3],
    /// By host: the first answer after that which showed it ended, or not at all.
    over: [Option<f64>; 3],
    /// The first reading that showed its job.
    job: Option<f64>,
    /// The first one that showed it ended.
    job_ended: Option<f64>,
}

impl Task {
    fn is_over(&self) -> bool {
        self.job_ended.is_some() && self.over.iter().all(Option::is_some)
    }
}

#[derive(Debug, Default)]
struct Table {
    tasks: HashMap<String, Task>,
}

#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Table>>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not for ever: what did not come is told at the end.
    async fn wait(&self, id: &str, what: &str, is_so: impl Fn(&Task) -> bool) {
        let is_so = &is_so;
        let waited = wait_for(what, NEVER, || async move {
            Ok(self.lock().tasks.get(id).is_some_and(is_so).then_some(()))
        })
        .await;
        if waited.is_err() {
            eprintln!("{id}: {what} did not come: {:?}", self.lock().tasks.get(id));
        }
    }

    async fn take_answers(self, host: usize, mut lines: Lines) -> Result<()> {
        while let Some(line) = lines.next().await? {
            let mut words = line.split(' ');
            let at: f64 = words.next().unwrap_or_default().parse()?;
            let tasks: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
            let mut table = self.lock();
            for id in tasks.keys().filter(|id| !id.starts_with("00000000-")) {
                let task = table.tasks.entry((*id).to_owned()).or_default();
                task.shown[host].get_or_insert(at);
            }
            for (id, task) in &mut table.tasks {
                let status = tasks.get(id.as_str()).copied();
                // A host that runs no part of a remove-brick says "not-started" all along.
                let over = matches!(status, None | Some("completed" | "failed" | "stopped"));
                if task.shown[host].is_some() && over {
                    task.over[host].get_or_insert(at);
                }
            }
        }
        Ok(())
    }

    async fn take_jobs(self, mut lines: Lines) -> Result<()> {
        while let Some(line) = lines.next().await? {
            // Between them `\watch` tells the time.
            let [at, id, status] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
            let Ok(at) = at.parse::<f64>() else { continue };
            let mut table = self.lock();
            let task = table.tasks.entry(id.to_owned()).or_default();
            task.job.get_or_insert(at);
            if status != "STARTED" {
                task.job_ended.get_or_insert(at);
            }
        }
        Ok(())
    }
}

/// How long it took; never, if one of the two was not seen.
fn since(from: Option<f64>, to: Option<f64>) -> f64 {
    from.zip(to).map_or(f64::INFINITY, |(from, to)| to - from)
}

/// Prints how long they took, and tells whether enough of them were soon.
fn report(what: &str, mut took: Vec<(f64, &str)>) -> bool {
    took.sort_by(|a, b| a.0.total_cmp(&b.0));
    let part = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let place = (share * took.len() as f64).ceil() as usize;
        took.get(place.saturating_sub(1)).map_or(f64::INFINITY, |took| took.0)
    };
    let soon = took.iter().filter(|took| took.0 <= SOON).count();
    println!(
        "{what}: {}, p50 {:.2} s, p95 {:.2} s, max {:.2} s; {soon} within {SOON} s",
        took.len(),
        part(0.5),
        part(SHARE),
        part(1.0)
    );
    for (late, of) in took.iter().rev().filter(|took| took.0 > SOON).take(10) {
        println!("    {late:.2} s: {of}");
    }
    part(SHARE) <= SOON
}
