//! The world of one seed, from its beginning to its end.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;
use tokio_postgres::Config;
use turmoil::Sim;

use crate::Arguments;
use crate::agents;
use crate::clock::Clock;
use crate::coordinators::{self, Place};
use crate::faults::Faults;
use crate::gluster::{Gluster, HOSTS};
use crate::invariants::Invariants;
use crate::operators::{Mood, Operators};
use crate::record::Record;
use crate::story::Story;
use crate::wire::Trouble;

/// The coordinators, by name.
const COORDINATORS: [&str; 2] = ["coordinator-1", "coordinator-2"];

/// A step of the simulation.
const TICK: Duration = Duration::from_millis(100);

/// How often it is seen to it that everything holds, in milliseconds.
const LOOK: u64 = 2_000;

/// Once faults have ceased everything has ended by then, in milliseconds: a lock is held
/// for 180 s, an intention may be at work for 200 s, and a task that is lost is given up
/// after 600 s.
const PEACE: u64 = 1_800_000;

/// Plays a seed: its story, and what it came to.
pub(crate) fn run(arguments: &Arguments) -> (Story, Result<String>) {
    let clock = match Clock::new(&arguments.clock) {
        Ok(clock) => clock,
        Err(e) => {
            eprintln!("hod-simulate: {e:#}");
            std::process::exit(2);
        }
    };
    let story = Story::new(clock.clone());
    let outcome = World::new(arguments, clock, story.clone()).and_then(World::play);
    (story, outcome)
}

struct World {
    sim: Sim<'static>,
    rng: StdRng,
    clock: Clock,
    story: Story,
    gluster: Gluster,
    record: Record,
    faults: Faults,
    invariants: Invariants,
    mood: watch::Sender<Mood>,
    looked: u64,
    moved: u64,
}

impl World {
    fn new(arguments: &Arguments, clock: Clock, story: Story) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(arguments.seed);
        let gluster = Gluster::new(clock.clone(), story.clone())?;
        let mut config = Config::new();
        config.user("hod").dbname(&arguments.database).application_name("hod-simulate").options(format!(
            "-c search_path=public,sim,pg_catalog -c lock_timeout=200ms -c sim.clock={}",
            arguments.clock.display()
        ));
        let record = Record::open(&arguments.socket, &config, clock.clone())?;
        let mut sim = turmoil::Builder::new()
            .tick_duration(TICK)
            .simulation_duration(Duration::from_secs(24 * 3600))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(50))
            .tcp_capacity(4096)
            .enable_random_order()
            .rng_seed(rng.random())
            .build();
        for host in HOSTS {
            let gluster = gluster.clone();
            sim.host(host, move || agents::run(gluster.clone(), host.to_owned()));
        }
        let place = Place { folder: arguments.socket.clone(), config, clock: clock.clone() };
        let mut troubles = Vec::new();
        for name in COORDINATORS {
            let (place, trouble) = (place.clone(), Trouble::default());
            troubles.push((name.to_owned(), trouble.clone()));
            sim.host(name, move || coordinators::run(place.clone(), trouble.clone(), name.to_owned()));
        }
        let (mood, moods) = watch::channel(Mood::Busy);
        let operators = Operators {
            coordinators: COORDINATORS.map(str::to_owned).to_vec(),
            gluster: gluster.clone(),
            story: story.clone(),
            rng: StdRng::seed_from_u64(rng.random()),
            mood: moods,
        };
        sim.client("operators", operators.run());
        let faults =
            Faults::new(StdRng::seed_from_u64(rng.random()), gluster.clone(), story.clone(), troubles);
        Ok(Self {
            sim,
            rng,
            clock,
            story,
            gluster,
            record,
            faults,
            invariants: Invariants::default(),
            mood,
            looked: 0,
            moved: 0,
        })
    }

    fn play(mut self) -> Result<String> {
        let played = self.play_on();
        if played.is_err() {
            self.gluster.tell_views()?;
            self.record.tell_parts(&self.story)?;
        }
        for event in self.record.events()? {
            self.story.tell_as_told(event);
        }
        let (tasks, jobs) = (self.gluster.truth().tasks.len(), self.record.jobs()?.len());
        let seconds = self.clock.milliseconds() / 1000;
        played.with_context(|| format!("after {seconds} s"))?;
        Ok(format!("{tasks} tasks, {jobs} jobs, {seconds} s, story {:016x}", self.story.digest()))
    }

    fn play_on(&mut self) -> Result<()> {
        let faulty = self.rng.random_range(120_000..600_000);
        while self.clock.milliseconds() < faulty {
            self.faults.step(&mut self.sim)?;
            self.step()?;
        }
        self.faults.cease(&mut self.sim)?;
        let peace = self.clock.milliseconds();
        // Files come to an end by themselves; then operators end what is left.
        while self.clock.milliseconds() < peace + 30_000 {
            self.step()?;
        }
        self.mood.send_replace(Mood::Closing);
        self.story.tell("operators bring everything to its end");
        loop {
            self.step()?;
            let now = self.clock.milliseconds();
            let open = self.looked == now && self.record.jobs()?.iter().any(|job| job.status == "STARTED");
            let quiet = now > peace + 120_000
                && self.looked == now
                && !open
                && self.stands_still()?
                && self.gluster.is_unthrottled()?;
            if quiet || now > peace + PEACE {
                return self.invariants.hold_at_the_end(&self.gluster, &self.record);
            }
        }
    }

    /// Whether no task runs.
    fn stands_still(&self) -> Result<bool> {
        Ok(self.gluster.truth().tasks.values().all(|task| task.running_since.is_none()))
    }

    fn step(&mut self) -> Result<()> {
        self.sim.step().map_err(|e| anyhow!("the simulation broke down: {e}"))?;
        let now = u64::try_from(self.sim.elapsed().as_millis())?;
        self.clock.set(now);
        if now >= self.moved + 1000 {
            self.moved = now;
            let closing = *self.mood.borrow() == Mood::Closing;
            if closing && self.rng.random_bool(0.05) {
                self.gluster.complete_all()?;
            }
            self.gluster.move_files(&mut self.rng)?;
            self.gluster.grow(&mut self.rng)?;
        }
        if now >= self.looked + LOOK {
            self.looked = now;
            self.invariants.hold(&self.gluster, &self.record)?;
        }
        Ok(())
    }
}
