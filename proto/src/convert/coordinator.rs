//! What the coordinator tells, from `hod-core`.
