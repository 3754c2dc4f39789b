//! Whatever becomes of an answer on its way: no reader panics, and one that was cut
//! short is an error, never a shorter list.

use hod_agent::gluster::process::Output;
use hod_agent::gluster::read::{get_state, history, node_state};
use proptest::prelude::*;

use crate::fixtures::{self, Fixture, VERSIONS};
use crate::walk;

fn any_fixture() -> impl Strategy<Value = (&'static str, usize)> {
    (0..VERSIONS.len()).prop_flat_map(|version| {
        let version = VERSIONS[version];
        (Just(version), 0..fixtures::all(version).len())
    })
}

fn fixture(version: &str, at: usize) -> Fixture {
    fixtures::all(version)[at].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_reader_panics(
        (version, at) in any_fixture(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let number = fixtures::version(version);
        let mut fixture = fixture(version, at);
        let bytes = &mut fixture.output.stdout;
        if !bytes.is_empty() {
            for (index, byte) in flips {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len()));
            }
        }
        let _ = walk::read(&fixture, &number);
        // Each answer goes to readers of other answers as well.
        let _ = get_state::read(&fixture.output.stdout);
        let _ = node_state::read(&fixture.output.stdout, &number);
        let _ = history::read(&fixture.output.stdout, 7);
    }
}

/// Every way to cut short every answer in XML; of the other versions, which say the
/// same with other numbers, each seventh.
#[test]
fn an_answer_that_is_cut_short_is_an_error() {
    for version in VERSIONS {
        let number = fixtures::version(version);
        for whole in fixtures::all(version) {
            let stdout = whole.output.stdout.trim_ascii_end();
            if !stdout.starts_with(b"<") {
                continue;
            }
            for end in (0..stdout.len()).step_by(if version == "10.3" { 1 } else { 7 }) {
                let cut = Fixture {
                    name: whole.name.clone(),
                    command: whole.command.clone(),
                    output: Output { stdout: stdout[..end].to_vec(), ..Output::default() },
                };
                let read = walk::read(&cut, &number).unwrap();
                assert!(read.starts_with("Err("), "{version} {} at {end}", whole.name);
            }
        }
    }
}

#[test]
fn a_state_that_is_cut_short_is_an_error_or_whole() {
    for version in VERSIONS {
        let path = fixtures::folder(version).join("get-state-rebalance-running.txt");
        let bytes = std::fs::read(path).unwrap();
        let whole = get_state::read(&bytes).unwrap();
        let mut errors = 0;
        for end in 0..bytes.len() {
            match get_state::read(&bytes[..end]) {
                Ok(read) => assert_eq!(read, whole, "{version} at {end}"),
                Err(_) => errors += 1,
            }
        }
        // All but the last section.
        assert!(errors > bytes.len() - 60, "{version}: {errors} errors");
    }
}

#[test]
fn a_file_of_glusterd_s_that_is_cut_short_is_an_error() {
    let folder = fixtures::root().join("gluster-10.3-three-hosts");
    let number = fixtures::version("10.3");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "info") {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&path).unwrap();
        let whole = node_state::read(&bytes, &number).unwrap();
        for end in 0..bytes.len() {
            // After a stop the brick lines stay without a task: losing them all loses
            // nothing that is told.
            if let Ok(read) = node_state::read(&bytes[..end], &number) {
                assert_eq!((whole.id, read.id), (None, None), "{} at {end}", path.display());
                assert_eq!(read.counters, whole.counters, "{} at {end}", path.display());
            }
        }
    }
    assert!(files >= 8, "{files} files");
}

/// Read in two pieces, a history is the same as read in one.
#[test]
fn a_history_in_pieces_is_the_same() {
    let log = fixtures::output("80").stdout;
    let (whole, _) = history::read(&log, 0);
    for end in (0..=log.len()).step_by(7) {
        let (mut lines, read) = history::read(&log[..end], 0);
        let (rest, _) = history::read(&log[read..], read as u64);
        lines.extend(rest);
        assert_eq!(lines, whole, "cut at {end}");
    }
}
