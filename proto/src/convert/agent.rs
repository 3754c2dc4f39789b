//! What an agent tells, to and from `hod-core`.
//!
//! The agent sends with [`tell`], in ages. The coordinator puts a stream's messages
//! together with [`PictureAssembler`], which reads each of them whole ([`read`])
//! before it changes anything. How a command went is an [`Outcome`] on both sides.

mod assembler;
pub mod outcome;
pub mod read;
pub mod tell;

pub use assembler::PictureAssembler;
pub use outcome::Outcome;
