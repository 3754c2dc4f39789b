//! This host's own bricks: what has to be known of them before a command is run.
//!
//! Nothing here takes a lock of the pool's. [`space`] asks their filesystems, [`walk`]
//! looks for files that are left on one ([`leftovers`] is the search itself), [`heals`]
//! counts what waits to be healed. A brick is this host's own, and only then looked
//! into, where `volume info` says so. What touches a disk goes through [`disk`], since a
//! disk may never answer.

mod disk;
mod heals;
mod leftovers;
mod space;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hod_core::brick::BrickName;
use hod_core::error::{GlusterError, GlusterErrorKind};
use hod_core::host::HostIdentity;
use hod_core::volume::VolumeBrick;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::disk::Disk;
use crate::gluster::GlusterCli;
use crate::picture::Board;

pub(crate) use self::walk::{BrickWalk, CannotWalk};

/// The folder that every brick has, and no folder that is none: where a filesystem is
/// not mounted, it is missing.
const INNER: &str = ".glusterfs";

/// What is said of a folder without it.
const NO_BRICK: &str =
    "there is no .glusterfs in it: it is no brick's folder, or its filesystem is not mounted";

/// Walks at a time: each holds a folder open for every level it is deep.
const WALKS: usize = 2;

/// This host's own bricks.
#[derive(Clone)]
pub(crate) struct Bricks {
    gluster: Arc<GlusterCli>,
    board: Board,
    disk: Disk,
    walks: Arc<Semaphore>,
    stop: CancellationToken,
}

/// A brick of this host's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnBrick {
    /// As `volume info` names it.
    name: BrickName,
}

impl OwnBrick {
    fn path(&self) -> PathBuf {
        PathBuf::from(self.name.path())
    }
}

impl Bricks {
    pub(crate) fn new(gluster: Arc<GlusterCli>, board: Board, stop: CancellationToken) -> Self {
        Self { gluster, board, disk: Disk::default(), walks: Arc::new(Semaphore::new(WALKS)), stop }
    }

    /// A volume's bricks that are this host's own, in Gluster's order.
    async fn own(&self, volume: &str) -> Result<Vec<OwnBrick>, GlusterError> {
        let picture = self.board.picture();
        let Some(host) = &picture.identity else {
            return Err(GlusterError {
                kind: GlusterErrorKind::GlusterdDown,
                message: "whose bricks they are is not known yet: glusterd has not answered".into(),
                op_errno: 0,
                hosts: Vec::new(),
            });
        };
        let info = self.gluster.volume_info_of(volume).await?;
        let own = info.bricks.into_iter().filter(|brick| is_own(brick, host));
        Ok(own.map(|brick| OwnBrick { name: brick.name }).collect())
    }
}

/// Before 3.6 Gluster does not tell the host's id: there the name decides.
fn is_own(brick: &VolumeBrick, host: &HostIdentity) -> bool {
    match &brick.brick {
        Some(brick) => brick.host == host.id,
        None => host.names.iter().any(|name| name == brick.name.host()),
    }
}

/// Whether a folder is a brick's.
fn check_is_brick(folder: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(folder.join(INNER)) {
        Ok(inner) if inner.is_dir() => Ok(()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        // Whether the folder itself is there makes a difference to who has to mend it.
        _ => {
            std::fs::metadata(folder)?;
            Err(std::io::Error::new(std::io::ErrorKind::NotFound, NO_BRICK))
        }
    }
}
