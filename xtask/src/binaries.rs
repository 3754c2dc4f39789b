//! The programs as they go into containers.

use anyhow::Result;
use xshell::{Shell, cmd};

/// The oldest C library among the images: that of bullseye, which carries Gluster 9.2.
/// A program built against this machine's own would not start there.
const GLIBC: &str = "2.31";

/// Builds `hod`, `hod-agent` and `hod-coordinator` for the containers and returns the folder
/// that holds them, absolute or relative to the repository's root.
pub(crate) fn build(sh: &Shell) -> Result<String> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let versioned = format!("{target}.{GLIBC}");
    cmd!(sh, "cargo zigbuild --quiet --target {versioned} -p hod -p hod-agent -p hod-coordinator --bins")
        .run()?;
    let folder = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    Ok(format!("{folder}/{target}/debug"))
}
