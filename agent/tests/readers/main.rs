//! Everything that reads what Gluster prints, over what real pools printed.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod changes;
mod client;
mod events;
mod fixtures;
mod older;
mod pool;
mod properties;
mod refusals;
mod state;
mod tasks;
mod walk;
