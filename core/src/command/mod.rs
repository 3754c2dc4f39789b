//! What hod will run, and when it may: pure decisions over facts that were gathered.
//!
//! The coordinator gathers [`facts::Facts`] from the record, from the live
//! observation and from the agents, and asks one of the checks. Each says all that
//! is wrong, not the first thing ([`problem::Problem`]). [`space`] reckons what
//! moves where, [`gate`] decides whether a remove-brick may be committed, [`window`]
//! when a rebalance may run, [`heal`] when a replaced brick counts as healed, and
//! [`found`] which replacements were typed into Gluster's own command line. [`names`]
//! reads what can be a name at all.

pub mod checks;
pub mod facts;
pub mod found;
pub mod gate;
pub mod heal;
pub mod intention;
pub mod names;
pub mod problem;
pub mod space;
pub mod window;
