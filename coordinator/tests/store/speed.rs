//! How long a large plan takes. Run by hand, with `--release` for figures worth
//! telling, and `RUST_LOG=hod_coordinator::sql=trace` to see each query: `cargo test --release -p hod-coordinator --test store speed -- --ignored --nocapture`.

use std::time::Instant;

use hod_coordinator::store::Store as _;
use hod_core::change::{LockChange, Planned};
use hod_core::record::TaskRecord;

use crate::support::{World, changed, put};

const TASKS: usize = 100_000;

#[tokio::test]
#[ignore = "takes a minute; a measurement, not a test"]
async fn a_hundred_thousand_tasks() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let world = World::new().await;
    let shop = world.shop().await;
    let mut tasks: Vec<TaskRecord> = (0..TASKS).map(|_| shop.task()).collect();
    let found: Vec<Planned> = tasks
        .iter()
        .map(|t| Planned { events: Vec::new(), ..put(t, true, None, None, LockChange::Keep, "") })
        .collect();
    let start = Instant::now();
    shop.apply(&world, &found).await;
    println!("{TASKS} tasks found, three hosts each: {:?}", start.elapsed());
    world.sql.batch_execute("VACUUM ANALYZE").await.unwrap();
    for round in 1..=2 {
        for task in &mut tasks {
            task.message = format!("round {round}");
            task.parts.values_mut().next().unwrap().counters.files += 1;
        }
        let plan: Vec<Planned> = tasks.iter().map(changed).collect();
        let start = Instant::now();
        shop.apply(&world, &plan).await;
        println!("job and one host of each brought up to date: {:?}", start.elapsed());
        let start = Instant::now();
        shop.apply(&world, &plan).await;
        println!("the same again, nothing to write: {:?}", start.elapsed());
    }
    let start = Instant::now();
    let recorded = shop.load(&world, &[]).await;
    assert_eq!(recorded.tasks.len(), TASKS);
    println!("loaded: {:?}", start.elapsed());
    let start = Instant::now();
    world.store.jobs(&Default::default(), &Default::default()).await.unwrap();
    println!("a page of jobs: {:?}", start.elapsed());
}
