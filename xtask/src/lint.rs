//! Everything that is checked without running a test.

use anyhow::Result;
use xshell::{Shell, cmd};

/// The API as it was last agreed on; it moves only with a decision record.
const API_BASELINE: &str = "proto/baseline.binpb";

/// Formatting, clippy, dependencies, and the API's style and compatibility.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo clippy --quiet --workspace --all-targets -- -D warnings").run()?;
    cmd!(sh, "cargo deny --log-level error check bans licenses sources").run()?;
    advisories(sh)?;
    cmd!(sh, "buf lint proto").run()?;
    cmd!(sh, "buf breaking proto --against {API_BASELINE}").run()?;
    Ok(())
}

/// The advisory database is fetched from outside, which not every machine can. A database that
/// cannot be had is said and does not fail the run; an advisory that is found does.
fn advisories(sh: &Shell) -> Result<()> {
    if cmd!(sh, "cargo deny fetch db").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        eprintln!("advisories: not checked (the advisory database cannot be fetched here)");
        return Ok(());
    }
    cmd!(sh, "cargo deny --log-level error check --disable-fetch advisories").run()?;
    Ok(())
}
