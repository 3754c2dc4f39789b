//! The scripted gluster: an executable that plays Gluster's command line, one
//! host of a pool at a time, from a state that a test holds in its hands.
//!
//! A test makes a [`ScriptedPool`]. Each of its hosts has a `gluster` of its own
//! ([`ScriptedPool::program`]), which an agent is given with `--gluster`, and
//! folders like glusterd's (`--glusterd-dir`, `--gluster-log-dir`). A call reads
//! the pool's state under a file lock ([`store`]), lets happen what is due, does
//! what its words ask ([`command`], [`rebalance`], [`remove_brick`], …), and
//! prints Gluster's XML ([`xml`]). What glusterd does by itself after a call, a
//! process of its own does, so that killing the caller changes nothing, as with
//! Gluster.
//!
//! What it answers was compared element by element with the answers of real
//! pools (`tests/scripted_shapes.rs`). Refusals of which no real answer was at
//! hand follow Gluster's source.

pub mod agent;
pub mod answer;
pub mod call;
pub mod cluster;
pub mod command;
pub mod compare;
pub mod daemon;
pub mod fault;
pub mod files;
pub mod get_state;
pub mod heal;
pub mod parts;
pub mod peers;
pub mod play;
pub mod pool;
pub mod rebalance;
pub mod remove_brick;
pub mod replace_brick;
pub mod scene;
pub mod state;
pub mod status_tasks;
pub mod store;
pub mod volumes;
pub mod xml;

pub use agent::ScriptedAgent;
pub use cluster::{Cluster, on_cluster};
pub use fault::{Fault, What};
pub use pool::{Reply, ScriptedPool};
pub use state::Kind;
