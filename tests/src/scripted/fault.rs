//! What goes wrong with a call.

use serde::{Deserialize, Serialize};

/// A fault, and the calls it befalls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    pub what: What,
    /// Only on this host.
    pub host: Option<String>,
    /// Only calls whose words hold this text, such as "volume rebalance dist".
    pub of: String,
    /// How many more calls; `None`: all, until it is taken away.
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum What {
    /// No answer, until the process is killed.
    Hang,
    /// This text on standard output instead of the answer, with this exit status.
    Text {
        /// What is printed.
        text: String,
        /// The exit status.
        code: i32,
    },
    /// Nothing on standard output, this on standard error, exit status 1.
    Silence {
        /// What is printed on standard error.
        stderr: String,
    },
    /// Bytes that are not even a text.
    Garbage,
    /// The answer, cut in the middle, with its exit status.
    Truncated,
    /// An answer without end, up to so many MiB.
    Huge {
        /// How much.
        mebibytes: u32,
    },
    /// Gluster's refusal with this text and number, in the shape of the call.
    Refuse {
        /// `opErrno`.
        errno: i32,
        /// `opErrstr`.
        text: String,
    },
    /// A start that takes the lock and its time, and comes to nothing.
    StartFails,
    /// glusterd goes away in the middle of a command, and is back at once: what it had
    /// begun is there, on its own host at least, and the caller hears "Connection
    /// failed" (measured).
    GlusterdDies,
    /// Another host's glusterd goes away in the middle of a command: it is done, and
    /// said to have failed on that host (measured).
    FailsOn {
        /// The host, as Gluster names it.
        host: String,
    },
    /// A start takes this many of Gluster's seconds. With more than the call's
    /// `--timeout` the caller gives up, and the start succeeds after that.
    SlowStart {
        /// Gluster's seconds.
        seconds: u64,
    },
}

impl Fault {
    /// Whether a call is befallen.
    #[must_use]
    pub fn befalls(&self, host: &str, words: &str) -> bool {
        self.host.as_deref().is_none_or(|h| h == host) && words.contains(&self.of) && self.times != Some(0)
    }
}
