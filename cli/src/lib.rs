//! The operator's command `hod`: it asks the coordinator over gRPC and shows the answer.
//!
//! The way of the data: the command line ([`args`]) → one module a command
//! ([`command`]) → the coordinator ([`client`]) → what is shown, made by pure
//! functions ([`render`], with the words and tables of [`text`]; [`watch`] for what
//! is live) → the terminal ([`screen`]). With `--json` the answer goes out as it came.
//!
//! How it ended is an [`exit::Exit`]; what went wrong is a [`failure::Failure`], a
//! line that says what, to what, and what to do.

pub mod exit;
pub mod render;
pub mod text;
