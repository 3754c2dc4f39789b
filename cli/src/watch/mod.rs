//! What `hod watch` shows: from the stream of jobs to a picture that moves.
//!
//! The stream's messages go into a [`board`], which says what changed. On a terminal
//! the board is drawn ([`view`], from a [`block`] of [`row`]s for each job with its
//! [`hosts`], then [`picture`]); elsewhere each change becomes a line
//! ([`lines`]). [`migration`]
//! tells when a remove-brick waits for somebody. [`rate`] works out how fast a host goes.

pub mod block;
pub mod board;
pub mod echo;
pub mod hosts;
pub mod lines;
pub mod migration;
pub mod picture;
pub mod rate;
pub mod row;
pub mod view;
