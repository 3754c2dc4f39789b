//! hod's coordinator.

pub mod config;
pub mod database;
pub mod store;
