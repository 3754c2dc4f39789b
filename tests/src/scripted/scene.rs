//! The pool at the moment of one call: what its hosts see and do.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use uuid::Uuid;

use super::files;
use super::state::{Brick, Counters, Effect, Host, Lock, Op, Pending, Pool, View, Volume, status};

/// The pool, its folder and the time. Everything a call does goes through here.
pub struct Scene<'a> {
    /// The pool.
    pub pool: &'a mut Pool,
    /// The pool's folder.
    pub root: &'a Path,
    /// Unix time in milliseconds.
    pub now: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn new(pool: &'a mut Pool, root: &'a Path, now: u64) -> Self {
        Self { pool, root, now }
    }

    /// Milliseconds of so many of Gluster's seconds.
    #[must_use]
    pub fn seconds(&self, seconds: u64) -> u64 {
        seconds.saturating_mul(self.pool.timing.second_ms)
    }

    /// The host of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn host(&self, name: &str) -> Result<&Host> {
        let found = self.pool.hosts.iter().find(|h| h.name == name);
        found.with_context(|| format!("the scripted pool has no host {name}"))
    }

    /// The host of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn host_mut(&mut self, name: &str) -> Result<&mut Host> {
        let found = self.pool.hosts.iter_mut().find(|h| h.name == name);
        found.with_context(|| format!("the scripted pool has no host {name}"))
    }

    /// The volume of that name.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.pool.volumes.iter().find(|v| v.name == name)
    }

    /// The volume of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn volume_mut(&mut self, name: &str) -> Result<&mut Volume> {
        let found = self.pool.volumes.iter_mut().find(|v| v.name == name);
        found.with_context(|| format!("the scripted pool has no volume {name}"))
    }

    /// The hosts that take part in a transaction: the asked one, then the
    /// connected others, in the pool's order.
    #[must_use]
    pub fn connected(&self, asked: &str) -> Vec<String> {
        let others = self.pool.hosts.iter();
        let others = others.filter(|h| h.name != asked && h.connected());
        std::iter::once(asked.to_owned()).chain(others.map(|h| h.name.clone())).collect()
    }

    /// Whether another transaction holds the volume.
    #[must_use]
    pub fn is_locked(&self, volume: &str) -> bool {
        self.volume(volume)
            .and_then(|v| v.lock.as_ref())
            .is_some_and(|lock| lock.until.is_none_or(|until| until > self.now))
    }

    /// Holds the volume for so many milliseconds.
    ///
    /// # Errors
    /// If there is no such volume.
    pub fn lock(&mut self, volume: &str, milliseconds: u64) -> Result<()> {
        let until = Some(self.now + milliseconds);
        self.volume_mut(volume)?.lock = Some(Lock { until });
        Ok(())
    }

    /// A host's view of a volume's task.
    #[must_use]
    pub fn view(&self, host: &str, volume: &str) -> View {
        let host = self.pool.hosts.iter().find(|h| h.name == host);
        host.and_then(|h| h.views.get(volume)).cloned().unwrap_or_default()
    }

    /// Changes a host's view in memory only.
    ///
    /// # Errors
    /// If there is no such host.
    pub fn change(&mut self, host: &str, volume: &str, change: impl FnOnce(&mut View)) -> Result<()> {
        let views = &mut self.host_mut(host)?.views;
        change(views.entry(volume.to_owned()).or_default());
        Ok(())
    }

    /// Writes a host's view to its `node_state.info`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn store_view(&self, host: &str, volume: &str) -> Result<()> {
        files::write_node_state(self.root, host, volume, &self.view(host, volume))
    }

    /// A brick of the volume by what was typed: its host by name, by address, or
    /// by what its peers call it.
    #[must_use]
    pub fn find_brick(&self, volume: &str, typed: &str) -> Option<&Brick> {
        let (host, path) = self.resolve(typed)?;
        let mut bricks = self.volume(volume)?.bricks.iter();
        bricks.find(|b| b.host == host && b.path == path)
    }

    /// The host's name and the path of what was typed as a brick.
    #[must_use]
    pub fn resolve(&self, typed: &str) -> Option<(String, String)> {
        let (host, path) = typed.split_once(":/")?;
        let mut hosts = self.pool.hosts.iter();
        let host = hosts.find(|h| h.name == host || h.address == host || h.known_as == host)?;
        Some((host.name.clone(), format!("/{path}")))
    }

    /// The next task's id.
    pub fn next_task_id(&mut self) -> Uuid {
        if self.pool.next_task_ids.is_empty() { Uuid::new_v4() } else { self.pool.next_task_ids.remove(0) }
    }

    /// A part's process ends: what it did is known to its glusterd and in its file.
    ///
    /// # Errors
    /// If there is no such host, or its file cannot be written.
    pub fn end_part(&mut self, host: &str, volume: &str, end: u8) -> Result<()> {
        self.change(host, volume, |view| {
            view.running = false;
            view.status = end;
            view.told = view.live;
        })?;
        self.store_view(host, volume)
    }

    /// A host begins a task, or takes note of it if it takes no part.
    ///
    /// # Errors
    /// If there is no such host, or its file cannot be written.
    pub fn begin_part(&mut self, host: &str, volume: &str, view: View) -> Result<()> {
        self.change(host, volume, |old| *old = view)?;
        self.store_view(host, volume)
    }

    /// A view of a task that begins.
    #[must_use]
    pub fn beginning(id: Uuid, op: Op, command: u8, bricks: &[String], takes_part: bool) -> View {
        View {
            id,
            op,
            command,
            bricks: bricks.to_vec(),
            status: if takes_part { status::IN_PROGRESS } else { status::NOT_STARTED },
            told: Counters::default(),
            live: Counters::default(),
            running: takes_part,
        }
    }

    /// Lets something happen later, whether or not the caller is still there.
    pub fn later(&mut self, milliseconds: u64, effect: Effect) {
        let due = self.now + milliseconds;
        self.pool.pending.push(Pending { due, effect });
        self.pool.pending.sort_by_key(|p| p.due);
    }

    /// Lets happen what is due.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn settle(&mut self) -> Result<()> {
        while let Some(first) = self.pool.pending.first()
            && first.due <= self.now
        {
            let effect = self.pool.pending.remove(0).effect;
            self.happen(effect)?;
        }
        Ok(())
    }

    fn happen(&mut self, effect: Effect) -> Result<()> {
        match effect {
            Effect::Spread { volume, task, command, from } => {
                // Stopped or deleted meanwhile: nothing to spread.
                if self.view(&from, &volume).id != task {
                    return Ok(());
                }
                for host in self.connected(&from).split_off(1) {
                    let takes_part = self.volume(&volume).is_some_and(|v| v.on(&host));
                    let view = Self::beginning(task, Op::Rebalance, command, &[], takes_part);
                    self.begin_part(&host, &volume, view)?;
                }
                Ok(())
            }
            Effect::TakeBack { volume, task } => {
                for host in self.names() {
                    if self.view(&host, &volume).id == task {
                        self.begin_part(&host, &volume, View::default())?;
                    }
                }
                if let Ok(volume) = self.volume_mut(&volume) {
                    for brick in &mut volume.bricks {
                        brick.decommissioned = false;
                    }
                }
                Ok(())
            }
            Effect::History { host, command, outcome } => {
                files::append_history(self.root, self.now, &host, &command, &outcome)
            }
        }
    }

    /// All hosts' names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.pool.hosts.iter().map(|h| h.name.clone()).collect()
    }

    /// A change of a volume's configuration: every connected host holds it from
    /// now on, one that is away learns it when it comes back.
    ///
    /// # Errors
    /// If there is no such volume, or a file cannot be written.
    pub fn raise_version(&mut self, volume: &str) -> Result<()> {
        let changed = self.volume_mut(volume)?;
        changed.version += 1;
        let changed = changed.clone();
        for host in &mut self.pool.hosts {
            if host.connected() {
                host.versions.insert(changed.name.clone(), changed.version);
                files::write_volume_info(self.root, &host.name, &changed)?;
            }
        }
        Ok(())
    }

    /// glusterd starts: it reads its files, starts processes again that ran, and
    /// takes over what changed in the pool while it was away.
    ///
    /// # Errors
    /// If there is no such host, or its files cannot be read or written.
    pub fn start_glusterd(&mut self, name: &str) -> Result<()> {
        let before = self.host(name)?.clone();
        if before.connected() {
            bail!("glusterd already runs on {name}");
        }
        let peer = self.pool.hosts.iter().find(|h| h.connected()).cloned();
        let host = self.host_mut(name)?;
        host.up = true;
        host.glusterd = true;
        host.views.clear();
        for volume in self.pool.volumes.clone() {
            let old = before.views.get(&volume.name).cloned().unwrap_or_default();
            let mut view = files::read_node_state(self.root, name, &volume.name)?;
            let away = before.versions.get(&volume.name) != Some(&volume.version);
            if away && let Some(peer) = &peer {
                // The peers' configuration comes with their task, without its status.
                let theirs = self.view(&peer.name, &volume.name);
                if theirs.id != view.id {
                    view = View {
                        id: theirs.id,
                        op: theirs.op,
                        command: theirs.command,
                        bricks: theirs.bricks,
                        ..View::default()
                    };
                }
                files::write_volume_info(self.root, name, &volume)?;
                let host = self.host_mut(name)?;
                host.versions.insert(volume.name.clone(), volume.version);
            }
            if view.status == status::IN_PROGRESS {
                if old.running {
                    view.live = old.live;
                }
                view.running = true;
            }
            self.change(name, &volume.name, |v| *v = view)?;
            self.store_view(name, &volume.name)?;
        }
        files::keep_volumes(self.root, name, &self.pool.volumes)
    }
}
