//! Who may change Gluster: of the coordinators of a pool only the one that took it last.
//!
//! A coordinator that is frozen while another takes its pool may still ask when it wakes.
//! The other has told its higher epoch by then, as its stream was opened; that is
//! remembered, and who asks with a lower one is refused before anything is run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::lease::Lease;

use crate::blocking;

/// The file's name, in the agent's own folder.
const FILE: &str = "leases";
/// A host is in one pool; others are those that it was in. So many are remembered.
const POOLS: usize = 16;

/// The highest epoch of each pool that was told, also before the agent was restarted.
#[derive(Clone)]
pub(crate) struct Fence(Arc<Known>);

struct Known {
    file: PathBuf,
    highest: Mutex<Highest>,
    /// What stands in the file.
    kept: tokio::sync::Mutex<Highest>,
}

/// One lease a pool, the last raised last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Highest(Vec<Lease>);

impl Fence {
    /// What is remembered in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let highest = match fs::read_to_string(&file).map(|text| Highest::read(&text)) {
            Ok(Some(highest)) => highest,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Highest::default(),
            told => {
                let why = told.err().map_or("is not of this form".to_owned(), |error| error.to_string());
                let file = file.display();
                tracing::warn!(%file, %why, "which coordinators may change Gluster is learnt anew");
                Highest::default()
            }
        };
        Self(Arc::new(Known {
            file,
            kept: tokio::sync::Mutex::new(highest.clone()),
            highest: Mutex::new(highest),
        }))
    }

    /// Lets one pass whose pool was not taken by another since, and remembers it.
    ///
    /// # Errors
    /// As [`GlusterErrorKind::Fenced`], if it was.
    pub(crate) async fn pass(&self, lease: Lease) -> Result<(), GlusterError> {
        self.highest().raise(lease)?;
        self.keep().await;
        Ok(())
    }

    /// Whether one that has passed may still: another may have come since.
    ///
    /// # Errors
    /// As [`Self::pass`].
    pub(crate) fn check(&self, lease: Lease) -> Result<(), GlusterError> {
        self.highest().check(lease)
    }

    fn highest(&self) -> MutexGuard<'_, Highest> {
        // A panic elsewhere leaves it whole.
        self.0.highest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it down. Where that can't be, a restart forgets it, which is no reason to
    /// refuse what a pool's holder asks for; it is tried again the next time.
    async fn keep(&self) {
        let mut kept = self.0.kept.lock().await;
        let highest = self.highest().clone();
        if *kept == highest {
            return;
        }
        let (file, text) = (self.0.file.clone(), highest.text());
        match blocking::run(move || write(&file, &text)).await.map_err(io::Error::from).flatten() {
            Ok(()) => *kept = highest,
            Err(error) => {
                let file = self.0.file.display();
                tracing::warn!(%file, %error, "the epochs of pools can't be kept over a restart");
            }
        }
    }
}

impl Highest {
    fn check(&self, lease: Lease) -> Result<(), GlusterError> {
        match self.0.iter().find(|known| known.pool == lease.pool) {
            Some(known) if known.epoch > lease.epoch => Err(fenced(lease, known.epoch)),
            _ => Ok(()),
        }
    }

    fn raise(&mut self, lease: Lease) -> Result<(), GlusterError> {
        self.check(lease)?;
        if !self.0.contains(&lease) {
            self.0.retain(|known| known.pool != lease.pool);
            self.0.push(lease);
            if self.0.len() > POOLS {
                self.0.remove(0);
            }
        }
        Ok(())
    }

    /// A line a pool: its id, and the epoch.
    fn text(&self) -> String {
        self.0.iter().map(|lease| format!("{} {}\n", lease.pool, lease.epoch)).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let lease = |line: &str| {
            let (pool, epoch) = line.split_once(' ')?;
            Some(Lease { pool: pool.parse().ok()?, epoch: epoch.parse().ok()? })
        };
        text.lines().map(lease).collect::<Option<_>>().map(Self)
    }
}

/// Whole, or as it was before, also where the machine loses its power.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut writing = fs::File::create(&new)?;
    writing.write_all(text.as_bytes())?;
    writing.sync_all()?;
    fs::rename(&new, file)?;
    match file.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn fenced(Lease { pool, epoch }: Lease, highest: i64) -> GlusterError {
    GlusterError {
        kind: GlusterErrorKind::Fenced,
        message: format!(
            "fenced, nothing was run: pool {pool} was taken with epoch {highest} since, and this is asked \
             with epoch {epoch}; another coordinator holds it, or its record was restored from an older one"
        ),
        op_errno: 0,
        hosts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use hod_core::id::PoolId;
    use newtype_uuid::GenericUuid as _;
    use uuid::Uuid;

    use super::*;

    fn lease(pool: u128, epoch: i64) -> Lease {
        Lease { pool: PoolId::from_untyped_uuid(Uuid::from_u128(pool)), epoch }
    }

    #[tokio::test]
    async fn a_lower_epoch_is_refused_by_pool_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let fence = Fence::in_folder(folder.path());
        for passes in [lease(1, 5), lease(1, 5), lease(2, 1), lease(1, 7)] {
            fence.pass(passes).await.unwrap();
        }
        for fence in [fence, Fence::in_folder(folder.path())] {
            let error = fence.pass(lease(1, 6)).await.unwrap_err();
            assert_eq!(error.kind, GlusterErrorKind::Fenced);
            assert!(error.message.contains("epoch 7 since") && error.message.contains("epoch 6;"), "{error}");
            assert_eq!(fence.check(lease(1, 6)), Err(error));
            fence.check(lease(1, 7)).unwrap();
            fence.pass(lease(2, 1)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn of_many_pools_the_last_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let fence = Fence::in_folder(folder.path());
        fence.pass(lease(1, 1)).await.unwrap();
        for pool in 2..=17 {
            fence.pass(lease(pool, 9)).await.unwrap();
        }
        assert_eq!(fence.highest().0.len(), POOLS);
        fence.check(lease(1, 0)).unwrap();
        fence.check(lease(2, 8)).unwrap_err();
    }

    #[tokio::test]
    async fn what_can_not_be_kept_or_read_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let fence = Fence::in_folder(&gone);
        fence.pass(lease(1, 2)).await.unwrap();
        fence.check(lease(1, 1)).unwrap_err();
        // It is kept once it can be.
        fs::create_dir(&gone).unwrap();
        fence.pass(lease(1, 2)).await.unwrap();
        Fence::in_folder(&gone).check(lease(1, 1)).unwrap_err();

        fs::write(gone.join(FILE), "no lease").unwrap();
        let fence = Fence::in_folder(&gone);
        fence.pass(lease(1, 1)).await.unwrap();
        assert_eq!(fs::read_to_string(gone.join(FILE)).unwrap(), Highest(vec![lease(1, 1)]).text());
    }
}
