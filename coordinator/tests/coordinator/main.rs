//! The coordinator as a whole: real gRPC, a real PostgreSQL, and agents that say
//! what a test tells them to.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod adding;
mod commands;
mod external;
mod hostile;
mod leading;
mod outage;
mod sharing;
mod support;
mod syncing;
mod watching;
mod web;
