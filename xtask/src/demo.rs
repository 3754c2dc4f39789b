//! A real pool in containers, and a rebalance followed live.
use anyhow::Result;
use xshell::Shell;

use crate::{binaries, images};

pub(crate) fn up(sh: &Shell) -> Result<()> {
    let binaries = binaries::build(sh)?;
    images::for_demo(sh, &binaries)
}

pub(crate) fn down(_sh: &Shell) -> Result<()> {
    anyhow::bail!("not yet")
}
