//! Everything that must hold.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{binaries, images, lint};

/// Lints, then all tests; with `quick` only those that need no containers.
/// `nextest` are further arguments for cargo nextest: with them the lints are left out, since
/// somebody is after one test.
pub(crate) fn run(sh: &Shell, quick: bool, nextest: &[String]) -> Result<()> {
    if nextest.is_empty() {
        lint::run(sh)?;
    }
    let profile = if quick { "default" } else { "full" };
    if !quick {
        images::for_tests(sh)?;
        let folder = binaries::build(sh)?;
        sh.set_var("HOD_TEST_BINARIES", sh.current_dir().join(folder));
    }
    // The programs that the quick tests run themselves.
    cmd!(sh, "cargo build --quiet --workspace --bins").run()?;
    cmd!(sh, "cargo nextest run --workspace --profile {profile} {nextest...}").run()?;
    Ok(())
}
