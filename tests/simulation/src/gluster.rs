//! The played Gluster: what is typed into it, what its tasks do by themselves, and the
//! truth of it, which no agent tells.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use hod_tests::scripted::command::{self, Command, Invocation, RemoveBrick};
use hod_tests::scripted::play::{self, Outcome};
use hod_tests::scripted::scene::Scene;
use hod_tests::scripted::state::{Op, status};
use hod_tests::scripted::{Kind, ScriptedPool};
use rand::Rng;
use rand::RngExt as _;
use uuid::Uuid;

use crate::clock::Clock;
use crate::heals;
use crate::story::Story;

/// The hosts of the pool.
pub(crate) const HOSTS: [&str; 3] = ["node-a", "node-b", "node-c"];

/// Its volumes: files spread over three bricks, over five, and kept three times.
pub(crate) const VOLUMES: [&str; 3] = ["dist", "wide", REPLICATED];

/// The one whose bricks can be replaced.
pub(crate) const REPLICATED: &str = "repl";

/// Who types a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// An agent.
    Agent,
    /// Somebody at a host's own command line.
    Hand,
}

/// The pool with its truth. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Gluster {
    pool: Arc<ScriptedPool>,
    truth: Arc<Mutex<Truth>>,
    clock: Clock,
    story: Story,
}

/// What has really happened.
#[derive(Default)]
pub(crate) struct Truth {
    /// Every task that any host has held.
    pub(crate) tasks: BTreeMap<Uuid, Task>,
    /// Bricks that lack what the others of their set have, and since when, in
    /// milliseconds.
    pub(crate) unhealed: BTreeMap<String, u64>,
    /// How often an agent has replaced or reset a brick.
    pub(crate) replaced: u64,
    /// What must never be.
    pub(crate) wrongs: Vec<String>,
}

/// A task as it really is.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) volume: String,
    pub(crate) op: Op,
    pub(crate) by: By,
    /// Since when a process of it runs on a host that is up, in milliseconds.
    pub(crate) running_since: Option<u64>,
    /// Since when a host whose glusterd runs has held it, in milliseconds.
    pub(crate) held_since: Option<u64>,
}

impl Gluster {
    pub(crate) fn new(clock: Clock, story: Story) -> Result<Self> {
        let pool = ScriptedPool::played(&HOSTS)?;
        let brick = |host: &str, name: &str| -> Result<String> {
            let path = pool.folder().join("bricks").join(host).join(name);
            heals::make_brick(&path)?;
            Ok(format!("{host}:{}", path.display()))
        };
        let bricks = |names: &[(usize, &str)]| -> Result<Vec<String>> {
            names.iter().map(|(host, name)| brick(HOSTS[*host], name)).collect()
        };
        let add = |volume: &str, kind, bricks: Vec<String>| {
            pool.add_volume(volume, kind, &bricks.iter().map(String::as_str).collect::<Vec<_>>())
        };
        add("dist", Kind::Distribute, bricks(&[(0, "d1"), (1, "d1"), (2, "d1")])?)?;
        let wide = bricks(&[(0, "w1"), (1, "w1"), (2, "w1"), (0, "w2"), (1, "w2")])?;
        add("wide", Kind::Distribute, wide)?;
        let twice = bricks(&[(0, "r1"), (1, "r1"), (2, "r1"), (0, "r2"), (1, "r2"), (2, "r2")])?;
        add("repl", Kind::Replicate { replica: 3, arbiters: 0 }, twice)?;
        Ok(Self { pool: Arc::new(pool), truth: Arc::default(), clock, story })
    }

    pub(crate) fn pool(&self) -> &ScriptedPool {
        &self.pool
    }

    /// Milliseconds since the simulation began.
    pub(crate) fn now(&self) -> u64 {
        self.clock.milliseconds()
    }

    pub(crate) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes or reads the pool at this moment, and takes note of what has come of it.
    pub(crate) fn at<T>(&self, by: By, step: impl FnOnce(&mut Scene<'_>) -> Result<T>) -> Result<T> {
        self.pool.store().set_clock(self.now());
        self.pool.change(|scene| {
            let result = step(scene)?;
            self.note(scene, by);
            Ok(result)
        })
    }

    /// A call of a host's `gluster`.
    pub(crate) fn call(&self, host: &str, invocation: &Invocation, by: By) -> Result<Outcome> {
        self.at(by, |scene| {
            let gate = gate(scene, &invocation.command);
            let before = heals::before(scene, &invocation.command);
            let outcome = play::decide(scene, host, invocation)?;
            if let Some(before) = before
                && let Some(brick) = heals::after(scene, &before)?
            {
                self.note_replaced(by, &brick);
            }
            if let Some(gate) = gate {
                self.mind(scene, host, by, invocation, &gate);
            }
            if changes(&invocation.command)
                && let Outcome::Say { answer, .. } = &outcome
            {
                let how = match answer.stdout.contains("<opRet>0</opRet>") {
                    true => "done",
                    false => answer.stdout.split("<opErrstr>").nth(1).unwrap_or(&answer.stdout),
                };
                let how = how.split(['<', '\n']).next().unwrap_or_default();
                self.story.tell(format_args!(
                    "{host}: {by:?}: gluster {}: {}",
                    short(&invocation.words),
                    short(how)
                ));
            }
            Ok(outcome)
        })
    }

    /// Somebody types a command on a host. Whether it was done.
    pub(crate) fn type_in(&self, host: &str, words: &str) -> Result<bool> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        match self.call(host, &command::read(&words), By::Hand)? {
            Outcome::Say { answer, .. } => Ok(answer.stdout.contains("<opRet>0</opRet>")),
            _ => Ok(false),
        }
    }

    /// A commit that was carried out though it loses files.
    fn mind(&self, scene: &Scene<'_>, host: &str, by: By, invocation: &Invocation, gate: &Gate) {
        let bricks = scene.volume(&gate.volume).map_or(0, |v| v.bricks.len());
        if by == By::Agent && bricks < gate.bricks && !gate.shut.is_empty() {
            self.truth().wrongs.push(format!(
                "{host} committed past the gate: {} though {}",
                short(&invocation.words),
                gate.shut.join(", ")
            ));
        }
    }

    /// A brick was replaced or reset.
    fn note_replaced(&self, by: By, (old, new): &(String, String)) {
        let mut truth = self.truth();
        truth.unhealed.remove(old);
        truth.unhealed.insert(new.clone(), self.now());
        truth.replaced += u64::from(by == By::Agent);
        self.story.tell(format_args!("{} lacks what {} had", short(new), short(old)));
    }

    /// What is true of every task now.
    fn note(&self, scene: &Scene<'_>, by: By) {
        let now = self.now();
        let mut truth = self.truth();
        let mut running = Vec::new();
        let mut held = Vec::new();
        for host in &scene.pool.hosts {
            for (volume, view) in &host.views {
                if view.id == Uuid::nil() {
                    continue;
                }
                truth.tasks.entry(view.id).or_insert_with(|| {
                    self.story.tell(format_args!("task {} of {volume} has begun", view.id));
                    let (running_since, held_since) = (None, None);
                    Task { volume: volume.clone(), op: view.op, by, running_since, held_since }
                });
                if host.up && view.running {
                    running.push(view.id);
                }
                if host.connected() {
                    held.push(view.id);
                }
            }
        }
        for (id, task) in &mut truth.tasks {
            let is_in = |ids: &[Uuid]| ids.contains(id);
            task.running_since = is_in(&running).then(|| task.running_since.unwrap_or(now));
            task.held_since = is_in(&held).then(|| task.held_since.unwrap_or(now));
        }
    }

    /// Adds to the story what each host holds.
    pub(crate) fn tell_views(&self) -> Result<()> {
        for host in self.pool.state()?.hosts {
            let state = (host.up, host.glusterd, host.frozen);
            self.story.tell(format_args!("{}: (up, glusterd, frozen) {state:?}", host.name));
            for (volume, view) in &host.views {
                let (id, op, status) = (view.id, view.op, view.status);
                self.story.tell(format_args!("{}: {volume}: {op:?} {id} at status {status}", host.name));
            }
        }
        Ok(())
    }

    /// What the tasks do in a second.
    pub(crate) fn move_files(&self, rng: &mut impl Rng) -> Result<()> {
        let folder = self.pool.folder().to_owned();
        self.at(By::Hand, |scene| {
            for volume in VOLUMES {
                for host in HOSTS {
                    if !(scene.view(host, volume).running && scene.host(host)?.up) {
                        continue;
                    }
                    let files = rng.random_range(0..40);
                    scene.change(host, volume, |view| {
                        view.live.files += files;
                        view.live.size += files * 4096;
                        view.live.lookups += 2 * files;
                        view.live.run_time += 1.0;
                    })?;
                    if rng.random_bool(0.01) {
                        scene.change(host, volume, |view| view.live.failures += 1)?;
                    }
                    if rng.random_bool(0.025) {
                        if rng.random_bool(0.1) {
                            self.leave_a_file(&folder, scene, host, volume)?;
                        }
                        scene.end_part(host, volume, status::COMPLETED)?;
                        self.story.tell(format_args!("{host}: the part of {volume}'s task has completed"));
                    } else if rng.random_bool(0.002) {
                        scene.end_part(host, volume, status::FAILED)?;
                        self.story.tell(format_args!("{host}: the part of {volume}'s task has failed"));
                    }
                }
            }
            if !self.truth().unhealed.is_empty() {
                for brick in heals::heal(scene, REPLICATED, rng)? {
                    if self.truth().unhealed.remove(&brick).is_some() {
                        self.story.tell(format_args!("{} is healed", short(&brick)));
                    }
                }
            }
            Ok(())
        })
    }

    /// A folder on a host for a brick that is yet to be.
    pub(crate) fn new_brick(&self, host: &str, volume: &str) -> String {
        let path = self.pool.folder().join("bricks").join(host).join(format!("{volume}-{}", self.now()));
        format!("{host}:{}", path.display())
    }

    /// Whether hod has put every volume's throttle back.
    pub(crate) fn is_unthrottled(&self) -> Result<bool> {
        let volumes = self.pool.state()?.volumes;
        Ok(volumes.iter().all(|v| v.options.iter().all(|(name, _)| name != "cluster.rebal-throttle")))
    }

    /// A file stays on a brick that is to go, and no counter tells of it.
    fn leave_a_file(&self, folder: &Path, scene: &Scene<'_>, host: &str, volume: &str) -> Result<()> {
        let Some(volume) = scene.volume(volume) else { return Ok(()) };
        for brick in volume.bricks.iter().filter(|b| b.decommissioned && b.host == host) {
            ensure!(Path::new(&brick.path).starts_with(folder), "a brick elsewhere");
            fs::write(Path::new(&brick.path).join("left-behind"), "data")?;
            self.story.tell(format_args!("a file stays on {}", short(&brick.name())));
        }
        Ok(())
    }

    /// Every part that runs is completed: the files do come to an end.
    pub(crate) fn complete_all(&self) -> Result<()> {
        self.at(By::Hand, |scene| {
            for volume in VOLUMES {
                for host in HOSTS {
                    if scene.view(host, volume).running && scene.host(host)?.up {
                        scene.end_part(host, volume, status::COMPLETED)?;
                        self.story.tell(format_args!("{host}: the part of {volume}'s task has completed"));
                    }
                }
            }
            Ok(())
        })
    }

    /// A volume that has lost bricks gets others, so that there is something to do.
    pub(crate) fn grow(&self, rng: &mut impl Rng) -> Result<()> {
        let folder = self.pool.folder().join("bricks");
        self.at(By::Hand, |scene| {
            for volume in ["dist", "wide"] {
                let there = scene.volume(volume).context("a volume")?.bricks.len();
                if there > 2 {
                    continue;
                }
                let host = HOSTS[rng.random_range(0..3)];
                let path = folder.join(host).join(format!("{volume}-{}", self.now()));
                heals::make_brick(&path)?;
                scene.volume_mut(volume)?.bricks.push(hod_tests::scripted::state::Brick {
                    host: host.to_owned(),
                    path: path.display().to_string(),
                    decommissioned: false,
                    arbiter: false,
                    reset: false,
                    heal: Default::default(),
                });
                scene.raise_version(volume)?;
                self.story.tell(format_args!("{volume} has got another brick on {host}"));
            }
            Ok(())
        })
    }
}

/// What shuts the commit gate of a volume, before a commit is tried.
struct Gate {
    volume: String,
    bricks: usize,
    shut: Vec<String>,
}

fn gate(scene: &Scene<'_>, command: &Command) -> Option<Gate> {
    let Command::RemoveBrick { volume, bricks, action: RemoveBrick::Commit, .. } = command else {
        return None;
    };
    let mut shut = Vec::new();
    for brick in bricks {
        let Some((host, path)) = scene.resolve(brick) else { continue };
        let view = scene.view(&host, volume);
        if view.op != Op::RemoveBrick || view.status != status::COMPLETED {
            shut.push(format!("{host}'s part is at status {}", view.status));
        }
        if view.live.failures + view.live.skipped > 0 {
            shut.push(format!("{host} left {} files", view.live.failures + view.live.skipped));
        }
        let left = fs::read_dir(path).into_iter().flatten().flatten();
        if left.filter(|entry| entry.file_name() != ".glusterfs").count() > 0 {
            shut.push(format!("files are on {}", short(brick)));
        }
    }
    Some(Gate { volume: volume.clone(), bricks: scene.volume(volume)?.bricks.len(), shut })
}

fn changes(command: &Command) -> bool {
    matches!(
        command,
        Command::Rebalance(_, command::Rebalance::Start { .. } | command::Rebalance::Stop)
            | Command::RemoveBrick {
                action: RemoveBrick::Start | RemoveBrick::Stop | RemoveBrick::Commit | RemoveBrick::Force,
                ..
            }
            | Command::ReplaceBrick(..)
            | Command::ResetBrickStart(..)
            | Command::ResetBrickCommit(..)
            | Command::Set(..)
            | Command::Reset(..)
    )
}

/// Without the folder that the bricks are in, which is another in each run.
pub(crate) fn short(words: &str) -> String {
    words
        .split(' ')
        .map(|word| match word.split_once(":/") {
            Some((host, path)) => format!("{host}:…/{}", path.rsplit('/').next().unwrap_or_default()),
            None => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}
