//! What an agent tells, to and from `hod-core`.
//!
//! The agent sends with [`tell`], in ages. The coordinator puts a stream's messages
//! together with [`PictureAssembler`], which reads each of them whole ([`read`])
//! before it changes anything, and takes no more than its [`bounds`]. How a command went is an
//! [`Outcome`] on both sides.

mod assembler;
pub mod bounds;
mod lease;
pub mod outcome;
pub mod read;
pub mod tell;

pub use assembler::PictureAssembler;
pub use bounds::{NotTaken, TooMuch};
pub use outcome::Outcome;
