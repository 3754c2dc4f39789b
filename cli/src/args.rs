//! The command line: what all commands share, and the list of them. A command's own
//! arguments stand with the command.

use clap::{Args, Parser, Subcommand};

use crate::address::Address;
use crate::command::{
    completions, events, external, hosts, job, jobs, man, pool, rebalance, remove_brick, replace_brick,
    replica, task, tasks, volumes, watch, windows,
};
use crate::exit;
use crate::screen::Color;

/// Watch and drive the tasks of Gluster pools: rebalances, remove-bricks, and other programs' jobs
#[derive(Debug, Parser)]
#[command(name = "hod", version, after_help = exit::help(), disable_help_subcommand = true)]
pub struct Cli {
    /// What all commands share.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What all commands share.
#[derive(Debug, Args)]
pub struct Global {
    /// Where the coordinator listens; of several, the first that serves is asked
    #[arg(
        long,
        global = true,
        env = "HOD_COORDINATOR",
        default_value = "127.0.0.1:7470",
        value_name = "HOST[:PORT],…",
        value_delimiter = ',',
        help_heading = "Global options"
    )]
    pub coordinator: Vec<Address>,

    /// Print protobuf's JSON: one object, or for streams one a line
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,

    /// When to colour the output; NO_COLOR is respected
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        help_heading = "Global options",
        long_help = "When to colour the output: auto, always or never. \
                     With auto, NO_COLOR is respected"
    )]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take up, list and forget Gluster pools
    #[command(subcommand)]
    Pool(pool::Command),
    /// List hosts, and how they stand
    Hosts(hosts::Arguments),
    /// List volumes, and which job holds each
    Volumes(volumes::Arguments),
    /// List the tasks that Gluster has
    Tasks(tasks::Arguments),
    /// Show one task, and what every host says of it
    Task(task::Arguments),
    /// List jobs: those that are open, and those that ended within a day
    Jobs(jobs::Arguments),
    /// Show one job: its steps, its hosts, and what to do; or give it up
    Job(job::Arguments),
    /// Watch jobs live
    Watch(watch::Arguments),
    /// List what happened, or follow it
    Events(events::Arguments),
    /// Spread a volume's files over its bricks
    #[command(subcommand)]
    Rebalance(rebalance::Command),
    /// Take bricks out of a volume, after their files have moved to the others
    #[command(subcommand)]
    RemoveBrick(remove_brick::Command),
    /// Put a brick in another's place, or take the same one into service anew
    ReplaceBrick(replace_brick::Arguments),
    /// Change how many copies a volume keeps
    #[command(subcommand)]
    Replica(replica::Command),
    /// Set the hours in which a volume's rebalance may run; outside of them it is paused
    Windows(windows::Arguments),
    /// Report jobs of other programs: an Ansible play, a backup
    #[command(subcommand)]
    External(external::Command),
    /// Print completions for a shell
    Completions(completions::Arguments),
    /// Write the man pages into a folder
    Man(man::Arguments),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn several_coordinators_are_read() {
        let cli = Cli::parse_from(["hod", "hosts", "--coordinator", "a,b:7000"]);
        let shown: Vec<_> = cli.global.coordinator.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a:7470", "b:7000"]);
    }
}
