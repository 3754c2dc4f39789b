//! What is asked of Gluster, as argument vectors. No shell ever sees them.

use std::ffi::OsString;
use std::path::PathBuf;

use hod_core::brick::BrickName;
use hod_core::error::{GlusterError, GlusterErrorKind};

use super::change::Change;
use super::names::check_volume_name;

/// A question for Gluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `gluster --version`: asks no daemon.
    Version,
    /// `volume info`, of one volume or all.
    VolumeInfo {
        /// The volume; `None` for all.
        volume: Option<String>,
    },
    /// `pool list`: the asked host included.
    PoolList,
    /// `peer status`: the asked host left out.
    PeerStatus,
    /// `get-state … detail`, which writes its answer into a file.
    GetState {
        /// The folder the file is written into, by glusterd.
        folder: PathBuf,
        /// The file's name.
        file: String,
    },
    /// `volume status … tasks`, of one volume or all.
    StatusTasks {
        /// The volume; `None` for all.
        volume: Option<String>,
    },
    /// `volume rebalance … status`.
    RebalanceStatus {
        /// The volume.
        volume: String,
    },
    /// `volume remove-brick … status`.
    RemoveBrickStatus {
        /// The volume.
        volume: String,
        /// Exactly the task's bricks, as the task lists them.
        bricks: Vec<BrickName>,
    },
    /// `volume replace-brick … status`, up to 3.6.
    ReplaceBrickStatus {
        /// The volume.
        volume: String,
        /// The brick that is replaced.
        source: BrickName,
        /// The brick that takes its place.
        target: BrickName,
    },
    /// `volume heal … info summary`: walks every pending entry.
    HealInfoSummary {
        /// The volume.
        volume: String,
    },
    /// What changes a volume.
    Change(Change),
}

/// Which of the pool's locks a call takes while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// None.
    None,
    /// A volume's, on every host; with `all`, each volume's in turn.
    Volume,
}

impl Lock {
    /// The word for it in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Volume => "volume",
        }
    }
}

impl Call {
    /// The word for it in metrics.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::VolumeInfo { .. } => "volume info",
            Self::PoolList => "pool list",
            Self::PeerStatus => "peer status",
            Self::GetState { .. } => "get-state",
            Self::StatusTasks { .. } => "volume status tasks",
            Self::RebalanceStatus { .. } => "volume rebalance status",
            Self::RemoveBrickStatus { .. } => "volume remove-brick status",
            Self::ReplaceBrickStatus { .. } => "volume replace-brick status",
            Self::HealInfoSummary { .. } => "volume heal info summary",
            Self::Change(change) => change.verb(),
        }
    }

    /// Which locks it takes.
    #[must_use]
    pub fn lock(&self) -> Lock {
        match self {
            Self::Version
            | Self::VolumeInfo { .. }
            | Self::PoolList
            | Self::PeerStatus
            | Self::GetState { .. }
            | Self::HealInfoSummary { .. } => Lock::None,
            Self::StatusTasks { .. }
            | Self::RebalanceStatus { .. }
            | Self::RemoveBrickStatus { .. }
            | Self::ReplaceBrickStatus { .. }
            | Self::Change(_) => Lock::Volume,
        }
    }

    /// The volume it is about; `None` where it is about all, or none.
    #[must_use]
    pub fn volume(&self) -> Option<&str> {
        match self {
            Self::Version | Self::PoolList | Self::PeerStatus | Self::GetState { .. } => None,
            Self::VolumeInfo { volume } | Self::StatusTasks { volume } => volume.as_deref(),
            Self::RebalanceStatus { volume }
            | Self::RemoveBrickStatus { volume, .. }
            | Self::ReplaceBrickStatus { volume, .. }
            | Self::HealInfoSummary { volume } => Some(volume),
            Self::Change(change) => Some(&change.volume),
        }
    }

    /// The arguments, without the name of the binary.
    ///
    /// `give_up_after` becomes `--timeout`, in seconds, which Gluster knows from 3.8
    /// on: with a frozen peer it shortens the time the volume stays locked, which is
    /// that many seconds and 120 more.
    ///
    /// # Errors
    /// If a name can't be a volume's or a brick's: it never reaches a command.
    pub fn arguments(&self, give_up_after: Option<u64>) -> Result<Vec<OsString>, GlusterError> {
        if matches!(self, Self::Version) {
            return Ok(vec!["--version".into()]);
        }
        let mut words = Words::default();
        words.add("--mode=script");
        if let Some(seconds) = give_up_after {
            words.add(format!("--timeout={seconds}"));
        }
        match self {
            Self::Version => {}
            Self::VolumeInfo { volume } => {
                words.add_all(["volume", "info"]);
                if let Some(volume) = volume {
                    words.volume(volume)?;
                }
            }
            Self::PoolList => words.add_all(["pool", "list"]),
            Self::PeerStatus => words.add_all(["peer", "status"]),
            Self::GetState { folder, file } => {
                words.add_all(["get-state", "glusterd", "odir"]);
                words.add(folder);
                words.add("file");
                words.add(file);
                words.add("detail");
                // get-state has no answer in XML.
                return Ok(words.0);
            }
            Self::StatusTasks { volume } => {
                words.add_all(["volume", "status"]);
                match volume {
                    Some(volume) => words.volume(volume)?,
                    None => words.add("all"),
                }
                words.add("tasks");
            }
            Self::RebalanceStatus { volume } => {
                words.add_all(["volume", "rebalance"]);
                words.volume(volume)?;
                words.add("status");
            }
            Self::RemoveBrickStatus { volume, bricks } => {
                words.add_all(["volume", "remove-brick"]);
                words.volume(volume)?;
                words.bricks(bricks)?;
                words.add("status");
            }
            Self::ReplaceBrickStatus { volume, source, target } => {
                words.add_all(["volume", "replace-brick"]);
                words.volume(volume)?;
                words.brick(source)?;
                words.brick(target)?;
                words.add("status");
            }
            Self::HealInfoSummary { volume } => {
                words.add_all(["volume", "heal"]);
                words.volume(volume)?;
                words.add_all(["info", "summary"]);
            }
            Self::Change(change) => change.add_to(&mut words)?,
        }
        words.add("--xml");
        Ok(words.0)
    }
}

/// The words of a command line, as far as they are put together.
#[derive(Default)]
pub(super) struct Words(Vec<OsString>);

impl Words {
    pub(super) fn add(&mut self, word: impl Into<OsString>) {
        self.0.push(word.into());
    }

    pub(super) fn add_all<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    pub(super) fn volume(&mut self, name: &str) -> Result<(), GlusterError> {
        check_volume_name(name)?;
        self.add(name);
        Ok(())
    }

    /// A brick comes from Gluster's own answers; one that would be taken for an
    /// option can't have come from there.
    pub(super) fn brick(&mut self, brick: &BrickName) -> Result<(), GlusterError> {
        let text = brick.as_str();
        if text.starts_with('-') || text.contains(|c: char| c.is_control()) {
            return Err(refused(
                GlusterErrorKind::WrongBrick,
                format!("{text:?} can't be the name of a brick"),
            ));
        }
        self.add(text);
        Ok(())
    }

    pub(super) fn bricks(&mut self, bricks: &[BrickName]) -> Result<(), GlusterError> {
        bricks.iter().try_for_each(|brick| self.brick(brick))
    }

    /// To be shown.
    pub(super) fn line(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }
}

fn refused(kind: GlusterErrorKind, message: String) -> GlusterError {
    GlusterError { kind, message, op_errno: 0, hosts: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brick(text: &str) -> BrickName {
        BrickName::parse(text).unwrap()
    }

    fn line(call: &Call) -> String {
        let words = call.arguments(None).unwrap();
        let words: Vec<_> = words.iter().map(|w| w.to_str().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn arguments_are_gluster_s_own_words() {
        let volume = || "dist".to_owned();
        for (call, words, lock) in [
            (Call::Version, "--version", Lock::None),
            (Call::VolumeInfo { volume: None }, "--mode=script volume info --xml", Lock::None),
            (Call::VolumeInfo { volume: Some(volume()) }, "--mode=script volume info dist --xml", Lock::None),
            (Call::PoolList, "--mode=script pool list --xml", Lock::None),
            (Call::PeerStatus, "--mode=script peer status --xml", Lock::None),
            (
                Call::GetState { folder: "/run/hod".into(), file: "state".into() },
                "--mode=script get-state glusterd odir /run/hod file state detail",
                Lock::None,
            ),
            (Call::StatusTasks { volume: None }, "--mode=script volume status all tasks --xml", Lock::Volume),
            (
                Call::StatusTasks { volume: Some(volume()) },
                "--mode=script volume status dist tasks --xml",
                Lock::Volume,
            ),
            (
                Call::RebalanceStatus { volume: volume() },
                "--mode=script volume rebalance dist status --xml",
                Lock::Volume,
            ),
            (
                Call::RemoveBrickStatus {
                    volume: volume(),
                    bricks: vec![brick("172.29.0.3:/bricks/i1"), brick("node-b:/bricks/i2")],
                },
                "--mode=script volume remove-brick dist 172.29.0.3:/bricks/i1 node-b:/bricks/i2 status --xml",
                Lock::Volume,
            ),
            (
                Call::ReplaceBrickStatus {
                    volume: volume(),
                    source: brick("node-b:/bricks/r1"),
                    target: brick("node-b:/bricks/r2"),
                },
                "--mode=script volume replace-brick dist node-b:/bricks/r1 node-b:/bricks/r2 status --xml",
                Lock::Volume,
            ),
            (
                Call::HealInfoSummary { volume: volume() },
                "--mode=script volume heal dist info summary --xml",
                Lock::None,
            ),
        ] {
            assert_eq!(line(&call), words);
            assert_eq!(call.lock(), lock, "{words}");
        }
        let words = Call::PoolList.arguments(Some(20)).unwrap();
        assert_eq!(words[1], "--timeout=20");
    }

    #[test]
    fn a_name_that_gluster_would_not_take_reaches_no_command() {
        for name in ["", "all", "-x", "a b"] {
            let call = Call::RebalanceStatus { volume: name.to_owned() };
            let error = call.arguments(None).unwrap_err();
            assert_eq!(error.kind, GlusterErrorKind::NoSuchVolume, "{name:?}");
        }
        let call = Call::RemoveBrickStatus { volume: "dist".into(), bricks: vec![brick("--help:/b")] };
        assert_eq!(call.arguments(None).unwrap_err().kind, GlusterErrorKind::WrongBrick);
    }
}
