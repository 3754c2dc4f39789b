//! A coordinator with a made-up pool whose jobs move, to look at what `hod` shows
//! without Gluster, agents or a database:
//!
//! ```text
//! cargo run -p hod --example scene &
//! HOD_COORDINATOR=127.0.0.1:7479 cargo run -p hod -- watch
//! ```

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/commands/fake/mod.rs"]
mod fake;
#[path = "../tests/commands/scene.rs"]
mod scene;

use std::time::Duration;

use hod_proto::coordinator::v1::{Attention, JobStatus};
use hod_proto::types::v1::PartStatus;

use crate::fake::{Fake, State};
use crate::scene::{at, end, part, prod, rebalance_job, task_of};

const FILES: u64 = 3000;

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7479".to_owned());
    let fake = Fake::start_at(address.parse().expect("ADDRESS:PORT"), prod()).await;
    println!("a made-up coordinator listens on {}", fake.address);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for turn in 0_i64.. {
        second.tick().await;
        fake.change(|state| play(state, turn % 60));
    }
}

/// One minute: a rebalance over three hosts, one of which is silent for a while.
fn play(state: &mut State, turn: i64) {
    if turn == 0 {
        state.jobs[0] = rebalance_job();
        state.jobs[0].message.clear();
        state.jobs[0].started_at = at(0);
        let task = task_of(&mut state.jobs[0]);
        task.parts = ["node-a", "node-b", "node-c"]
            .map(|name| part(name, PartStatus::InProgress, scene::counters(0, 0)))
            .to_vec();
    }
    if turn == 55 {
        end(state, JobStatus::Finished, 0);
    }
    if turn >= 50 {
        return;
    }
    let silent = (20..35).contains(&turn);
    let job = &mut state.jobs[0];
    job.message = if silent { "waiting for node-c: bring it back".to_owned() } else { String::new() };
    let task = task_of(job);
    for (speed, part) in (2..).zip(&mut task.parts) {
        let away = silent && part.host_name == "node-c";
        part.old_since = if away { part.old_since.or_else(|| at(0)) } else { None };
        if away || part.status() == PartStatus::Completed {
            continue;
        }
        let counters = part.counters.as_mut().expect("parts have counters");
        counters.files = (counters.files + speed * 20 + 7).min(FILES);
        counters.bytes = counters.files * 1_400_000;
        counters.scanned = counters.files * 2;
        counters.run_time = scene::seconds(turn);
        part.changed_at = at(0);
        if counters.files == FILES || turn == 49 {
            part.set_status(PartStatus::Completed);
        }
    }
    task.attention = if silent {
        vec![Attention {
            code: "waiting-for-host".to_owned(),
            text: "waiting for node-c, which does not answer: its part was in progress when it was last \
                   heard of. Bring node-c back, and the task goes on by itself."
                .to_owned(),
        }]
    } else {
        Vec::new()
    };
    let sums = task.parts.iter().filter_map(|part| part.counters);
    task.counters = sums.reduce(|mut sum, one| {
        sum.files += one.files;
        sum.bytes += one.bytes;
        sum.scanned += one.scanned;
        sum.run_time = one.run_time.or(sum.run_time);
        sum
    });
}
