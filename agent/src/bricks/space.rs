//! How much room bricks have, on which filesystem, and whether they serve.

use std::path::Path;

use futures::future::join_all;
use hod_core::error::GlusterError;
use hod_proto::agent::v1::{BrickSpace, GetBrickSpaceResponse};

use super::{Bricks, OwnBrick, check_is_brick};

/// A filesystem's room, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    total: u64,
    /// What is left for ordinary users' files.
    free: u64,
    /// What is in use: what is kept for root is neither free nor used.
    used: u64,
    device: u64,
}

impl Bricks {
    /// The space of a volume's bricks on this host. What of it is not known, of one
    /// brick or of glusterd's state, is told with the reason.
    pub(crate) async fn space(&self, volume: &str) -> Result<GetBrickSpaceResponse, GlusterError> {
        let own = self.own(volume).await?;
        let spaces = join_all(own.iter().map(|brick| {
            let path = brick.path();
            self.disk.ask(move || space(&path))
        }));
        let (spaces, state) = tokio::join!(spaces, self.gluster.get_state());
        let state = state.map(|state| state.volumes.into_iter().find(|v| v.name == volume));
        let (state, state_error) = match state {
            Ok(Some(state)) => (Some(state), String::new()),
            Ok(None) => (None, format!("get-state does not tell of volume {volume}")),
            Err(error) => (None, error.message),
        };
        let serves = |brick: &OwnBrick| {
            let local = &state.as_ref()?.local_bricks;
            Some(local.iter().find(|b| b.name.path() == brick.name.path())?.serves())
        };
        let told = own.iter().zip(spaces).map(|(brick, space)| told(brick, space, serves(brick)));
        Ok(GetBrickSpaceResponse {
            bricks: told.collect(),
            geo_replication_sessions: state.as_ref().and_then(|state| state.geo_replication_sessions),
            state_error,
        })
    }
}

fn told(brick: &OwnBrick, space: Result<Space, String>, serves: Option<bool>) -> BrickSpace {
    let (space, error) = match space {
        Ok(space) => (space, String::new()),
        Err(error) => (Space { total: 0, free: 0, used: 0, device: 0 }, error),
    };
    BrickSpace {
        path: brick.name.path().to_owned(),
        name: brick.name.to_string(),
        total_bytes: space.total,
        free_bytes: space.free,
        used_bytes: error.is_empty().then_some(space.used),
        device: space.device,
        serves,
        error,
    }
}

fn space(folder: &Path) -> std::io::Result<Space> {
    check_is_brick(folder)?;
    let filesystem = rustix::fs::statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(filesystem.f_frsize);
    Ok(Space {
        total: bytes(filesystem.f_blocks),
        free: bytes(filesystem.f_bavail),
        used: bytes(filesystem.f_blocks.saturating_sub(filesystem.f_bfree)),
        device: rustix::fs::stat(folder)?.st_dev,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_brick_s_filesystem_is_told_and_no_other_folder_s() {
        let brick = tempfile::tempdir().unwrap();
        let error = space(brick.path()).unwrap_err().to_string();
        assert!(error.contains("not mounted"), "{error}");
        std::fs::write(brick.path().join(".glusterfs"), "").unwrap();
        assert!(space(brick.path()).is_err());
        std::fs::remove_file(brick.path().join(".glusterfs")).unwrap();
        std::fs::create_dir(brick.path().join(".glusterfs")).unwrap();
        let told = space(brick.path()).unwrap();
        assert!(told.free > 0 && told.free < told.total, "{told:?}");
        assert!(told.used > 0 && told.used <= told.total - told.free, "{told:?}");
        assert_eq!(told.device, std::fs::metadata(brick.path()).unwrap().dev());
        let error = space(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("No such file"), "{error}");
    }
}
