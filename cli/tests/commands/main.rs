//! Every command, run as a process against a coordinator that the test plays.

// Helpers of tests are not marked as tests: what can fail there fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod drive;
mod errors;
mod events;
mod external;
mod fake;
mod jobs;
mod pools;
mod questions;
mod run;
mod scene;
mod tools;
mod waits;
mod watch;
