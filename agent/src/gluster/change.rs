//! What changes a volume: the commands that an operator would type.

use std::fmt;
use std::num::NonZeroU32;

use hod_core::brick::BrickName;
use hod_core::error::GlusterError;

use super::command::Words;

/// A command that changes a volume. Each takes the volume's lock on every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The volume's name.
    pub volume: String,
    /// What to do with it.
    pub what: What,
}

/// What to do with a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `rebalance … start`, and its kin.
    StartRebalance(Rebalance),
    /// `rebalance … stop`, fix-layout too.
    StopRebalance,
    /// `remove-brick … start|stop|commit`. Stop and commit want exactly the task's
    /// bricks: a commit of a part of them is accepted, and leaves the others decommissioned.
    RemoveBrick(Vec<BrickName>, RemoveBrick),
    /// `remove-brick … force`: nothing is moved.
    ForceRemoveBrick {
        /// The bricks that go.
        bricks: Vec<BrickName>,
        /// The replica count that is left; `None` where whole sets go.
        replica: Option<NonZeroU32>,
    },
    /// `replace-brick … commit force`: the only form from 3.7 on.
    ReplaceBrick {
        /// The brick that goes.
        old: BrickName,
        /// The brick that takes its place.
        new: BrickName,
    },
    /// `reset-brick … start`: takes the brick out of service.
    ResetBrickStart(BrickName),
    /// `reset-brick … commit force`: takes it into service again, empty or not.
    ResetBrickCommit(BrickName),
    /// `volume set`.
    SetOption(VolumeOption, Throttle),
    /// `volume reset` of one option.
    ResetOption(VolumeOption),
}

/// How a rebalance is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// Files are moved.
    Plain,
    /// Also to bricks that have less space left.
    Force,
    /// Only the layout is mended.
    FixLayout,
}

/// What to do with a remove-brick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveBrick {
    /// Files begin to be moved.
    Start,
    /// The bricks stay.
    Stop,
    /// The bricks go.
    Commit,
}

/// The options that are ever set: no other one reaches a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeOption {
    /// `cluster.rebal-throttle`
    RebalanceThrottle,
}

impl VolumeOption {
    /// Every one of them.
    pub const ALL: [Self; 1] = [Self::RebalanceThrottle];

    /// Gluster's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RebalanceThrottle => "cluster.rebal-throttle",
        }
    }
}

/// The values of `cluster.rebal-throttle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// One thread a host.
    Lazy,
    /// Gluster's own choice.
    Normal,
    /// As many threads as the host bears.
    Aggressive,
}

impl Throttle {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Lazy, Self::Normal, Self::Aggressive];

    /// Gluster's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lazy => "lazy",
            Self::Normal => "normal",
            Self::Aggressive => "aggressive",
        }
    }
}

impl Change {
    /// The word for it in metrics.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match &self.what {
            What::StartRebalance(Rebalance::FixLayout) => "volume rebalance fix-layout start",
            What::StartRebalance(_) => "volume rebalance start",
            What::StopRebalance => "volume rebalance stop",
            What::RemoveBrick(_, RemoveBrick::Start) => "volume remove-brick start",
            What::RemoveBrick(_, RemoveBrick::Stop) => "volume remove-brick stop",
            What::RemoveBrick(_, RemoveBrick::Commit) => "volume remove-brick commit",
            What::ForceRemoveBrick { .. } => "volume remove-brick force",
            What::ReplaceBrick { .. } => "volume replace-brick commit",
            What::ResetBrickStart(_) => "volume reset-brick start",
            What::ResetBrickCommit(_) => "volume reset-brick commit",
            What::SetOption(..) => "volume set",
            What::ResetOption(_) => "volume reset",
        }
    }

    /// The element of the answer that tells of the task; empty where there is none.
    pub(super) fn answer_tag(&self) -> &'static str {
        match &self.what {
            What::StartRebalance(_) | What::StopRebalance => "volRebalance",
            What::RemoveBrick(..) | What::ForceRemoveBrick { .. } => "volRemoveBrick",
            What::ReplaceBrick { .. }
            | What::ResetBrickStart(_)
            | What::ResetBrickCommit(_)
            | What::SetOption(..)
            | What::ResetOption(_) => "",
        }
    }

    pub(super) fn add_to(&self, words: &mut Words) -> Result<(), GlusterError> {
        words.add("volume");
        words.add(match &self.what {
            What::StartRebalance(_) | What::StopRebalance => "rebalance",
            What::RemoveBrick(..) | What::ForceRemoveBrick { .. } => "remove-brick",
            What::ReplaceBrick { .. } => "replace-brick",
            What::ResetBrickStart(_) | What::ResetBrickCommit(_) => "reset-brick",
            What::SetOption(..) => "set",
            What::ResetOption(_) => "reset",
        });
        words.volume(&self.volume)?;
        match &self.what {
            What::StartRebalance(Rebalance::Plain) => words.add("start"),
            What::StartRebalance(Rebalance::Force) => words.add_all(["start", "force"]),
            What::StartRebalance(Rebalance::FixLayout) => words.add_all(["fix-layout", "start"]),
            What::StopRebalance => words.add("stop"),
            What::RemoveBrick(bricks, what) => {
                words.bricks(bricks)?;
                words.add(match what {
                    RemoveBrick::Start => "start",
                    RemoveBrick::Stop => "stop",
                    RemoveBrick::Commit => "commit",
                });
            }
            What::ForceRemoveBrick { bricks, replica } => {
                if let Some(count) = replica {
                    words.add("replica");
                    words.add(count.to_string());
                }
                words.bricks(bricks)?;
                words.add("force");
            }
            What::ReplaceBrick { old, new } => {
                words.brick(old)?;
                words.brick(new)?;
                words.add_all(["commit", "force"]);
            }
            What::ResetBrickStart(brick) => {
                words.brick(brick)?;
                words.add("start");
            }
            // The brick is named as the one that goes and as the one that comes.
            What::ResetBrickCommit(brick) => {
                words.brick(brick)?;
                words.brick(brick)?;
                words.add_all(["commit", "force"]);
            }
            What::SetOption(option, throttle) => words.add_all([option.name(), throttle.word()]),
            What::ResetOption(option) => words.add(option.name()),
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    /// As it would be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Words::default();
        match self.add_to(&mut words) {
            Ok(()) => f.write_str(&words.line()),
            Err(_) => write!(f, "{} of volume {:?}", self.verb(), self.volume),
        }
    }
}

/// Why a change was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undone {
    /// Refused: nothing was changed.
    #[error("{0}")]
    Refused(GlusterError),
    /// It may have been done or not, or in part: only Gluster's own state tells.
    #[error("{0}")]
    Unknown(GlusterError),
}

impl Undone {
    /// What was said, or why nothing was.
    #[must_use]
    pub fn error(&self) -> &GlusterError {
        match self {
            Self::Refused(error) | Self::Unknown(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gluster::{Call, Lock};
    use hod_core::error::GlusterErrorKind;

    fn brick(text: &str) -> BrickName {
        BrickName::parse(text).unwrap()
    }

    #[test]
    fn arguments_are_gluster_s_own_words() {
        let bricks = || vec![brick("node-c:/bricks/d1"), brick("fd00::3:/bricks/d1")];
        for (what, words, tag) in [
            (What::StartRebalance(Rebalance::Plain), "rebalance v start", "volRebalance"),
            (What::StartRebalance(Rebalance::Force), "rebalance v start force", "volRebalance"),
            (What::StartRebalance(Rebalance::FixLayout), "rebalance v fix-layout start", "volRebalance"),
            (What::StopRebalance, "rebalance v stop", "volRebalance"),
            (
                What::RemoveBrick(bricks(), RemoveBrick::Start),
                "remove-brick v node-c:/bricks/d1 fd00::3:/bricks/d1 start",
                "volRemoveBrick",
            ),
            (
                What::RemoveBrick(bricks(), RemoveBrick::Stop),
                "remove-brick v node-c:/bricks/d1 fd00::3:/bricks/d1 stop",
                "volRemoveBrick",
            ),
            (
                What::RemoveBrick(bricks(), RemoveBrick::Commit),
                "remove-brick v node-c:/bricks/d1 fd00::3:/bricks/d1 commit",
                "volRemoveBrick",
            ),
            (
                What::ForceRemoveBrick { bricks: bricks(), replica: None },
                "remove-brick v node-c:/bricks/d1 fd00::3:/bricks/d1 force",
                "volRemoveBrick",
            ),
            (
                What::ForceRemoveBrick { bricks: bricks(), replica: NonZeroU32::new(2) },
                "remove-brick v replica 2 node-c:/bricks/d1 fd00::3:/bricks/d1 force",
                "volRemoveBrick",
            ),
            (
                What::ReplaceBrick { old: brick("a:/b"), new: brick("a:/c") },
                "replace-brick v a:/b a:/c commit force",
                "",
            ),
            (What::ResetBrickStart(brick("a:/b")), "reset-brick v a:/b start", ""),
            (What::ResetBrickCommit(brick("a:/b")), "reset-brick v a:/b a:/b commit force", ""),
            (
                What::SetOption(VolumeOption::RebalanceThrottle, Throttle::Lazy),
                "set v cluster.rebal-throttle lazy",
                "",
            ),
            (What::ResetOption(VolumeOption::RebalanceThrottle), "reset v cluster.rebal-throttle", ""),
        ] {
            let change = Change { volume: "v".into(), what };
            assert_eq!(change.to_string(), format!("volume {words}"));
            assert_eq!(change.answer_tag(), tag, "{words}");
            let call = Call::Change(change);
            assert_eq!((call.lock(), call.volume()), (Lock::Volume, Some("v")));
            let arguments = call.arguments(Some(7)).unwrap();
            let line: Vec<_> = arguments.iter().map(|w| w.to_str().unwrap()).collect();
            assert_eq!(line.join(" "), format!("--mode=script --timeout=7 volume {words} --xml"));
        }
    }

    #[test]
    fn no_bad_name_reaches_a_command() {
        let change = Change { volume: "all".into(), what: What::StopRebalance };
        assert_eq!(Call::Change(change).arguments(None).unwrap_err().kind, GlusterErrorKind::NoSuchVolume);
        let what = What::ResetBrickStart(brick("--help:/b"));
        let change = Change { volume: "v".into(), what };
        assert_eq!(Call::Change(change).arguments(None).unwrap_err().kind, GlusterErrorKind::WrongBrick);
    }
}
