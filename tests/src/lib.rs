//! What tests of more than one crate stand on.
//!
//! [`pool`] makes real Gluster pools in containers, with [`docker`], breaks them in the ways that
//! pools break, and reads what Gluster itself says of its tasks. The tests on real pools are in
//! `tests/real_*.rs`; `./x test` runs them. [`chaos`] breaks a pool at random while tasks run.
//! [`scripted`] plays Gluster without containers, for tests of agent and coordinator alone
//! (`tests/scripted_*.rs`). [`postgres`] is a database that can fail over. [`simulation`] plays
//! seeds of the simulation, which is a program of its own (`simulation/`).

pub mod binary;
pub mod chaos;
pub mod docker;
pub mod pool;
pub mod postgres;
pub mod scripted;
pub mod simulation;
