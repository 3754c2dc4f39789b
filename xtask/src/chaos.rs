//! A real pool under random faults.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{binaries, images};

/// Lets faults loose for so many minutes; the same seed makes the same faults. The report is printed.
pub(crate) fn run(sh: &Shell, minutes: u64, seed: u64) -> Result<()> {
    images::for_tests(sh)?;
    let folder = binaries::build(sh)?;
    sh.set_var("HOD_TEST_BINARIES", sh.current_dir().join(folder));
    sh.set_var("HOD_CHAOS_MINUTES", minutes.to_string());
    sh.set_var("HOD_CHAOS_SEED", seed.to_string());
    cmd!(sh, "cargo nextest run -p hod-tests --profile full --ignore-default-filter -E binary(real_chaos) --no-capture").run()?;
    Ok(())
}
