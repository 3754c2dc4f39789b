//! What to do about what Gluster refuses.

use hod_core::error::{GlusterError, GlusterErrorKind as Kind};

/// What to do about it; empty where Gluster's own words say it all.
pub(super) fn advice(error: &GlusterError) -> &'static str {
    match error.kind {
        Kind::GlusterdDown => "start glusterd on that host, then try again",
        Kind::AnotherTransaction => {
            "another command has the volume: try again in a moment, or after 3 minutes if a peer is frozen"
        }
        Kind::TimedOut => "a peer may be frozen: look at its glusterd",
        Kind::NoSuchVolume => "see the volumes: hod volumes",
        Kind::VolumeNotStarted => "start the volume first",
        Kind::TaskNotStarted => {
            "the host that was asked knows of no such task: see what each host says with hod task ID"
        }
        Kind::HostsDisagree => {
            "hosts hold different views: see what each says with hod task ID, and restart glusterd where it is stale"
        }
        Kind::WrongBrick => "name the bricks that the task was started with, all of them",
        Kind::NotDistributed => "there is nothing to spread: add bricks first",
        Kind::TaskInProgress => "wait for the volume's other task, or stop it",
        Kind::NotSupported => "this version of Gluster does not know the command",
        Kind::Fenced => {
            "the coordinator that holds the pool settles it: see hod pool list; after a restore see \"Fencing\" in OPERATIONS"
        }
        Kind::NotRun | Kind::NotAsked => "nothing was run: see the agent's log",
        Kind::StateWithheld | Kind::NotReadable | Kind::TooLong => "see the agent's log",
        Kind::Refused => by_words(&error.message),
    }
}

fn by_words(words: &str) -> &'static str {
    let has = |part: &str| words.contains(part);
    if has("is down") {
        "bring that host or brick back first"
    } else if has("geo-rep") {
        "stop geo-replication first"
    } else if has("not decommissioned") {
        "start the remove-brick first"
    } else if has("Please retry after completion") || has("is in progress") {
        "wait for the volume's other task, or stop it"
    } else if has("must be stopped") {
        "the brick still serves: take it out of service first"
    } else if has("may be containing or be contained") {
        "name a folder that is no brick, and in or above none"
    } else {
        ""
    }
}
