//! `hod completions SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;

use super::Context;

/// `hod completions`
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs it.
///
/// # Errors
/// Standard output can't be written to.
pub fn run(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "hod", &mut script);
    context.screen.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
