//! Gluster's command line, wrapped: what is asked, how it is run, what it answers.
//!
//! A [`Call`] becomes an argument vector ([`command`]), is run under a deadline with
//! bounded output ([`process`]), and its output is read into core's types
//! ([`read`]). A refusal is told by kind ([`refusal`]), never as an empty list.
//! [`GlusterCli`] puts these together and is what the rest of the agent uses.
//!
//! The facts this rests on were seen on real pools of 9.2, 10.3 and 11.1; the
//! numbers in brackets are files of `tests/fixtures/gluster-10.3`.

pub mod change;
pub mod client;
pub mod command;
pub mod names;
pub mod process;
mod queue;
pub mod read;
pub mod refusal;
mod state_file;
pub mod status;
pub mod version;

pub use change::{Change, Undone};
pub use client::{CallReport, GlusterCli, Observer, Settings};
pub use command::{Call, Lock};
pub use read::get_state::{GetState, LocalBrick, StateTask, StateVolume};
pub use read::heal::{HealBrick, HealSummary};
pub use read::history::HistoryLine;
pub use read::node_state::{NodeState, Operation};
pub use read::task_list::{ListedTask, VolumeTasks};
pub use read::task_status::{HostPart, TaskReply};
pub use version::Version;
