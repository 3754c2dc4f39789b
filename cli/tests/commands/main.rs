//! Every command, run as a process against a coordinator that the test plays.

mod errors;
mod events;
mod external;
mod fake;
mod jobs;
mod pools;
mod run;
mod scene;
mod tools;
mod watch;
