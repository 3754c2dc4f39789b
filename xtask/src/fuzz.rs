//! The readers under libFuzzer, by cargo-fuzz.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

/// libFuzzer's glue, outside of the workspace.
const GLUE: &str = "fuzz/libfuzzer";
/// The targets, as `hod_fuzz::TARGETS` has them.
const TARGETS: [&str; 7] = ["xml", "get_state", "node_state", "history", "event", "stream", "outcome"];
/// An input that takes so many seconds hangs.
const HANGS: &str = "10";
/// A reader that takes so many MB for an input of 64 KB takes too much, at once or in all.
const MEMORY: &str = "512";

/// Runs one target, or all of them one after the other, each for so many minutes or inputs.
pub(crate) fn run(sh: &Shell, target: Option<&str>, minutes: u64, runs: Option<u64>) -> Result<()> {
    let targets: Vec<_> = TARGETS.into_iter().filter(|name| target.is_none_or(|t| t == *name)).collect();
    ensure!(!targets.is_empty(), "there is no such target; there are {}", TARGETS.join(", "));
    // What libFuzzer needs of the compiler is not in its stable options. There is no unsafe code to
    // be sanitized here.
    sh.set_var("RUSTC_BOOTSTRAP", "1");
    cmd!(sh, "cargo fuzz build --fuzz-dir {GLUE} --sanitizer none --target-dir target/fuzz").run()?;
    sh.set_var("RUSTC_BOOTSTRAP", "0");
    cmd!(sh, "cargo run --quiet -p hod-fuzz --bin fuzz-seeds target/fuzz/seeds").run()?;
    let programs = format!("target/fuzz/{}-unknown-linux-gnu/release", std::env::consts::ARCH);
    let bound = match runs {
        Some(runs) => format!("-runs={runs}"),
        None => format!("-max_total_time={}", minutes * 60),
    };
    sh.create_dir("target/fuzz/found")?;
    for name in targets {
        eprintln!("fuzzing {name}");
        // What is found on the way is kept, and is where the next run begins.
        let (corpus, seeds) = (format!("target/fuzz/corpus/{name}"), format!("target/fuzz/seeds/{name}"));
        sh.create_dir(&corpus)?;
        let found = format!("-artifact_prefix=target/fuzz/found/{name}-");
        let program = format!("{programs}/{name}");
        cmd!(sh, "{program} {corpus} {seeds} {bound} {found} -timeout={HANGS} -rss_limit_mb={MEMORY} -malloc_limit_mb={MEMORY} -max_len=65536 -print_final_stats=1 -verbosity=0")
            .run()?;
    }
    Ok(())
}
