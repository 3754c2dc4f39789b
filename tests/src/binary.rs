//! Where cargo has put the project's programs.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// A program of the project, built beside this test.
///
/// # Errors
/// If it has not been built.
pub fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let mut folder = test.parent().context("a program without a folder")?;
    // Tests are one folder below the programs.
    if folder.ends_with("deps") {
        folder = folder.parent().context("a folder without a parent")?;
    }
    let program = folder.join(name);
    ensure!(
        program.is_file(),
        "{} is not there: build it first with `cargo build --bin {name}`",
        program.display()
    );
    Ok(program)
}
