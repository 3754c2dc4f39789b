//! Docker's compose, in whichever form it is installed.

use std::ffi::OsStr;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell};

/// One set of containers by a compose file, through `docker compose` or, where that is not
/// there, the older docker-compose.
#[derive(Clone, Copy)]
pub(crate) struct Compose {
    program: &'static [&'static str],
    project: &'static str,
    file: &'static str,
}

impl Compose {
    /// Of this project and file, if there is a compose at all.
    pub(crate) fn find(sh: &Shell, project: &'static str, file: &'static str) -> Result<Self> {
        let programs: [&'static [&'static str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        programs
            .into_iter()
            .find(|program| succeeds(command(sh, program).arg("version")))
            .map(|program| Self { program, project, file })
            .context("neither `docker compose` nor docker-compose is there; ./x installs one")
    }

    /// Starts everything in the background.
    pub(crate) fn up(self, sh: &Shell) -> Result<()> {
        Ok(command(sh, &self.words()).args(["up", "-d"]).quiet().run()?)
    }

    /// Takes everything away, with what it stored.
    pub(crate) fn down(self, sh: &Shell) -> Result<()> {
        Ok(command(sh, &self.words()).args(["down", "--volumes", "--remove-orphans"]).quiet().run()?)
    }

    /// A command in a service's container.
    pub(crate) fn exec<'a>(self, sh: &'a Shell, service: &str, words: &[&str]) -> Cmd<'a> {
        command(sh, &self.exec_words(service)).args(words).quiet()
    }

    /// What stands before a command to run it in a service's container: on a terminal, with one.
    pub(crate) fn exec_words(self, service: &str) -> Vec<String> {
        let mut words = self.words();
        words.push("exec".into());
        if !is_terminal() {
            words.push("-T".into());
        }
        words.push(service.into());
        words
    }

    fn words(self) -> Vec<String> {
        let which = ["-p", self.project, "-f", self.file];
        self.program.iter().chain(&which).map(|word| (*word).to_owned()).collect()
    }
}

/// A command of these words, of which the first is the program.
fn command<'a, S: AsRef<OsStr>>(sh: &'a Shell, words: &[S]) -> Cmd<'a> {
    let mut words = words.iter().map(AsRef::as_ref);
    sh.cmd(words.next().unwrap_or_default()).args(words)
}

fn is_terminal() -> bool {
    use std::io::{IsTerminal as _, stdin, stdout};
    stdin().is_terminal() && stdout().is_terminal()
}

/// Whether the command ends well. What it says is not shown.
pub(crate) fn succeeds(command: Cmd<'_>) -> bool {
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}
