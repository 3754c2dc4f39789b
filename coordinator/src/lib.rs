//! hod's coordinator.

pub mod config;
pub mod database;
pub mod metrics;
pub mod store;
pub mod sync;
