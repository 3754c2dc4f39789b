//! What the store takes and gives for commands, where `hod-core` has no type for it.

use std::collections::{BTreeMap, BTreeSet};

use hod_core::brick::TaskBrick;
use hod_core::command::intention::Intended;
use hod_core::command::window::{NotAWindow, Window};
use hod_core::event::Severity;
use hod_core::id::{HostId, JobId, PoolId, StepId, TaskId, VolumeId};
use hod_core::job::StepType;
use hod_core::record::{Attention, PartRecord};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A command that has been checked, to be recorded before an agent is asked.
#[derive(Clone, Debug)]
pub struct NewCommand {
    /// The pool.
    pub pool: PoolId,
    /// The volume it is about.
    pub volume: VolumeId,
    /// Which command, a word for scripts, such as `rebalance-start`.
    pub action: String,
    /// What the job does, in words; not blank.
    pub description: String,
    /// The sub-step that is to carry the task: REBALANCING_VOLUME, REMOVING_BRICKS
    /// or REPLACING_BRICK.
    pub step_type: StepType,
    /// Who asked.
    pub actor: String,
    /// What an agent will be asked for. Ids that the volume's tasks had before are
    /// completed by the ones recorded; the run is the first.
    pub intended: Intended,
    /// When the checks began, by the database's clock ([`Store::now`]).
    ///
    /// [`Store::now`]: super::Store::now
    pub began_at: Timestamp,
    /// The volume's windows from now on. `None`: as they are.
    pub windows: Option<Vec<VolumeWindow>>,
    /// An option that is about to be set for the task, to be put back after it.
    pub throttle: Option<NewThrottle>,
    /// Whether a remove-brick is committed by itself once the gate is open.
    pub auto_commit: bool,
}

/// A paused task that is to go on.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The sub-step that carries it.
    pub step: StepId,
    /// Ids of tasks that the volume's hosts hold now: not to be taken for the new
    /// one. Those that are recorded need not be named.
    pub before: BTreeSet<TaskId>,
    /// Who asked.
    pub actor: String,
}

/// Something an operator had hod do, to be told as an event of a job.
#[derive(Clone, Debug)]
pub struct CommandEvent {
    /// How much it matters.
    pub severity: Severity,
    /// A word for scripts, such as `command` or `command-refused`.
    pub kind: &'static str,
    /// What happened, to what, in words.
    pub message: String,
    /// Who asked.
    pub actor: String,
}

/// Hours in which a volume's rebalance may run, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeWindow {
    /// The days on which it begins, 1 (Monday) to 7; none: every day.
    pub weekdays: Vec<u32>,
    /// When it begins, HH:MM.
    pub begin: String,
    /// When it ends, HH:MM; on the next day if that is not after the begin.
    pub end: String,
    /// Whose clock, such as "Europe/Berlin".
    pub zone: String,
}

impl VolumeWindow {
    /// The window to be asked whether it is open. Looks the zone up in the machine's
    /// time zone files.
    ///
    /// # Errors
    /// Names the field that can't be read.
    pub fn read(&self) -> Result<Window, NotAWindow> {
        let zone = TimeZone::get(&self.zone).map_err(|_| NotAWindow {
            field: "time_zone",
            problem: format!(
                "{:?} is no time zone that is known here; say one such as UTC or Europe/Berlin",
                self.zone
            ),
        })?;
        Window::read(&self.weekdays, &self.begin, &self.end, zone)
    }
}

/// `cluster.rebal-throttle` as it is about to be set for a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewThrottle {
    /// The value that is set.
    pub set: String,
    /// The value that is to be put back. `None`: the option was not set.
    pub previous: Option<String>,
}

/// A throttle that hod has set, or was about to set, and owes to put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// The pool.
    pub pool: PoolId,
    /// The volume.
    pub volume: VolumeId,
    /// The job it was set for. `None`: the job was cleared from the record.
    pub job: Option<JobId>,
    /// Whether that job is under way: it is put back after.
    pub job_open: bool,
    /// The value that was set.
    pub set: String,
    /// The value that is to be put back. `None`: the option is to be reset.
    pub previous: Option<String>,
    /// How far it went.
    pub state: ThrottleState,
}

/// How far the setting of a throttle went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleState {
    /// It was about to be set; whether it was is not known.
    Intended,
    /// Gluster took it.
    Set,
}

impl ThrottleState {
    /// The word for it in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Intended => "INTENDED",
            Self::Set => "SET",
        }
    }
}

/// A replacement or reset of a brick that was found done, by Gluster's own command line.
#[derive(Clone, Debug)]
pub struct FoundHeal {
    /// The pool.
    pub pool: PoolId,
    /// The volume.
    pub volume: VolumeId,
    /// An id that hod makes for it. Made from what was found, so that finding it
    /// twice makes one job.
    pub task: TaskId,
    /// What the job does, in words; not blank.
    pub description: String,
    /// Whether it is the same brick anew.
    pub reset: bool,
    /// The brick that is healed.
    pub brick: TaskBrick,
    /// Who did it, where a history tells.
    pub actor: String,
}

/// How a heal stands.
#[derive(Clone, Debug, Default)]
pub struct HealProgress {
    /// The hosts' parts, all of them.
    pub parts: BTreeMap<HostId, PartRecord>,
    /// What an operator should know.
    pub attention: Vec<Attention>,
    /// What the job waits for, in words.
    pub message: String,
}
