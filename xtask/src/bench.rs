//! Figures that are measured on real pools.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{binaries, images};

/// How soon what happens on a real pool is in the database; fails where 95 of 100 are not within a
/// second.
pub(crate) fn latency(sh: &Shell, starts: u32) -> Result<()> {
    images::for_tests(sh)?;
    let folder = binaries::build(sh)?;
    sh.set_var("HOD_TEST_BINARIES", sh.current_dir().join(folder));
    let starts = starts.to_string();
    cmd!(sh, "cargo run --quiet -p hod-tests --bin latency -- {starts}").run()?;
    Ok(())
}
