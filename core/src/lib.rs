//! What a pool, a task, an observation, a job and a step are, and [`plan()`]:
//! the one decision about what to record of what was observed.
//!
//! Data passes through here in one direction. The coordinator's collectors hand
//! in an [`observation::Observation`] (what every host's agent said, and how old
//! that is) and the store hands in [`record::Recorded`] (what is known of the
//! pool). [`plan()`] compares the two and returns [`change::Change`]s, each of
//! which the store applies in one piece with its events.
//!
//! There is no IO here, no clock, no randomness: the time is an input, and the
//! ids of found jobs are derived from what they are about. So a plan can be made
//! again at any point, by anyone, and comes to the same end.

pub mod brick;
pub mod change;
pub mod command;
pub mod error;
pub mod event;
pub mod history;
pub mod host;
pub mod id;
pub mod job;
pub mod lease;
pub mod observation;
pub mod plan;
pub mod record;
pub mod task;
pub mod transition;
pub mod volume;

pub use plan::plan;
