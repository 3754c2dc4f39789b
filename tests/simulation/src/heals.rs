//! Heals: what a brick that was replaced or reset lacks is pending in the indices of its
//! set's other bricks, until it is there again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hod_tests::scripted::command::Command;
use hod_tests::scripted::scene::Scene;
use hod_tests::scripted::state::{Brick, Volume};
use rand::Rng;
use rand::RngExt as _;

/// Where a brick keeps an entry for each file that another brick of its set lacks.
const INDEX: &str = ".glusterfs/indices/xattrop";

/// So many files a brick lacks that is new.
const FILES: u64 = 20;

/// Makes a brick's folder, as Gluster does.
pub(crate) fn make_brick(path: &Path) -> Result<()> {
    fs::create_dir_all(path.join(INDEX)).with_context(|| format!("making the brick {}", path.display()))
}

/// The volume's bricks before a call that may replace one.
pub(crate) fn before(scene: &Scene<'_>, command: &Command) -> Option<Volume> {
    match command {
        Command::ReplaceBrick(volume, ..) | Command::ResetBrickCommit(volume, ..) => {
            scene.volume(volume).cloned()
        }
        _ => None,
    }
}

/// The brick that such a call has replaced or reset, if it has, by its old name and its new
/// one: its heal begins.
pub(crate) fn after(scene: &mut Scene<'_>, before: &Volume) -> Result<Option<(String, String)>> {
    let now = scene.volume(&before.name).context("a volume")?.clone();
    let other = |old: &Brick, new: &Brick| old.name() != new.name() || (old.reset && !new.reset);
    let mut pairs = before.bricks.iter().zip(&now.bricks);
    let Some(place) = pairs.position(|(old, new)| other(old, new)) else {
        return Ok(None);
    };
    make_brick(Path::new(&now.bricks[place].path))?;
    let set = now.kind.set();
    let first = place - place % set;
    for at in first..first + set {
        let brick = &mut scene.volume_mut(&now.name)?.bricks[at];
        for number in (0..FILES).filter(|_| at != place) {
            fs::write(index(brick).join(format!("{place}-{number}")), "")?;
        }
        brick.heal.pending = pending(brick)?;
    }
    Ok(Some((before.bricks[place].name(), now.bricks[place].name())))
}

/// A second of healing, where both bricks are up. Returns the bricks that nothing is
/// pending for.
pub(crate) fn heal(scene: &mut Scene<'_>, volume: &str, rng: &mut impl Rng) -> Result<Vec<String>> {
    let mut healed = Vec::new();
    let bricks = scene.volume(volume).context("a volume")?.bricks.clone();
    for place in 0..bricks.len() {
        let mut left = 0;
        let prefix = format!("{place}-");
        for source in (0..bricks.len()).filter(|source| *source != place) {
            let entries = entries(&bricks[source], &prefix)?;
            left += entries.len();
            let up = scene.host(&bricks[place].host)?.up && scene.host(&bricks[source].host)?.up;
            if entries.is_empty() || !up {
                continue;
            }
            let done = entries.into_iter().take(rng.random_range(0..3));
            left -= done.map(fs::remove_file).collect::<Result<Vec<_>, _>>()?.len();
            let brick = &mut scene.volume_mut(volume)?.bricks[source];
            brick.heal.pending = pending(brick)?;
        }
        if left == 0 {
            healed.push(bricks[place].name());
        }
    }
    Ok(healed)
}

fn index(brick: &Brick) -> PathBuf {
    Path::new(&brick.path).join(INDEX)
}

fn pending(brick: &Brick) -> Result<u64> {
    Ok(entries(brick, "")?.len() as u64)
}

/// In order, since chance is to choose the same ones each time.
fn entries(brick: &Brick, prefix: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(index(brick))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
