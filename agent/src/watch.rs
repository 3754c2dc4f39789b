//! Hears of changes to glusterd's files, and wakes whoever looks.
//!
//! glusterd rewrites `vols/V/node_state.info` when a task starts, ends or is
//! stopped (seen), and `vols/V/info` when the volume changes; the command history
//! gets a line for each command. These files are no interface of Gluster's: what
//! they say is a hint to look, never proof of anything. Where they can't be
//! watched, [`Wakes::watched`] says so and the looks come more often.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use inotify::{EventMask, EventStream, Inotify, WatchDescriptor, WatchMask};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The file of a volume's task.
pub(crate) const NODE_STATE: &str = "node_state.info";
/// The file of the volume itself.
const INFO: &str = "info";
/// The file of commands.
pub(crate) const HISTORY: &str = "cmd_history.log";

/// Whom a change wakes. Several changes wake once.
#[derive(Debug)]
pub(crate) struct Wakes {
    /// A volume's task may have changed.
    pub(crate) tasks: Notify,
    /// The volumes may have changed.
    pub(crate) volumes: Notify,
    /// A command may have been run.
    pub(crate) history: Notify,
    /// glusterd, or a peer, may have gone or come back.
    pub(crate) everything: Notify,
    /// Gluster told of something that happened to a volume. Anybody may have said so.
    pub(crate) events: Notify,
    watched: watch::Sender<bool>,
}

impl Default for Wakes {
    fn default() -> Self {
        Self {
            tasks: Notify::new(),
            volumes: Notify::new(),
            history: Notify::new(),
            everything: Notify::new(),
            events: Notify::new(),
            watched: watch::Sender::new(false),
        }
    }
}

impl Wakes {
    /// Whether every volume's folder is being watched.
    pub(crate) fn watched(&self) -> watch::Receiver<bool> {
        self.watched.subscribe()
    }

    /// Anything may have changed.
    pub(crate) fn all(&self) {
        self.tasks.notify_one();
        self.volumes.notify_one();
        self.history.notify_one();
    }
}

/// The folders that are watched.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// glusterd's.
    pub(crate) glusterd: PathBuf,
    /// That of the logs.
    pub(crate) logs: PathBuf,
}

impl Folders {
    /// One folder a volume.
    pub(crate) fn volumes(&self) -> PathBuf {
        self.glusterd.join("vols")
    }

    /// The file of commands.
    pub(crate) fn history(&self) -> PathBuf {
        self.logs.join(HISTORY)
    }
}

/// Watches until cancelled. What can't be watched is tried again this often.
pub(crate) async fn run(folders: Folders, wakes: &Wakes, again_every: Duration, stop: &CancellationToken) {
    let mut told = None;
    loop {
        let error = tokio::select! {
            () = stop.cancelled() => return,
            ended = watch_on(&folders, wakes, again_every) => match ended {
                Ok(never) => match never {},
                Err(error) => error,
            }
        };
        wakes.watched.send_replace(false);
        // Said once, and again only when it is another reason.
        let words = error.to_string();
        if told.as_ref() != Some(&words) {
            tracing::warn!(
                folder = %folders.volumes().display(), error = %words,
                "glusterd's files can't be watched: Gluster is asked more often instead"
            );
            told = Some(words);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(again_every) => {}
        }
    }
}

enum Never {}

async fn watch_on(folders: &Folders, wakes: &Wakes, again_every: Duration) -> io::Result<Never> {
    let mut watching = Watching::begin(folders.clone())?;
    watching.scan()?;
    wakes.watched.send_replace(true);
    wakes.all();
    let mut again = tokio::time::interval(again_every);
    loop {
        tokio::select! {
            event = watching.events.next() => {
                let event = event.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
                watching.heard(&event.wd, event.mask, event.name.as_deref(), wakes)?;
            }
            // The log folder may be made later than the agent starts.
            _ = again.tick(), if !watching.hears_history() => watching.watch_history(),
        }
    }
}

/// What a watch is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Volumes,
    Volume,
    Logs,
    History,
}

struct Watching {
    folders: Folders,
    events: EventStream<[u8; 4096]>,
    of: HashMap<WatchDescriptor, Of>,
}

impl Watching {
    fn begin(folders: Folders) -> io::Result<Self> {
        Ok(Self { folders, events: Inotify::init()?.into_event_stream([0; 4096])?, of: HashMap::new() })
    }

    fn add(&mut self, path: &Path, mask: WatchMask, of: Of) -> io::Result<()> {
        let watch = self.events.watches().add(path, mask)?;
        self.of.insert(watch, of);
        Ok(())
    }

    /// Watches all that is there. The folder of the volumes comes first, so that
    /// one that is made meanwhile is heard of.
    fn scan(&mut self) -> io::Result<()> {
        let volumes = self.folders.volumes();
        let folder = WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::MOVED_TO
            | WatchMask::MOVED_FROM
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR;
        self.add(&volumes, folder, Of::Volumes)?;
        for entry in std::fs::read_dir(&volumes)? {
            let entry = entry?;
            let file = WatchMask::CLOSE_WRITE | WatchMask::MOVED_TO | WatchMask::ONLYDIR;
            match self.add(&entry.path(), file, Of::Volume) {
                // Deleted meanwhile, or no folder at all.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                added => added?,
            }
        }
        self.watch_history();
        Ok(())
    }

    fn hears_history(&self) -> bool {
        self.of.values().any(|of| *of == Of::History)
    }

    /// The file is watched for what is written to it, the folder only for a new
    /// file: the other logs in it are written all the time.
    fn watch_history(&mut self) {
        let (folder, file) = (self.folders.logs.clone(), self.folders.history());
        // Without the history a task is still seen; nothing else depends on it.
        let _ = self.add(&folder, WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::ONLYDIR, Of::Logs);
        let _ = self.add(&file, WatchMask::MODIFY, Of::History);
    }

    fn heard(
        &mut self,
        watch: &WatchDescriptor,
        mask: EventMask,
        name: Option<&std::ffi::OsStr>,
        wakes: &Wakes,
    ) -> io::Result<()> {
        if mask.contains(EventMask::Q_OVERFLOW) {
            self.scan()?;
            wakes.all();
            return Ok(());
        }
        let Some(of) = self.of.get(watch).cloned() else {
            return Ok(());
        };
        if mask.contains(EventMask::IGNORED) {
            self.of.remove(watch);
        }
        match of {
            Of::Volumes => {
                if mask.intersects(EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::IGNORED) {
                    return Err(io::Error::new(io::ErrorKind::NotFound, "the folder is gone"));
                }
                self.scan()?;
                wakes.tasks.notify_one();
                wakes.volumes.notify_one();
            }
            Of::Volume if name.is_some_and(|n| n == NODE_STATE) => wakes.tasks.notify_one(),
            Of::Volume if name.is_some_and(|n| n == INFO) => wakes.volumes.notify_one(),
            Of::Logs if name.is_some_and(|n| n == HISTORY) => {
                self.watch_history();
                wakes.history.notify_one();
            }
            Of::History => wakes.history.notify_one(),
            Of::Volume | Of::Logs => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const DEADLINE: Duration = Duration::from_secs(10);

    struct Host {
        folder: tempfile::TempDir,
        wakes: Arc<Wakes>,
        stop: CancellationToken,
    }

    impl Host {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { folder, wakes: Arc::default(), stop: CancellationToken::new() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        async fn watch(&self) {
            let folders = Folders { glusterd: self.path("glusterd"), logs: self.path("logs") };
            let (wakes, stop) = (self.wakes.clone(), self.stop.clone());
            tokio::spawn(async move {
                run(folders, &wakes, Duration::from_millis(20), &stop).await;
            });
        }

        async fn until_watched(&self, watched: bool) {
            let mut now = self.wakes.watched();
            tokio::time::timeout(DEADLINE, now.wait_for(|w| *w == watched)).await.unwrap().unwrap();
        }

        /// Takes the wakes that starting to watch gives.
        async fn settle(&self) {
            for wake in [&self.wakes.tasks, &self.wakes.volumes, &self.wakes.history] {
                woken(wake).await;
            }
        }
    }

    impl Drop for Host {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    async fn woken(wake: &Notify) {
        tokio::time::timeout(DEADLINE, wake.notified()).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_replaced_by_rename_wakes_also_in_a_new_volume() {
        let host = Host::new();
        std::fs::create_dir_all(host.path("glusterd/vols/dist")).unwrap();
        host.watch().await;
        host.settle().await;
        for volume in ["dist", "new"] {
            let folder = host.path("glusterd/vols").join(volume);
            if !folder.exists() {
                std::fs::create_dir(&folder).unwrap();
                woken(&host.wakes.volumes).await;
                woken(&host.wakes.tasks).await;
            }
            std::fs::write(folder.join("node_state.info.tmp"), "status=1").unwrap();
            std::fs::rename(folder.join("node_state.info.tmp"), folder.join(NODE_STATE)).unwrap();
            woken(&host.wakes.tasks).await;
            std::fs::write(folder.join(INFO), "type=0").unwrap();
            woken(&host.wakes.volumes).await;
        }
        std::fs::remove_dir_all(host.path("glusterd/vols/dist")).unwrap();
        woken(&host.wakes.volumes).await;
    }

    #[tokio::test]
    async fn the_history_wakes_also_after_its_rotation() {
        let host = Host::new();
        std::fs::create_dir_all(host.path("glusterd/vols")).unwrap();
        host.watch().await;
        host.settle().await;
        // The folder is made after the watching began.
        std::fs::create_dir(host.path("logs")).unwrap();
        let file = host.path("logs").join(HISTORY);
        for _ in 0..2 {
            tokio::time::timeout(DEADLINE, async {
                // Until the folder is watched a line may go unheard.
                loop {
                    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(&file).unwrap();
                    io::Write::write_all(&mut log, b"line\n").unwrap();
                    let heard = host.wakes.history.notified();
                    if tokio::time::timeout(Duration::from_millis(50), heard).await.is_ok() {
                        break;
                    }
                }
            })
            .await
            .unwrap();
            std::fs::rename(&file, host.path("logs/cmd_history.log.1")).unwrap();
        }
    }

    #[tokio::test]
    async fn says_when_it_cannot_watch_and_goes_on_when_it_can() {
        let host = Host::new();
        host.watch().await;
        host.until_watched(false).await;
        std::fs::create_dir_all(host.path("glusterd/vols")).unwrap();
        host.until_watched(true).await;
        std::fs::remove_dir_all(host.path("glusterd")).unwrap();
        host.until_watched(false).await;
    }
}
