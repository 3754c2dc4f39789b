//! How values are written for a person: sizes, ages, words, tables, colours.
//!
//! Nothing here reads a clock, the environment or a terminal: what it needs of
//! them comes in a [`Look`].

pub mod age;
pub mod number;
pub mod paint;
pub mod table;
pub mod words;

use jiff::Timestamp;

/// What the output is made for.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The coordinator's time: ages are reckoned against it.
    pub now: Timestamp,
    /// The terminal's width. `None`: not a terminal, nothing is cut or wrapped.
    pub width: Option<usize>,
    /// Whether colours are wanted.
    pub color: bool,
}
