//! What an agent tells, to and from `hod-core`.
