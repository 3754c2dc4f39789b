//! Seeds of the simulation.

use anyhow::Result;
use xshell::{Shell, cmd};

/// Builds the simulation and plays what is asked for. Built for speed: a thousand seeds are
/// worth the minutes.
pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    cmd!(sh, "cargo build --quiet --profile sim --bin hod-seeds --bin hod-simulate").run()?;
    cmd!(sh, "target/sim/hod-seeds {arguments...}").run()?;
    Ok(())
}
