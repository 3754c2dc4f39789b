//! The coordinator as a whole: real gRPC, a real PostgreSQL, and agents that say
//! what a test tells them to.

mod adding;
mod external;
mod leading;
mod support;
mod syncing;
mod watching;
mod web;
