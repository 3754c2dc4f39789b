//! One module a command: its arguments, what it asks the coordinator, what it shows.

pub mod completions;
pub mod drive;
pub mod events;
pub mod external;
pub mod hosts;
pub mod job;
pub mod jobs;
pub mod man;
pub mod pool;
pub mod rebalance;
pub mod remove_brick;
pub mod replace_brick;
pub mod replica;
pub mod status;
pub mod task;
pub mod tasks;
pub mod volumes;
pub mod watch;
pub mod windows;

use crate::address::Address;
use crate::args::{Cli, Command};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

/// What a command works with.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where answers go.
    pub screen: Screen,
    coordinators: Vec<Address>,
}

impl Context {
    /// A connection to the coordinator.
    ///
    /// # Errors
    /// It can't be reached.
    pub async fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.coordinators).await
    }
}

/// Runs the command that was asked for.
///
/// # Errors
/// What kept it from being done.
pub async fn run(cli: Cli) -> Result<Exit, Failure> {
    let context = Context {
        screen: Screen::new(cli.global.json, cli.global.color),
        coordinators: cli.global.coordinator,
    };
    match cli.command {
        Command::Pool(command) => pool::run(&context, command).await,
        Command::Hosts(arguments) => hosts::run(&context, arguments).await,
        Command::Volumes(arguments) => volumes::run(&context, arguments).await,
        Command::Tasks(arguments) => tasks::run(&context, arguments).await,
        Command::Task(arguments) => task::run(&context, arguments).await,
        Command::Jobs(arguments) => jobs::run(&context, arguments).await,
        Command::Job(arguments) => job::run(&context, arguments).await,
        // The state of a watch is large; it lives on the heap, also where a command waits.
        Command::Watch(arguments) => Box::pin(watch::run(&context, arguments)).await,
        Command::Events(arguments) => events::run(&context, arguments).await,
        Command::Rebalance(command) => Box::pin(rebalance::run(&context, command)).await,
        Command::RemoveBrick(command) => Box::pin(remove_brick::run(&context, command)).await,
        Command::ReplaceBrick(arguments) => Box::pin(replace_brick::run(&context, arguments)).await,
        Command::Replica(command) => Box::pin(replica::run(&context, command)).await,
        Command::Windows(arguments) => windows::run(&context, arguments).await,
        Command::External(command) => external::run(&context, command).await,
        Command::Completions(arguments) => completions::run(&context, &arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}
