//! What waits to be healed: a count of the bricks' own indices, and Gluster's summary.

use std::path::Path;

use futures::future::join_all;
use hod_core::error::GlusterError;
use hod_proto::agent::v1::{BrickHeal, CountPendingHealsResponse, GetHealSummaryResponse, PendingHeals};

use super::{Bricks, OwnBrick};
use crate::gluster::HealBrick;

/// Where a brick keeps a link for each entry that waits to be healed, named by its gfid.
const INDEX: &str = ".glusterfs/indices/xattrop";

/// What the file begins with that the links are made from. It is no entry, and is not
/// there while nothing has ever been pending (seen).
const BASE: &[u8] = b"xattrop-";

impl Bricks {
    /// Counts the entries that wait to be healed, brick by brick.
    pub(crate) async fn pending_heals(
        &self,
        volume: &str,
    ) -> Result<CountPendingHealsResponse, GlusterError> {
        let own = self.own(volume).await?;
        let counts = join_all(own.iter().map(|brick| {
            let index = brick.path().join(INDEX);
            self.disk.ask(move || count(&index))
        }));
        let told = own.iter().zip(counts.await).map(|(brick, count)| told(brick, count));
        Ok(CountPendingHealsResponse { bricks: told.collect() })
    }

    /// What Gluster says is still to be healed, of every brick. It walks every pending
    /// entry, and goes one at a time.
    pub(crate) async fn heal_summary(&self, volume: &str) -> Result<GetHealSummaryResponse, GlusterError> {
        let summary = self.gluster.heal_info_summary(volume).await?;
        Ok(GetHealSummaryResponse { bricks: summary.bricks.into_iter().map(heal).collect() })
    }
}

fn told(brick: &OwnBrick, count: Result<u64, String>) -> PendingHeals {
    let (entries, error) = match count {
        Ok(entries) => (entries, String::new()),
        Err(error) => (0, format!("{INDEX}: {error}")),
    };
    PendingHeals { path: brick.name.path().to_owned(), name: brick.name.to_string(), entries, error }
}

/// An index that is not there is no index without entries: the brick may be gone.
fn count(index: &Path) -> std::io::Result<u64> {
    let mut entries = 0;
    for entry in std::fs::read_dir(index)? {
        if !entry?.file_name().as_encoded_bytes().starts_with(BASE) {
            entries += 1;
        }
    }
    Ok(entries)
}

fn heal(brick: HealBrick) -> BrickHeal {
    BrickHeal {
        host_id: brick.host.map(|id| id.to_string()).unwrap_or_default(),
        connected: brick.is_connected(),
        name: brick.name.to_string(),
        status: brick.status,
        pending: brick.pending,
        split_brain: brick.split_brain,
        possibly_healing: brick.healing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_without_the_base_file() {
        let brick = tempfile::tempdir().unwrap();
        let index = brick.path().join(INDEX);
        assert!(count(&index).is_err());
        std::fs::create_dir_all(&index).unwrap();
        assert_eq!(count(&index).unwrap(), 0);
        for name in [
            "xattrop-b3b0a5e4-5a5a-4d5d-8f2f-4c6f6f3b2a11",
            "00000000-0000-0000-0000-000000000001",
            "7ba8798b-8218-4a9b-83f2-131df7f166b4",
        ] {
            std::fs::write(index.join(name), "").unwrap();
        }
        assert_eq!(count(&index).unwrap(), 2);
    }
}
