//! One file for each reader.

use std::fmt::Debug;

pub(crate) mod event;
pub(crate) mod get_state;
pub(crate) mod history;
pub(crate) mod node_state;
pub(crate) mod outcome;
pub(crate) mod stream;
pub(crate) mod xml;

/// What is read of an answer takes no more than so many times the answer, and some: a
/// reader makes nothing that was not there.
const TIMES: usize = 400;
const SOME: usize = 4096;

/// Panics if what was read is out of all proportion to the input, or if reading the
/// same again comes to something else.
fn proportionate<T: Debug + PartialEq>(input: &[u8], read: impl Fn() -> T) -> T {
    let first = read();
    assert_eq!(first, read(), "read twice, it is not the same");
    let size = format!("{first:?}").len();
    assert!(size <= input.len() * TIMES + SOME, "{size} bytes were made of {}", input.len());
    first
}
