//! A coordinator's lease, as it goes with what it asks of an agent.

use hod_core::lease::Lease;

use crate::agent::v1 as pb;
use crate::convert::Unreadable;
use crate::convert::common::id;

impl From<Lease> for pb::Lease {
    fn from(lease: Lease) -> Self {
        Self { pool_id: lease.pool.to_string(), epoch: lease.epoch }
    }
}

impl TryFrom<pb::Lease> for Lease {
    type Error = Unreadable;

    fn try_from(lease: pb::Lease) -> Result<Self, Unreadable> {
        let pool = id("lease.pool_id", &lease.pool_id)?;
        match lease.epoch {
            epoch if epoch > 0 => Ok(Self { pool, epoch }),
            epoch => Err(Unreadable::new("lease.epoch", format!("is {epoch}: epochs count from 1"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_travels_whole_and_half_a_one_is_none() {
        let pool = "706ce875-ad40-452b-9155-aefdbb191f51".parse().unwrap();
        let lease = Lease { pool, epoch: 7 };
        assert_eq!(Lease::try_from(pb::Lease::from(lease)), Ok(lease));
        for (pool_id, epoch, field) in
            [("", 1, "lease.pool_id"), ("shop", 1, "lease.pool_id"), (&*pool.to_string(), 0, "lease.epoch")]
        {
            let error = Lease::try_from(pb::Lease { pool_id: pool_id.into(), epoch }).unwrap_err();
            assert_eq!(error.field, field);
        }
    }
}
