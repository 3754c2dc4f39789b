//! Writes every target's seeds: `fuzz-seeds FOLDER` makes FOLDER/TARGET/seed-N.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    let root = PathBuf::from(std::env::args_os().nth(1).context("say into which folder")?);
    for target in hod_fuzz::TARGETS {
        let folder = root.join(target.name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (n, seed) in (target.seeds)()?.into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{n}")), seed)?;
        }
    }
    Ok(())
}
