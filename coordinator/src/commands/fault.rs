//! The points at which a crash is tried.

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A point between two steps of a runner. In builds with the feature
        /// `fault-points`, those of tests only, the process aborts at the one that
        /// `HOD_COORDINATOR_FAULT_POINT` names, and is frozen, until it is woken, at the one
        /// that `HOD_COORDINATOR_FREEZE_POINT` names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FaultPoint {
            $($(#[$doc])* $point,)*
        }

        impl FaultPoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point),*];

            /// The name to ask for it by.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// A command that starts something was checked; nothing is recorded.
    Checked = "checked",
    /// Lock, job, steps and intention are recorded; no agent was asked.
    Opened = "opened",
    /// The throttle was set, if one was asked for; the command itself was not run.
    Prepared = "prepared",
    /// The agent has answered; that is not recorded.
    Acted = "acted",
    /// The answer is recorded; the sync was not woken.
    Recorded = "recorded",
    /// The sync was woken.
    HandedOver = "handed-over",
    /// A command that ends something was checked; nothing is recorded.
    EndingChecked = "ending-checked",
    /// That it was asked for, and the pause if it is one, are recorded; no agent was asked.
    EndingNoted = "ending-noted",
    /// The agent has answered; nothing was done about that.
    EndingActed = "ending-acted",
    /// A refusal is recorded, if it was one, and the sync was woken.
    EndingTold = "ending-told",
}

/// A step of a runner is done.
#[cfg(feature = "fault-points")]
pub(super) fn reach(point: FaultPoint) {
    use nix::sys::signal::{Signal, raise};

    let is_at = |variable: &str| std::env::var(variable).is_ok_and(|name| name == point.name());
    if is_at("HOD_COORDINATOR_FAULT_POINT") {
        std::process::abort();
    }
    if is_at("HOD_COORDINATOR_FREEZE_POINT")
        && let Err(error) = raise(Signal::SIGSTOP)
    {
        tracing::error!(%error, "it can't be frozen");
    }
}

/// A step of a runner is done.
#[cfg(not(feature = "fault-points"))]
pub(super) fn reach(_: FaultPoint) {}
