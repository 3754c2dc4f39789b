//! The fixtures, with the command and the exit status of each.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hod_agent::gluster::Version;
use hod_agent::gluster::process::Output;

/// The versions whose two-host scenario is in a folder each.
pub(crate) const VERSIONS: [&str; 3] = ["9.2", "10.3", "11.1"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub(crate) fn folder(version: &str) -> PathBuf {
    root().join(format!("gluster-{version}"))
}

/// What a command printed.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) command: String,
    pub(crate) output: Output,
}

/// All fixtures of a version by its index. The standard error of 43 stands in a file
/// of its own.
pub(crate) fn all(version: &str) -> &'static [Fixture] {
    static ALL: LazyLock<[Vec<Fixture>; 3]> = LazyLock::new(|| VERSIONS.map(read_index));
    let at = VERSIONS.iter().position(|v| *v == version).unwrap();
    &ALL[at]
}

fn read_index(version: &str) -> Vec<Fixture> {
    let folder = folder(version);
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    index
        .lines()
        .skip(1)
        .filter(|line| line.contains('\t'))
        .map(|line| {
            let mut columns = line.split('\t');
            let name = columns.next().unwrap().to_owned();
            let exit = columns.next().unwrap().parse().ok();
            let command = columns.next().unwrap().to_owned();
            let stdout = std::fs::read(folder.join(&name)).unwrap();
            let stderr = folder.join(&name).with_extension("stderr");
            let stderr = std::fs::read(stderr).unwrap_or_default();
            Fixture { name, command, output: Output { stdout, stderr, exit } }
        })
        .collect()
}

/// The fixture of that number, such as "14".
pub(crate) fn one(version: &str, number: &str) -> Fixture {
    let start = format!("{number}-");
    all(version)
        .iter()
        .find(|fixture| fixture.name.starts_with(&start))
        .unwrap_or_else(|| panic!("{version} has no fixture {number}"))
        .clone()
}

/// What was printed, of 10.3.
pub(crate) fn output(number: &str) -> Output {
    one("10.3", number).output
}

pub(crate) fn version(version: &str) -> Version {
    let text = std::fs::read_to_string(folder(version).join("VERSION")).unwrap();
    Version::parse(&text).unwrap()
}

/// Standard output that was not printed by a real Gluster.
pub(crate) fn printed(stdout: &str) -> Output {
    Output { stdout: stdout.as_bytes().to_vec(), stderr: Vec::new(), exit: Some(0) }
}
