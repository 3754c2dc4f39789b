//! What kind of refusal Gluster's words are.
//!
//! Gluster has a number of its own for few of them (30802, another transaction), so
//! the words decide. The exit status is not asked: most refusals end with 0.

use hod_core::error::{GlusterError, GlusterErrorKind};

use super::process::Output;

/// Gluster's number for "another transaction is in progress" (60, 61).
const ANOTHER_TRANSACTION: i32 = 30802;

/// The stages of a transaction in which another host may refuse, as Gluster names
/// them in "STAGE failed on HOST. REASON" (source). One line each host.
const STAGES: [(&str, Stage); 7] = [
    ("Locking failed on ", Stage::Locking),
    ("Pre Validation failed on ", Stage::Checking),
    ("Staging failed on ", Stage::Checking),
    ("Brick ops failed on ", Stage::Doing),
    ("Commit failed on ", Stage::Doing),
    ("Post Validation failed on ", Stage::Doing),
    ("Unlocking failed on ", Stage::Doing),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Locking,
    Checking,
    Doing,
}

/// How a refusal without a word is told.
const WORDLESS: &str = "Gluster refused without a word";

/// The refusal in an answer whose `opRet` is not 0.
#[must_use]
pub fn of_reply(op_errno: i32, words: &str) -> GlusterError {
    let words = words.trim();
    let hosts = failures(words);
    let message =
        if words.is_empty() { format!("{WORDLESS} (opErrno {op_errno})") } else { words.to_owned() };
    GlusterError {
        kind: kind(op_errno, words, &hosts),
        message,
        op_errno,
        hosts: hosts.into_iter().map(|f| f.host.to_owned()).collect(),
    }
}

/// The refusal in output that is no XML: plain text on standard output (57, 62), or
/// nothing there and the reason on standard error (43).
#[must_use]
pub fn of_output(output: &Output) -> GlusterError {
    let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
    let words = if stdout.is_empty() { stderr } else { stdout };
    if words.is_empty() {
        let ended = match output.exit {
            Some(status) => format!("with exit status {status}"),
            None => "by a signal".to_owned(),
        };
        return GlusterError {
            kind: GlusterErrorKind::NotReadable,
            message: format!("gluster said nothing and ended {ended}"),
            op_errno: 0,
            hosts: Vec::new(),
        };
    }
    of_reply(0, &shortened(&words))
}

/// Whether a refusal of a change says for sure that nothing was changed. It does
/// where a host refused before anything was done. It does not where a host failed in
/// the middle of it: others may have done their part. Nor does silence, text that is
/// no answer, or a connection that failed, for that is said too when glusterd goes
/// away in the middle.
#[must_use]
pub fn is_certain(output: &Output, refusal: &GlusterError) -> bool {
    match refusal.kind {
        GlusterErrorKind::NotSupported => true,
        GlusterErrorKind::GlusterdDown
        | GlusterErrorKind::TimedOut
        | GlusterErrorKind::NotReadable
        | GlusterErrorKind::TooLong
        | GlusterErrorKind::NotRun => false,
        _ => {
            let is_xml = output.stdout.trim_ascii_start().starts_with(b"<");
            let doing = STAGES.iter().filter(|(_, stage)| *stage == Stage::Doing);
            is_xml
                && !refusal.message.starts_with(WORDLESS)
                && !doing.into_iter().any(|(words, _)| refusal.message.contains(words))
        }
    }
}

/// As much of a text as an operator wants to read.
pub(crate) fn shortened(text: &str) -> String {
    const MAX: usize = 2000;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

struct Failure<'a> {
    stage: Stage,
    host: &'a str,
    reason: &'a str,
}

/// The hosts that refused. A host's name ends at a dot before a space, for names
/// and addresses hold dots themselves.
fn failures(words: &str) -> Vec<Failure<'_>> {
    let line = |line| {
        let (stage, rest) =
            STAGES.iter().find_map(|(start, stage)| Some((*stage, str::strip_prefix(line, start)?)))?;
        let (host, reason) = rest.split_once(". ").unwrap_or((rest, ""));
        let host = host.trim_end_matches('.').trim();
        (!host.is_empty()).then_some(Failure { stage, host, reason })
    };
    words.lines().map(str::trim).filter_map(line).collect()
}

fn kind(op_errno: i32, words: &str, failures: &[Failure<'_>]) -> GlusterErrorKind {
    if op_errno == ANOTHER_TRANSACTION {
        return GlusterErrorKind::AnotherTransaction;
    }
    let Some(first) = failures.first() else {
        return kind_of_words(words);
    };
    let by_reason = kind_of_words(first.reason);
    match first.stage {
        Stage::Locking => GlusterErrorKind::AnotherTransaction,
        Stage::Doing => GlusterErrorKind::Refused,
        Stage::Checking if by_reason == GlusterErrorKind::AnotherTransaction => by_reason,
        // A host that says no to a commit because of its own files does not
        // disagree about the task: it is not ready (34), or files failed (76).
        Stage::Checking if first.reason.contains("'force' option") => by_reason,
        Stage::Checking => GlusterErrorKind::HostsDisagree,
    }
}

/// Words that tell a kind, in lower case. The first that fits decides, so what
/// contains another's words stands before it.
const WORDS: [(&str, GlusterErrorKind); 26] = [
    ("connection failed", GlusterErrorKind::GlusterdDown),
    ("gluster daemon is operational", GlusterErrorKind::GlusterdDown),
    ("request timed out", GlusterErrorKind::TimedOut),
    ("another transaction", GlusterErrorKind::AnotherTransaction),
    ("failed to get daemon state. check", GlusterErrorKind::StateWithheld),
    ("rebalance not started", GlusterErrorKind::TaskNotStarted),
    ("remove-brick not started", GlusterErrorKind::TaskNotStarted),
    ("replace-brick not started", GlusterErrorKind::TaskNotStarted),
    ("output directory", GlusterErrorKind::Refused),
    ("does not exist in volume", GlusterErrorKind::WrongBrick),
    ("does not exist", GlusterErrorKind::NoSuchVolume),
    ("is not a distribute volume", GlusterErrorKind::NotDistributed),
    ("incorrect brick", GlusterErrorKind::WrongBrick),
    ("is already started", GlusterErrorKind::TaskInProgress),
    ("not yet committed", GlusterErrorKind::TaskInProgress),
    ("earlier remove-brick task exists", GlusterErrorKind::TaskInProgress),
    ("is in progress", GlusterErrorKind::TaskInProgress),
    ("needs to be started", GlusterErrorKind::VolumeNotStarted),
    ("is not in started state", GlusterErrorKind::VolumeNotStarted),
    ("is not started", GlusterErrorKind::VolumeNotStarted),
    ("usage:", GlusterErrorKind::NotSupported),
    ("unrecognized word", GlusterErrorKind::NotSupported),
    ("unrecognized command", GlusterErrorKind::NotSupported),
    ("unrecognized option", GlusterErrorKind::NotSupported),
    ("wrong number of arguments", GlusterErrorKind::NotSupported),
    ("operation not supported", GlusterErrorKind::NotSupported),
];

fn kind_of_words(words: &str) -> GlusterErrorKind {
    let words = words.to_ascii_lowercase();
    WORDS.iter().find(|(part, _)| words.contains(part)).map_or(GlusterErrorKind::Refused, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use GlusterErrorKind as Kind;

    #[test]
    fn words_that_no_fixture_holds() {
        for (words, kind) in [
            // Source, but the one about the output directory: seen with 10.3.
            (
                "An earlier remove-brick task exists for volume v. Either commit it or stop it before starting a new task.",
                Kind::TaskInProgress,
            ),
            (
                "Volume v needs to be started before remove-brick (you can use 'force' or 'commit' to override this behavior)",
                Kind::VolumeNotStarted,
            ),
            ("Incorrect brick node-b:/b for volume v", Kind::WrongBrick),
            ("Failed to get daemon state: Output directory /nope does not exist.", Kind::Refused),
            ("brick: node-b:/b does not exist in volume: v", Kind::WrongBrick),
            ("unrecognized word: summary (position 4)", Kind::NotSupported),
            ("Volume v is not of type replicate/disperse", Kind::Refused),
            ("", Kind::Refused),
        ] {
            assert_eq!(of_reply(30800, words).kind, kind, "{words}");
        }
        assert_eq!(of_reply(30802, "").kind, Kind::AnotherTransaction);
        assert!(of_reply(30800, "").message.contains("30800"));
    }

    #[test]
    fn another_host_that_refuses_is_named() {
        for (words, kind, hosts) in [
            (
                "Locking failed on node-b. Please check log file for details.",
                Kind::AnotherTransaction,
                vec!["node-b"],
            ),
            (
                "Locking failed on n3-a.gl3. Another transaction is in progress for v. Please try again after some time.",
                Kind::AnotherTransaction,
                vec!["n3-a.gl3"],
            ),
            (
                "Staging failed on 172.29.0.3. Error: Volume v does not exist",
                Kind::HostsDisagree,
                vec!["172.29.0.3"],
            ),
            ("Pre Validation failed on node-c. Volume v does not exist", Kind::HostsDisagree, vec!["node-c"]),
            ("Commit failed on fd00::3. Please check log file for details.", Kind::Refused, vec!["fd00::3"]),
            (
                "Post Validation failed on node-b. \nPost Validation failed on node-c.",
                Kind::Refused,
                vec!["node-b", "node-c"],
            ),
        ] {
            let error = of_reply(30800, words);
            assert_eq!(
                (error.kind, error.hosts),
                (kind, hosts.into_iter().map(String::from).collect()),
                "{words}"
            );
        }
    }

    #[test]
    fn only_a_refusal_before_anything_was_done_is_certain() {
        let xml = Output { stdout: b"<?xml version='1.0'?>".to_vec(), ..Output::default() };
        for (words, certain) in [
            ("Rebalance on v is already started", true),
            ("Pre Validation failed on node-b. Volume v does not exist", true),
            ("Staging failed on node-b. Error: no", true),
            ("Locking failed on node-b. Please check log file for details.", true),
            ("Another transaction is in progress for v. Please try again after some time.", true),
            ("something that no version says yet", true),
            ("Commit failed on node-c. Please check log file for details.", false),
            ("Commit failed on localhost. Please check log file for details.", false),
            ("Error: Post Validation failed on node-c", false),
            ("Pre Validation failed on node-b. no\nCommit failed on node-c. no", false),
            ("Request timed out", false),
            ("", false),
        ] {
            assert_eq!(is_certain(&xml, &of_reply(30800, words)), certain, "{words}");
        }
        let text = |words: &str| Output { stdout: words.into(), ..Output::default() };
        for (output, certain) in [
            (text("Connection failed. Please check if gluster daemon is operational."), false),
            (text("Error : Request timed out"), false),
            (text("Volume v does not exist"), false),
            (text("Terminated"), false),
            (Output::default(), false),
            (Output { stderr: b"unrecognized word: fix-layout (position 3)".to_vec(), ..text("") }, true),
        ] {
            assert_eq!(is_certain(&output, &of_output(&output)), certain, "{output:?}");
        }
    }

    #[test]
    fn silence_is_an_error() {
        let killed = of_output(&Output::default());
        assert_eq!(killed.kind, Kind::NotReadable);
        assert!(killed.message.contains("signal"), "{killed}");
        let ended = of_output(&Output { exit: Some(0), ..Output::default() });
        assert_eq!(ended.kind, Kind::NotReadable);
    }
}
