//! The contract that a store keeps, held against a real PostgreSQL that the tests
//! start themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]
#![allow(unreachable_pub, reason = "a test's modules have nobody outside")]

mod commands;
mod events;
mod external;
mod functions;
mod heals;
mod history;
mod jobs;
mod leases;
mod migrations;
mod notices;
mod obligations;
mod pauses;
mod plans;
mod pools;
mod retries;
mod rules;
mod server;
mod settling;
mod speed;
mod support;
mod transitions;
