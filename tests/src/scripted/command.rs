//! Gluster's command line, read.

/// A call of `gluster`.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `--xml` was given.
    pub xml: bool,
    /// `--timeout=N`, in Gluster's seconds; 120 where it was not given.
    pub timeout: u64,
    /// What is left of the words, as `cmd_history.log` shows them.
    pub words: String,
    /// What they ask for.
    pub command: Command,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `--version`
    Version,
    /// `pool list`
    PoolList,
    /// `peer status`
    PeerStatus,
    /// `system:: uuid get`
    UuidGet,
    /// `volume info [V]`
    VolumeInfo(Option<String>),
    /// `volume status V|all tasks`
    StatusTasks(Option<String>),
    /// `volume rebalance V …`
    Rebalance(String, Rebalance),
    /// `volume remove-brick V [replica N] BRICK… …`
    RemoveBrick {
        /// The volume.
        volume: String,
        /// A lower replica count.
        replica: Option<u32>,
        /// As typed.
        bricks: Vec<String>,
        /// What to do.
        action: RemoveBrick,
    },
    /// `volume replace-brick V OLD NEW commit force`
    ReplaceBrick(String, String, String),
    /// `volume reset-brick V BRICK start`
    ResetBrickStart(String, String),
    /// `volume reset-brick V BRICK NEW commit [force]`
    ResetBrickCommit(String, String, String),
    /// `volume set V NAME VALUE`
    Set(String, String, String),
    /// `volume reset V [NAME]`
    Reset(String, Option<String>),
    /// `volume get V NAME`
    Get(String, String),
    /// `volume heal V info summary`
    HealInfoSummary(String),
    /// `volume start V`
    Start(String),
    /// `volume stop V`
    Stop(String),
    /// `volume delete V`
    Delete(String),
    /// `get-state glusterd odir DIR file NAME [detail]`
    GetState {
        /// The folder.
        dir: String,
        /// The file in it.
        file: String,
    },
    /// What this version's command line does not know; the usage it prints.
    Usage(String),
}

/// What to do with a rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// Begin.
    Start {
        /// Only the layout.
        fix_layout: bool,
        /// Move files to fuller bricks too.
        force: bool,
    },
    /// End it.
    Stop,
    /// How it stands.
    Status,
}

/// What to do with a remove-brick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveBrick {
    /// Begin.
    Start,
    /// End it, the bricks stay.
    Stop,
    /// How it stands.
    Status,
    /// Take the bricks out.
    Commit,
    /// Take the bricks out as they are.
    Force,
}

/// Reads the words of a call, without the program's name.
#[must_use]
pub fn read(arguments: &[String]) -> Invocation {
    let mut invocation =
        Invocation { xml: false, timeout: 120, words: String::new(), command: Command::Version };
    let mut words = Vec::new();
    for argument in arguments {
        if argument == "--xml" {
            invocation.xml = true;
        } else if let Some(seconds) = argument.strip_prefix("--timeout=") {
            invocation.timeout = seconds.parse().unwrap_or(invocation.timeout);
        } else if argument == "--version" || !argument.starts_with("--") {
            words.push(argument.as_str());
        }
    }
    invocation.words = words.join(" ");
    invocation.command = command(&words);
    invocation
}

fn command(words: &[&str]) -> Command {
    let s = |text: &&str| (*text).to_owned();
    match words {
        ["--version"] => Command::Version,
        ["pool", "list"] => Command::PoolList,
        ["peer", "status"] => Command::PeerStatus,
        ["system::", "uuid", "get"] => Command::UuidGet,
        ["volume", "info"] | ["volume", "info", "all"] => Command::VolumeInfo(None),
        ["volume", "info", v] => Command::VolumeInfo(Some(s(v))),
        ["volume", "status", "all", "tasks"] => Command::StatusTasks(None),
        ["volume", "status", v, "tasks"] => Command::StatusTasks(Some(s(v))),
        ["volume", "rebalance", v, rest @ ..] => match rebalance(rest) {
            Some(action) => Command::Rebalance(s(v), action),
            None => usage("volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}"),
        },
        ["volume", "remove-brick", v, rest @ ..] => remove_brick(v, rest),
        ["volume", "replace-brick", v, old, new, "commit", "force"] => {
            Command::ReplaceBrick(s(v), s(old), s(new))
        }
        ["volume", "replace-brick", ..] => {
            usage("volume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}")
        }
        ["volume", "reset-brick", v, brick, "start"] => Command::ResetBrickStart(s(v), s(brick)),
        ["volume", "reset-brick", v, brick, new, "commit"]
        | ["volume", "reset-brick", v, brick, new, "commit", "force"] => {
            Command::ResetBrickCommit(s(v), s(brick), s(new))
        }
        ["volume", "set", v, name, value] => Command::Set(s(v), s(name), s(value)),
        ["volume", "reset", v] => Command::Reset(s(v), None),
        ["volume", "reset", v, name] => Command::Reset(s(v), Some(s(name))),
        ["volume", "get", v, name] => Command::Get(s(v), s(name)),
        ["volume", "heal", v, "info", "summary"] => Command::HealInfoSummary(s(v)),
        ["volume", "start", v] => Command::Start(s(v)),
        ["volume", "stop", v] => Command::Stop(s(v)),
        ["volume", "delete", v] => Command::Delete(s(v)),
        ["get-state", "glusterd", "odir", dir, "file", file]
        | ["get-state", "glusterd", "odir", dir, "file", file, "detail"] => {
            Command::GetState { dir: s(dir), file: s(file) }
        }
        _ => usage(&format!("(the scripted gluster does not know: {})", words.join(" "))),
    }
}

fn usage(text: &str) -> Command {
    Command::Usage(format!("\nUsage:\n{text}\n\n"))
}

fn rebalance(rest: &[&str]) -> Option<Rebalance> {
    let start = |fix_layout, force| Rebalance::Start { fix_layout, force };
    Some(match rest {
        ["start"] => start(false, false),
        ["start", "force"] => start(false, true),
        ["fix-layout", "start"] => start(true, false),
        ["stop"] => Rebalance::Stop,
        ["status"] => Rebalance::Status,
        _ => return None,
    })
}

fn remove_brick(volume: &str, rest: &[&str]) -> Command {
    const USAGE: &str =
        "volume remove-brick <VOLNAME> [replica <COUNT>] <BRICK> ... <start|stop|status|commit|force>";
    let (replica, rest) = match rest {
        ["replica", count, rest @ ..] => match count.parse() {
            Ok(count) => (Some(count), rest),
            Err(_) => return usage(USAGE),
        },
        rest => (None, rest),
    };
    let Some((last, bricks)) = rest.split_last() else {
        return usage(USAGE);
    };
    let action = match *last {
        "start" => RemoveBrick::Start,
        "stop" => RemoveBrick::Stop,
        "status" => RemoveBrick::Status,
        "commit" => RemoveBrick::Commit,
        "force" => RemoveBrick::Force,
        _ => return usage(USAGE),
    };
    let twice = bricks.iter().enumerate().any(|(n, brick)| bricks[..n].contains(brick));
    if bricks.is_empty() || twice {
        return usage(USAGE);
    }
    Command::RemoveBrick {
        volume: volume.to_owned(),
        replica,
        bricks: bricks.iter().map(|b| (*b).to_owned()).collect(),
        action,
    }
}
