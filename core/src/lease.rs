//! The right to write for a pool.

use std::time::Duration;

use crate::id::PoolId;

/// The right to write for a pool, and to change what is in it, until another takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The pool.
    pub pool: PoolId,
    /// Which taking of it this is; every write proves that it is the last one, and
    /// agents refuse one that is not.
    pub epoch: i64,
}

impl Lease {
    /// A coordinator that was not seen for so long holds nothing any more.
    pub const LASTS: Duration = Duration::from_secs(6);
}
