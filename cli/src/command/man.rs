//! `hod man DIR`: a page for each command.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;

/// `hod man`
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder, such as /usr/local/share/man/man1; it is made if it is not there
    dir: PathBuf,
}

/// Runs it.
///
/// # Errors
/// The folder can't be written to.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = &arguments.dir;
    std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir)).map_err(
        |error| {
            Failure::new(Exit::Trouble, format!("can't write the man pages to {}: {error}", dir.display()))
        },
    )?;
    Ok(Exit::Ok)
}
