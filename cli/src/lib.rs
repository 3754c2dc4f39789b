//! The operator's command `hod`: it asks the coordinator over gRPC and shows the answer.
//!
//! The way of the data: the command line ([`args`]) → one module a command
//! ([`command`]) → the coordinator ([`client`]) → what is shown, made by pure
//! functions ([`render`], with the words and tables of [`text`]; [`watch`] for what
//! is live) → standard output ([`screen`]). With `--json` the answer goes out as it
//! came.
//!
//! What is dangerous asks first ([`confirm`]). How a run ended is an [`exit::Exit`];
//! what went wrong is a [`failure::Failure`], which says what, to what, and what to do.

pub mod address;
pub mod args;
pub mod client;
pub mod command;
pub mod confirm;
pub mod exit;
pub mod failure;
pub mod follow;
pub mod identity;
pub mod render;
pub mod resolve;
pub mod screen;
pub mod text;
pub mod watch;
pub mod window;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs one command line to its end.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Usage errors end the process here, with clap's own words and code 2.
    let cli = Cli::parse_from(args);
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Trouble, format!("can't start: {error}")))
        .and_then(|runtime| {
            let ended = runtime.block_on(command::run(cli));
            // A question that still waits on standard input must not hold up the end.
            runtime.shutdown_background();
            ended
        });
    let exit = ended.unwrap_or_else(|failure| {
        screen::complain(&failure);
        failure.exit
    });
    exit.into()
}
