//! One storage host's Gluster command line behind gRPC.
//!
//! Data passes through in one direction. [`gluster`] asks the command line and reads
//! what it says. `watch` hears when glusterd's files change, `pulse` feels
//! whether it still listens, `events` hears what Gluster itself tells, and all of them
//! wake `discovery`, which asks without locks, and `history`, which reads the commands that were run;
//! `follow` asks for running tasks by calls that take their volume's lock, all of
//! which go through `locked`. What they learn hangs on the board (`picture`), from
//! which `service` tells every watcher what is new to it, and answers requests.
//! Requests to change a volume go through `command` to Gluster and back, unless `fence`
//! knows that another coordinator has taken the pool since; what has to
//! be known of this host's bricks before is asked of their disks by `bricks`.
//! [`config`] says what is to be done, `serve` starts and stops it all, [`blocking`] keeps disks from holding it up, `metrics`
//! counts what it costs.

pub mod blocking;
mod bricks;
mod command;
pub mod config;
mod discovery;
pub mod events;
mod fence;
mod follow;
pub mod gluster;
mod hints;
mod history;
mod identity;
mod locked;
mod metrics;
mod own;
mod picture;
mod pulse;
mod serve;
mod service;
mod watch;

pub use identity::Names;
pub use serve::{Failure, Host, serve, serve_on};
