//! Questions before what is dangerous: on a terminal they are asked, elsewhere
//! `--yes` is wanted.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::paint::tame;
use crate::text::table::wrapped;

/// Longer than anyone thinks, so that a forgotten question does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(600);

/// What says yes beforehand.
#[derive(Debug, Args)]
pub struct Sure {
    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl Sure {
    /// Whether it has to be asked. `deed` is what is to be done to what ("stop the
    /// rebalance of gv0"), `effect` what comes of it.
    ///
    /// # Errors
    /// Nobody said yes, and there is no terminal to ask at.
    pub fn must_ask(&self, deed: &str, effect: &str) -> Result<bool, Failure> {
        if self.yes {
            return Ok(false);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(tame(&format!("can't {deed} unasked: {effect}; say --yes"))));
        }
        Ok(true)
    }

    /// Asks where it has to be asked.
    ///
    /// # Errors
    /// Nobody said yes.
    pub async fn ask(&self, deed: &str, effect: &str) -> Result<(), Failure> {
        if !self.must_ask(deed, effect)? || said_yes(&question(deed, effect)).await? {
            return Ok(());
        }
        Err(Failure::usage(tame(&format!("did not {deed}: nobody said yes"))))
    }
}

fn question(deed: &str, effect: &str) -> String {
    format!("{}? {}.", capital(deed), capital(effect))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Asks on standard error, so that standard output stays what it is.
///
/// # Errors
/// The answer can't be read.
pub async fn said_yes(question: &str) -> Result<bool, Failure> {
    const CHOICE: &str = " [y/N] ";
    let columns = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    let width = columns.map(|columns| columns.saturating_sub(CHOICE.len()));
    eprint!("{}{CHOICE}", wrapped(&tame(question), width, ""));
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(Ok(answer))) => Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")),
        Ok(Ok(Err(error))) => Err(Failure::new(Exit::Trouble, format!("can't read the answer: {error}"))),
        Ok(Err(_)) | Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_what_and_what_comes_of_it() {
        assert_eq!(question("stop the rebalance of gv0", "it ends"), "Stop the rebalance of gv0? It ends.");
    }

    #[test]
    fn who_said_yes_is_not_asked() {
        assert_eq!(Sure { yes: true }.must_ask("stop it", "it ends"), Ok(false));
    }
}
