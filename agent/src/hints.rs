//! Reads what glusterd's `node_state.info` files say of the volumes' tasks.

use std::io;
use std::path::Path;

use crate::gluster::Version;
use crate::gluster::read::node_state;
use crate::own::Hints;
use crate::watch::NODE_STATE;

/// A longer file is not glusterd's: with all bricks named it is a few KiB.
const AT_MOST: u64 = 256 << 10;

/// The hints of all volumes whose file can be read. The version decides what some
/// statuses mean. A file that can't be read hints at nothing: it is rewritten as a
/// whole, and read again when it is.
pub(crate) fn read(volumes: &Path, version: &Version) -> Hints {
    let Ok(folders) = std::fs::read_dir(volumes) else {
        return Hints::new();
    };
    let mut hints = Hints::new();
    for folder in folders.flatten() {
        let Ok(name) = folder.file_name().into_string() else {
            continue;
        };
        match read_file(&folder.path().join(NODE_STATE)) {
            Ok(bytes) => match node_state::read(&bytes, version) {
                Ok(hint) => {
                    hints.insert(name, hint);
                }
                Err(error) => {
                    tracing::debug!(volume = name, %error, "node_state.info passed over");
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(volume = name, %error, "node_state.info passed over"),
        }
    }
    hints
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(AT_MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = "rebalance_status=1\nstatus=1\nrebalance_op=19\nrebalance-id=bf9ad8a2-ca6a-41e7-bc8a-f396cc0a58fc\nrebalanced-files=0\nsize=0\nscanned=0\nfailures=0\nskipped=0\nrun-time=0.000000\n";

    #[test]
    fn what_cannot_be_read_hints_at_nothing_and_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for (volume, text) in [("dist", RUNNING), ("cut", "rebalance_status=1\nstat")] {
            std::fs::create_dir(folder.path().join(volume)).unwrap();
            std::fs::write(folder.path().join(volume).join(NODE_STATE), text).unwrap();
        }
        std::fs::create_dir(folder.path().join("fresh")).unwrap();
        std::fs::write(folder.path().join("stray"), "").unwrap();
        let version = Version::parse("glusterfs 10.3").unwrap();
        let hints = read(folder.path(), &version);
        assert_eq!(hints.keys().collect::<Vec<_>>(), ["dist"]);
        assert_eq!(read(&folder.path().join("none"), &version), Hints::new());
    }
}
