//! To be.
pub mod gluster;
