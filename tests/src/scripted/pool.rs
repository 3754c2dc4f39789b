//! A scripted pool in a test's hands.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use hod_core::task::{Counters as Told, PartStatus};
use tempfile::TempDir;
use uuid::Uuid;

use super::fault::{Fault, What};
use super::files;
use super::play;
use super::scene::Scene;
use super::state::{Brick, Counters, Heal, Host, Kind, Lock, Op, Pool, Timing, View, Volume, status};
use super::store::Store;
use crate::binary::built;

/// A pool of scripted hosts in a folder of its own, gone when it is dropped.
///
/// Nothing moves by itself: the test says what the hosts' processes have done
/// ([`Self::set_part`], [`Self::advance`], [`Self::complete`]), what fails and when.
pub struct ScriptedPool {
    dir: TempDir,
    store: Store,
}

/// What a call of `gluster` printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub code: i32,
}

impl Reply {
    /// Whether Gluster says it was done (`opRet` 0).
    #[must_use]
    pub fn done(&self) -> bool {
        self.stdout.contains("<opRet>0</opRet>")
    }

    /// The first element of that name that holds a text.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.stdout.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }
}

impl ScriptedPool {
    /// A pool of these hosts, version 10.3, all up, with no volume.
    ///
    /// # Errors
    /// If the folder cannot be made, or the scripted gluster has not been built.
    pub fn new(hosts: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("hod-scripted-").tempdir()?;
        let store = Store::at(dir.path());
        let pool = new_pool(hosts);
        store.create(&pool)?;
        let program = built("scripted-gluster")?;
        let scripted = Self::with(dir, store, &pool)?;
        for host in &pool.hosts {
            write_program(scripted.folder(), &host.name, &program)?;
        }
        Ok(scripted)
    }

    /// The same, played within this process ([`Store::played`]): nothing runs its
    /// `gluster` but [`super::play::decide`], and a second of Gluster's takes a second.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn played(hosts: &[&str]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("hod-played-").tempdir()?;
        let mut pool = new_pool(hosts);
        pool.timing.second_ms = 1000;
        let store = Store::played(dir.path(), pool.clone());
        Self::with(dir, store, &pool)
    }

    fn with(dir: TempDir, store: Store, pool: &Pool) -> Result<Self> {
        for host in &pool.hosts {
            fs::create_dir_all(files::glusterd_dir(dir.path(), &host.name).join("vols"))?;
            fs::create_dir_all(files::log_dir(dir.path(), &host.name))?;
        }
        Ok(Self { dir, store })
    }

    /// Where its state is kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The folder of its hosts' files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Changes anything in the pool's state.
    ///
    /// # Errors
    /// Those of `change`, or if the state cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut Scene<'_>) -> Result<T>) -> Result<T> {
        self.store.update(change)
    }

    /// The state as it is now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn state(&self) -> Result<Pool> {
        self.change(|scene| Ok(scene.pool.clone()))
    }

    /// Adds a started volume. A name ending in `*` marks an arbiter's brick.
    ///
    /// # Errors
    /// If a brick's host is not of the pool, or the volume is there already.
    pub fn add_volume(&self, name: &str, kind: Kind, bricks: &[&str]) -> Result<Uuid> {
        self.change(|scene| {
            ensure!(scene.volume(name).is_none(), "volume {name} exists");
            let bricks = bricks.iter().map(|brick| new_brick(scene, brick)).collect::<Result<_>>()?;
            let id = Uuid::new_v4();
            scene.pool.volumes.push(Volume {
                name: name.to_owned(),
                id,
                status: 1,
                kind,
                bricks,
                options: default_options(kind),
                version: 0,
                lock: None,
            });
            for host in scene.names() {
                scene.change(&host, name, |view| *view = View::default())?;
                scene.store_view(&host, name)?;
            }
            scene.raise_version(name)?;
            Ok(id)
        })
    }

    /// Adds a brick to a volume (`add-brick`).
    ///
    /// # Errors
    /// If there is no such volume or host.
    pub fn add_brick(&self, volume: &str, brick: &str) -> Result<()> {
        self.change(|scene| {
            let brick = new_brick(scene, brick)?;
            scene.volume_mut(volume)?.bricks.push(brick);
            scene.raise_version(volume)
        })
    }

    /// The `gluster` of a host.
    #[must_use]
    pub fn program(&self, host: &str) -> PathBuf {
        program_path(self.dir.path(), host)
    }

    /// A host's `/var/lib/glusterd`.
    #[must_use]
    pub fn glusterd_dir(&self, host: &str) -> PathBuf {
        files::glusterd_dir(self.dir.path(), host)
    }

    /// A host's `/var/log/glusterfs`.
    #[must_use]
    pub fn log_dir(&self, host: &str) -> PathBuf {
        files::log_dir(self.dir.path(), host)
    }

    /// Runs Gluster's command line on a host, as an operator would.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn gluster(&self, host: &str, words: &str) -> Result<Reply> {
        let mut command = self.command(host);
        let output = command.args(words.split(' ')).arg("--xml").output()?;
        Ok(Reply {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// The same, and it must be done; gives the answer.
    ///
    /// # Errors
    /// If Gluster refuses it.
    pub fn done(&self, host: &str, words: &str) -> Result<Reply> {
        let reply = self.gluster(host, words)?;
        if reply.code != 0 || !reply.done() {
            bail!("{host}: gluster {words}: {}{}", reply.stdout, reply.stderr);
        }
        Ok(reply)
    }

    /// Starts a task and gives its id.
    ///
    /// # Errors
    /// If Gluster refuses it.
    pub fn start(&self, host: &str, words: &str) -> Result<Uuid> {
        let reply = self.done(host, words)?;
        let id = reply.element("task-id").context("no task-id")?;
        Ok(id.parse()?)
    }

    /// The command line of a host, to be given words and run.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the scripted gluster, run by a test")]
    pub fn command(&self, host: &str) -> Command {
        let mut command = Command::new(self.program(host));
        command.arg("--mode=script");
        command
    }

    /// The ids that the next tasks will have.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn next_task_ids(&self, ids: &[Uuid]) -> Result<()> {
        self.change(|scene| {
            scene.pool.next_task_ids.extend(ids);
            Ok(())
        })
    }

    /// A host's id.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn host_id(&self, host: &str) -> Result<Uuid> {
        self.change(|scene| Ok(scene.host(host)?.id))
    }

    /// A host's own view of a volume's task.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn view(&self, volume: &str, host: &str) -> Result<View> {
        self.change(|scene| Ok(scene.view(host, volume)))
    }

    /// Says how a host's part stands and what it has done. A part that ends tells
    /// its glusterd, which writes its file.
    ///
    /// # Errors
    /// If the host has no part, or the status cannot be set.
    pub fn set_part(&self, volume: &str, host: &str, part: PartStatus, counters: Told) -> Result<()> {
        self.change(|scene| {
            let view = scene.view(host, volume);
            ensure!(view.op != Op::None || view.running, "{host} has no part in {volume}'s task");
            let live = counters_of(counters);
            scene.change(host, volume, |view| view.live = live)?;
            match part {
                PartStatus::InProgress => scene.change(host, volume, |view| {
                    view.status = status::IN_PROGRESS;
                    view.running = true;
                }),
                PartStatus::Stopped => scene.end_part(host, volume, status::STOPPED),
                PartStatus::Completed => scene.end_part(host, volume, status::COMPLETED),
                PartStatus::Failed => scene.end_part(host, volume, status::FAILED),
                other => bail!("a process does not come to {other:?} by itself"),
            }
        })
    }

    /// Every part that runs moves so many files of 1 KiB in a second.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn advance(&self, volume: &str, files: u64) -> Result<()> {
        self.change(|scene| {
            for host in scene.names() {
                scene.change(&host, volume, |view| {
                    if view.running {
                        view.live.files += files;
                        view.live.size += files * 1024;
                        view.live.lookups += 2 * files;
                        view.live.run_time += 1.0;
                    }
                })?;
            }
            Ok(())
        })
    }

    /// Every part that runs is completed.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn complete(&self, volume: &str) -> Result<()> {
        self.change(|scene| {
            for host in scene.names() {
                if scene.view(&host, volume).running {
                    scene.end_part(&host, volume, status::COMPLETED)?;
                }
            }
            Ok(())
        })
    }

    /// The machine loses its power.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn kill_host(&self, host: &str) -> Result<()> {
        self.change(|scene| {
            let host = scene.host_mut(host)?;
            host.up = false;
            host.glusterd = false;
            for view in host.views.values_mut() {
                view.running = false;
            }
            Ok(())
        })
    }

    /// The machine is back: its glusterd reads its files and starts again what ran.
    ///
    /// # Errors
    /// If there is no such host, or it is up.
    pub fn return_host(&self, host: &str) -> Result<()> {
        self.change(|scene| scene.start_glusterd(host))
    }

    /// glusterd stops; processes of tasks go on.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn stop_glusterd(&self, host: &str) -> Result<()> {
        self.change(|scene| {
            scene.host_mut(host)?.glusterd = false;
            Ok(())
        })
    }

    /// glusterd starts again.
    ///
    /// # Errors
    /// If there is no such host, or its glusterd runs.
    pub fn start_glusterd(&self, host: &str) -> Result<()> {
        self.return_host(host)
    }

    /// The host stops in its tracks (or goes on), its connections stay.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn freeze(&self, host: &str, frozen: bool) -> Result<()> {
        self.change(|scene| {
            scene.host_mut(host)?.frozen = frozen;
            Ok(())
        })
    }

    /// Another transaction holds the volume, until let go.
    ///
    /// # Errors
    /// If there is no such volume.
    pub fn lock_volume(&self, volume: &str) -> Result<()> {
        self.change(|scene| {
            scene.volume_mut(volume)?.lock = Some(Lock { until: None });
            Ok(())
        })
    }

    /// The other transaction is over.
    ///
    /// # Errors
    /// If there is no such volume.
    pub fn unlock_volume(&self, volume: &str) -> Result<()> {
        self.change(|scene| {
            scene.volume_mut(volume)?.lock = None;
            Ok(())
        })
    }

    /// Lets calls go wrong whose words hold `of`, on every host, until mended.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn fault(&self, of: &str, what: What) -> Result<()> {
        self.add_fault(Fault { what, host: None, of: of.to_owned(), times: None })
    }

    /// Lets calls go wrong, told in full.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn add_fault(&self, fault: Fault) -> Result<()> {
        self.change(|scene| {
            scene.pool.faults.push(fault);
            Ok(())
        })
    }

    /// Calls whose words hold `of` are refused with this text.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn refuse(&self, of: &str, text: &str) -> Result<()> {
        let text = text.to_owned();
        self.fault(of, What::Refuse { errno: 30800, text })
    }

    /// Takes all faults away.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn mend(&self) -> Result<()> {
        self.change(|scene| {
            scene.pool.faults.clear();
            Ok(())
        })
    }

    /// A host's command history.
    ///
    /// # Errors
    /// If there is none yet.
    pub fn history(&self, host: &str) -> Result<String> {
        Ok(fs::read_to_string(self.log_dir(host).join("cmd_history.log"))?)
    }

    /// A host's `node_state.info` of a volume.
    ///
    /// # Errors
    /// If there is none.
    pub fn node_state(&self, host: &str, volume: &str) -> Result<String> {
        let dir = self.glusterd_dir(host).join("vols").join(volume);
        Ok(fs::read_to_string(dir.join("node_state.info"))?)
    }
}

impl Drop for ScriptedPool {
    fn drop(&mut self) {
        // Before its folder goes: processes that outlive the test must not write there.
        self.store.close();
    }
}

fn new_pool(hosts: &[&str]) -> Pool {
    let hosts = hosts.iter().zip(2..).map(|(name, n)| Host {
        name: (*name).to_owned(),
        id: Uuid::new_v4(),
        address: format!("172.29.0.{n}"),
        known_as: (*name).to_owned(),
        other_names: Vec::new(),
        up: true,
        glusterd: true,
        frozen: false,
        busy: None,
        views: BTreeMap::new(),
        versions: BTreeMap::new(),
    });
    Pool {
        version: "10.3".to_owned(),
        timing: Timing::default(),
        hosts: hosts.collect(),
        volumes: Vec::new(),
        faults: Vec::new(),
        befallen: 0,
        found_locked: 0,
        pending: Vec::new(),
        next_task_ids: Vec::new(),
    }
}

fn new_brick(scene: &Scene<'_>, name: &str) -> Result<Brick> {
    let arbiter = name.ends_with('*');
    let name = name.trim_end_matches('*');
    let (host, path) =
        scene.resolve(name).with_context(|| format!("{name}: no such host in the scripted pool"))?;
    Ok(Brick { host, path, decommissioned: false, arbiter, reset: false, heal: Heal::default() })
}

/// What a new volume has (fixture 04).
fn default_options(kind: Kind) -> Vec<(String, String)> {
    let mut options = vec![
        ("storage.fips-mode-rchecksum", "on"),
        ("transport.address-family", "inet"),
        ("nfs.disable", "on"),
    ];
    if let Kind::Replicate { .. } = kind {
        options.insert(0, ("cluster.granular-entry-heal", "on"));
        options.push(("performance.client-io-threads", "off"));
    }
    let owned = options.into_iter();
    owned.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn counters_of(told: Told) -> Counters {
    Counters {
        files: told.files,
        size: told.bytes,
        lookups: told.scanned,
        failures: told.failed,
        skipped: told.skipped,
        run_time: told.run_time.map_or(0.0, |t| t.as_secs_f64()),
    }
}

fn program_path(root: &Path, host: &str) -> PathBuf {
    root.join("hosts").join(host).join("gluster")
}

/// A host's `gluster` says where it is and becomes the scripted one.
fn write_program(root: &Path, host: &str, program: &Path) -> Result<()> {
    let path = program_path(root, host);
    let script = format!(
        "#!/bin/sh\n{}='{}' {}='{host}' exec '{}' \"$@\"\n",
        play::STATE,
        root.display(),
        play::HOST,
        program.display(),
    );
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
