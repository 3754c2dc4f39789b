//! One call of `gluster` on one host of a scripted pool: the executable, and what
//! decides how the call goes ([`decide`]).

#![expect(
    clippy::disallowed_methods,
    reason = "a command-line program that waits, and starts what outlives it; no runtime here"
)]

use std::io::Write;
use std::os::unix::process::CommandExt as _;
use std::process::{Command as Process, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::command::{self, Command, Invocation};
use super::fault::What;
use super::scene::Scene;
use super::state::Effect;
use super::store::{Store, now};
use super::{get_state, heal, peers, rebalance, remove_brick, replace_brick, status_tasks, volumes};

/// The variable that names the host a call is made on.
pub const HOST: &str = "SCRIPTED_GLUSTER_HOST";
/// The variable that names the pool's folder.
pub const STATE: &str = "SCRIPTED_GLUSTER_STATE";
/// What the command line says without its glusterd.
const NO_CONNECTION: &str = "Connection failed. Please check if gluster daemon is operational.\n";
/// The one word that makes it play glusterd: what is pending happens when it is due.
const SETTLE: &str = "--settle";

/// What a call comes to.
#[derive(Debug)]
pub enum Outcome {
    /// Ask again after so many milliseconds.
    Again(u64),
    /// No answer, until killed.
    Hang,
    /// These bytes at this time.
    Say {
        /// Unix time in milliseconds.
        at: u64,
        /// The answer.
        answer: Answer,
    },
    /// Bytes that are no text, an answer without end.
    Raw(Raw),
}

/// What is no answer.
#[derive(Clone, Copy, Debug)]
pub enum Raw {
    /// Bytes that are not even a text.
    Garbage,
    /// So many MiB that never come to an end.
    Huge(u32),
}

impl Raw {
    /// Writes it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(self, mut out: impl Write) -> std::io::Result<()> {
        match self {
            Self::Garbage => out.write_all(&[0xff, 0xfe, 0x00, b'<', b'c', 0x80, 0x3e, 0x00, 0x01]),
            Self::Huge(mebibytes) => {
                out.write_all(b"<?xml version=\"1.0\"?>\n<cliOutput>\n")?;
                let block = vec![b' '; 1 << 20];
                (0..mebibytes).try_for_each(|_| out.write_all(&block))
            }
        }
    }
}

/// Plays one call. Exit status 70 means that the scripted pool itself is at fault.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            eprintln!("scripted gluster: {error:#}");
            ExitCode::from(70)
        }
    }
}

fn run(arguments: &[String]) -> Result<i32> {
    let root = std::env::var_os(STATE).with_context(|| format!("{STATE} names no pool"))?;
    let store = Store::at(root.as_ref());
    if arguments == [SETTLE] {
        settle(&store);
        return Ok(0);
    }
    let host = std::env::var(HOST).with_context(|| format!("{HOST} names no host"))?;
    let invocation = command::read(arguments);
    loop {
        let (outcome, pending) = store.update(|scene| {
            let outcome = decide(scene, &host, &invocation)?;
            Ok((outcome, !scene.pool.pending.is_empty()))
        })?;
        if pending {
            start_settling()?;
        }
        match outcome {
            Outcome::Again(milliseconds) => sleep(Duration::from_millis(milliseconds)),
            Outcome::Hang => hang(&store),
            Outcome::Say { at, answer } => {
                sleep(Duration::from_millis(at.saturating_sub(now())));
                std::io::stderr().write_all(answer.stderr.as_bytes())?;
                std::io::stdout().write_all(answer.stdout.as_bytes())?;
                return Ok(answer.code);
            }
            Outcome::Raw(raw) => {
                raw.write(std::io::stdout())?;
                return Ok(0);
            }
        }
    }
}

/// Whatever glusterd still has to do is done by a process of its own, in a process
/// group of its own, so that it happens also when this one is killed.
fn start_settling() -> Result<()> {
    Process::new(std::env::current_exe()?)
        .arg(SETTLE)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(())
}

fn settle(store: &Store) {
    // Ends when nothing is left to do, or with the pool's folder.
    while let Ok(Some(due)) = store.update(|scene| Ok(scene.pool.pending.first().map(|p| p.due))) {
        sleep(Duration::from_millis(due.saturating_sub(now()).max(1)));
    }
}

/// Until killed, or until the test is over: nothing may be left behind.
fn hang(store: &Store) {
    while store.exists() {
        sleep(Duration::from_millis(50));
    }
}

/// What a call comes to on a host, at the moment of the scene.
///
/// # Errors
/// If the scripted pool itself is at fault.
pub fn decide(scene: &mut Scene<'_>, host: &str, invocation: &Invocation) -> Result<Outcome> {
    let mut call = Call { host, start_seconds: None, start_fails: false };
    let asked = scene.host(host)?;
    if asked.frozen || !asked.up {
        // The machine does not run: no process on it answers.
        return Ok(Outcome::Again(20));
    }
    if let Command::GetState { .. } = invocation.command
        && let Some((from, until)) = asked.busy
        && (from..until).contains(&scene.now)
    {
        return Ok(Outcome::Again(until - scene.now));
    }
    let mut spoilt = None;
    let befalls = |f: &&mut super::fault::Fault| f.befalls(host, &invocation.words);
    if let Some(fault) = scene.pool.faults.iter_mut().find(befalls) {
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        scene.pool.befallen += 1;
        match fault.what.clone() {
            What::Hang => return Ok(Outcome::Hang),
            What::Garbage => return Ok(Outcome::Raw(Raw::Garbage)),
            What::Huge { mebibytes } => return Ok(Outcome::Raw(Raw::Huge(mebibytes))),
            What::Text { text, code } => return Ok(said(scene.now, Answer::text(text, code))),
            What::Silence { stderr } => return Ok(said(scene.now, silence(stderr))),
            What::Refuse { errno, text } => {
                let answer = refused(invocation, &Refusal { errno, text });
                return Ok(logged(scene, host, invocation, answer));
            }
            spoils @ (What::Truncated | What::GlusterdDies | What::FailsOn { .. }) => spoilt = Some(spoils),
            What::StartFails => call.start_fails = true,
            What::SlowStart { seconds } => call.start_seconds = Some(seconds),
        }
    }
    if let Command::Version = invocation.command {
        let text = format!("glusterfs {}\n", scene.pool.version);
        return Ok(said(scene.now, Answer::text(text, 0)));
    }
    if let Command::Usage(usage) = &invocation.command {
        return Ok(said(scene.now, silence(usage.clone())));
    }
    if !scene.host(host)?.glusterd {
        return Ok(said(scene.now, Answer::text(NO_CONNECTION, 1)));
    }
    if let Some(outcome) = waits_for_a_frozen_peer(scene, &call, invocation)? {
        return Ok(outcome);
    }
    let answer = answer(scene, &call, invocation)?;
    let answer = match spoilt {
        Some(what) => spoil(scene, host, invocation, answer, &what),
        None => answer,
    };
    Ok(logged(scene, host, invocation, answer))
}

/// The answer to what was done, as the caller hears it.
fn spoil(scene: &mut Scene<'_>, host: &str, invocation: &Invocation, answer: Answer, how: &What) -> Answer {
    match how {
        What::Truncated => {
            let half = answer.stdout.len() / 2;
            Answer { stdout: answer.stdout[..half].to_owned(), ..answer }
        }
        What::GlusterdDies => {
            let spreads = |effect: &Effect| matches!(effect, Effect::Spread { from, .. } if from == host);
            scene.pool.pending.retain(|pending| !spreads(&pending.effect));
            Answer::text(NO_CONNECTION, 1)
        }
        What::FailsOn { host } => {
            let text = format!("Commit failed on {host}. Please check log file for details.");
            refused(invocation, &Refusal { errno: 107, text }).after(answer.takes)
        }
        _ => answer,
    }
}

fn said(at: u64, answer: Answer) -> Outcome {
    Outcome::Say { at, answer }
}

fn silence(stderr: String) -> Answer {
    Answer { stderr, ..Answer::text("", 1) }
}

/// The history is glusterd's: it is written when the operation ends, whether or
/// not the caller still waits. A caller whose time-out is shorter gives up before.
fn logged(scene: &mut Scene<'_>, host: &str, invocation: &Invocation, answer: Answer) -> Outcome {
    if answer.history.iter().any(|outcome| outcome.contains("Another transaction")) {
        scene.pool.found_locked += 1;
    }
    for outcome in &answer.history {
        let (host, command) = (host.to_owned(), invocation.words.clone());
        let outcome = outcome.clone();
        scene.later(answer.takes, Effect::History { host, command, outcome });
    }
    let patience = scene.seconds(invocation.timeout);
    if answer.takes > patience {
        return said(scene.now + patience, timed_out());
    }
    said(scene.now + answer.takes, answer)
}

fn timed_out() -> Answer {
    Answer::text("Error : Request timed out\n", 1)
}

/// With a frozen peer a locked call takes the caller's whole time-out, and the
/// volume stays locked for so long and 60 s (with no `--timeout`: 180 s) on every host.
fn waits_for_a_frozen_peer(
    scene: &mut Scene<'_>,
    call: &Call<'_>,
    invocation: &Invocation,
) -> Result<Option<Outcome>> {
    let frozen = scene.pool.hosts.iter().any(|h| h.frozen && h.connected());
    let volume = match &invocation.command {
        Command::StatusTasks(None) => {
            let mut volumes = scene.pool.volumes.iter();
            let first = volumes.find(|v| v.status == 1 && !scene.is_locked(&v.name));
            first.map(|v| v.name.clone())
        }
        Command::StatusTasks(Some(v))
        | Command::Rebalance(v, _)
        | Command::RemoveBrick { volume: v, .. }
        | Command::ReplaceBrick(v, ..)
        | Command::ResetBrickStart(v, _)
        | Command::ResetBrickCommit(v, ..)
        | Command::Set(v, ..)
        | Command::Reset(v, _)
        | Command::Start(v)
        | Command::Stop(v)
        | Command::Delete(v) => Some(v.clone()),
        _ => None,
    };
    let Some(volume) = volume.filter(|v| frozen && call.volume(scene, v, None).is_ok()) else {
        return Ok(None);
    };
    let patience = scene.seconds(invocation.timeout);
    let held = if invocation.timeout == 120 { 180 } else { invocation.timeout + 120 };
    let held = scene.seconds(held);
    scene.lock(&volume, held)?;
    Ok(Some(said(scene.now + patience, timed_out())))
}

fn answer(scene: &mut Scene<'_>, call: &Call<'_>, invocation: &Invocation) -> Result<Answer> {
    Ok(match &invocation.command {
        Command::Version | Command::Usage(_) => Answer::text("", 1),
        Command::PoolList => peers::pool_list(scene, call.host),
        Command::PeerStatus => peers::peer_status(scene, call.host),
        Command::UuidGet => peers::uuid_get(scene, call.host, invocation.xml),
        Command::VolumeInfo(name) => volumes::info(scene, name.as_deref()),
        Command::StatusTasks(None) => status_tasks::all(scene, call.host),
        Command::StatusTasks(Some(name)) => status_tasks::one(scene, call, name),
        Command::Rebalance(name, action) => rebalance::answer(scene, call, name, *action)?,
        Command::RemoveBrick { volume, replica, bricks, action } => {
            let asked = remove_brick::Asked { volume, replica: *replica, bricks, action: *action };
            remove_brick::answer(scene, call, &asked)?
        }
        Command::ReplaceBrick(volume, old, new) => replace_brick::replace(scene, call, volume, old, new)?,
        Command::ResetBrickStart(volume, brick) => replace_brick::reset_start(scene, call, volume, brick)?,
        Command::ResetBrickCommit(volume, brick, new) => {
            replace_brick::reset_commit(scene, call, volume, brick, new)?
        }
        Command::Set(volume, name, value) => volumes::set(scene, call, volume, Some(name), Some(value))?,
        Command::Reset(volume, name) => volumes::set(scene, call, volume, name.as_deref(), None)?,
        Command::Get(volume, name) => volumes::get(scene, volume, name),
        Command::HealInfoSummary(volume) => heal::summary(scene, volume),
        Command::Start(v) => volumes::change(scene, call, v, volumes::Change::Start)?,
        Command::Stop(v) => volumes::change(scene, call, v, volumes::Change::Stop)?,
        Command::Delete(v) => volumes::change(scene, call, v, volumes::Change::Delete)?,
        Command::GetState { dir, file } => get_state::answer(scene, call.host, dir, file)?,
    })
}

/// A refusal in the shape of the call.
fn refused(invocation: &Invocation, refusal: &Refusal) -> Answer {
    match &invocation.command {
        Command::Rebalance(_, action) => rebalance::refused(*action, refusal),
        Command::RemoveBrick { .. } => remove_brick::refused(refusal),
        Command::StatusTasks(_) => status_tasks::refused(refusal),
        Command::ReplaceBrick(..) | Command::ResetBrickStart(..) | Command::ResetBrickCommit(..) => {
            replace_brick::refused(refusal)
        }
        Command::Set(..) => volumes::refused_to_set(refusal),
        _ => Answer::refusal(refusal, [], 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{Rebalance, RemoveBrick};
    use super::*;

    #[test]
    fn reads_the_words_of_a_call() {
        let words = "--mode=script --timeout=20 volume remove-brick v replica 2 a:/b a:/c start --xml";
        let arguments: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let read = command::read(&arguments);
        assert_eq!((read.xml, read.timeout), (true, 20));
        assert_eq!(read.words, "volume remove-brick v replica 2 a:/b a:/c start");
        let bricks = vec!["a:/b".to_owned(), "a:/c".to_owned()];
        assert_eq!(
            read.command,
            Command::RemoveBrick {
                volume: "v".to_owned(),
                replica: Some(2),
                bricks,
                action: RemoveBrick::Start
            }
        );
        let start = Rebalance::Start { fix_layout: true, force: false };
        let arguments = ["volume", "rebalance", "v", "fix-layout", "start"].map(str::to_owned);
        assert_eq!(command::read(&arguments).command, Command::Rebalance("v".to_owned(), start));
    }
}
