//! hod's coordinator: it follows every task of Gluster pools through their agents,
//! and keeps the record in PostgreSQL.
//!
//! Data passes through here in one direction. [`sync`] listens to the agents,
//! compares what they tell with what is recorded ([`hod_core::plan()`]) and applies
//! the difference to the [`store`], each change in one transaction with its events.
//! The store tells that something changed; [`api`] reads it there and answers
//! operators over gRPC, [`web`] tells monitoring over HTTP. The other way round
//! [`commands`] has agents do what operators ask for, each intention recorded first.
//! The store's PostgreSQL, named or private, is opened and migrated by [`database`].
//!
//! [`network`] is how agents are reached, [`config`] what the coordinator is told at its
//! start, [`start`] puts the parts
//! together. No part but the store keeps what a restart would lose.

pub mod api;
pub mod commands;
pub mod config;
pub mod database;
pub mod health;
pub mod metrics;
pub mod network;
pub mod start;
pub mod store;
pub mod sync;
pub mod web;
