//! Conversions between what travels and what `hod-core` reckons with.
//!
//! [`common`] holds what both interfaces speak of, [`agent`] what an agent tells,
//! [`coordinator`] what the coordinator tells.

pub mod agent;
pub mod common;
pub mod coordinator;

/// A message that can't be read: the field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Unreadable {
    /// The field's name in the .proto file.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Unreadable {
    /// A field, and what is wrong with it.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}
