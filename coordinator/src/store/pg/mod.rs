//! The store in PostgreSQL.

/// The store in PostgreSQL.
pub struct PgStore {}
