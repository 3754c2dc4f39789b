//! What operators have hod do: oVirt's GlusterAsyncCommandBase, and its kin.
//!
//! # How a command runs
//!
//! A command that starts something is a [`runner::Command`], a file of its own: its
//! `step_type`, its checks, what it intends, and `execute_and_return_task`. Everything
//! else is common, and done by the one [`runner`], in this order:
//!
//! 1. **Check.** [`gather`] puts together what is recorded, what the hosts say now,
//!    and what the agents tell of the bricks; the command's checks (pure, in
//!    [`hod_core::command::checks`]) say all that is wrong at once. A dry run ends here.
//! 2. **Open.** In one transaction: the volume's lock, the job, its steps, the
//!    intention. Of two operators one wins, by the lock's primary key. The call
//!    returns the ids now; the rest is done in a task of its own.
//! 3. **Act.** One agent is asked, under the intention's id.
//! 4. **Record** what it answered.
//! 5. **Hand over**: the sync is woken. Its plan adopts the task that is now there, or
//!    settles the intention by what Gluster's own state tells.
//!
//! Every point between two of these is a [`fault::FaultPoint`], at which tests let the
//! process die. A coordinator that starts anew never acts on an intention that it
//! finds: whether the agent had been asked is not known, and only Gluster can tell.
//!
//! A command that ends what is there (stop, pause, commit, force) is an
//! [`ending::Ending`]: it makes no job, and what Gluster refuses leaves job and lock
//! untouched. What ends by it is found by the sync, as if typed into Gluster's own
//! command line.
//!
//! Adding a command is adding a file here, and a row in `api/commands.rs`.
//!
//! # What goes on by itself
//!
//! [`housekeeping`] does what follows from commands later: it puts the throttle back,
//! keeps to windows, commits what asked for it, watches heals, and finds replacements
//! of bricks that were typed into Gluster's own command line.

mod advice;
pub mod agents;
pub mod ending;
pub mod fault;
pub mod gather;
pub mod housekeeping;
pub mod refusal;
mod resolve;
pub mod runner;
mod shown;
mod throttle;
mod walk;

pub mod abandon_job;
pub mod commit_remove_brick;
pub mod force_remove_brick;
pub mod lower_replica_count;
pub mod pause_rebalance;
pub mod pause_remove_brick;
pub mod replace_brick;
pub mod reset_brick;
pub mod resume_rebalance;
pub mod resume_remove_brick;
pub mod set_windows;
pub mod start_rebalance;
pub mod start_remove_brick;
pub mod stop_rebalance;
pub mod stop_remove_brick;

use std::sync::Arc;
use std::time::Duration;

use hod_core::id::{JobId, StepId};
use tokio_util::task::TaskTracker;

use crate::store::{Lease, Pool, Store};
use crate::sync::Sync;

pub use refusal::Refusal;
pub use shown::Shown;

/// A lease that is about to be taken is waited for so long.
const LEASE: Duration = Duration::from_secs(3);

/// Why nothing was run, where another coordinator may have taken the pool meanwhile.
const NOT_HELD: &str = "this coordinator may not hold the pool any more";

/// What commands are run with.
pub struct Commands {
    store: Arc<dyn Store>,
    sync: Arc<Sync>,
    /// What has been opened and is being acted on.
    tasks: TaskTracker,
}

/// Who asks for something to be done, with which volume.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The pool.
    pub pool: Pool,
    /// The volume's name or id.
    pub volume: String,
    /// Who asks.
    pub actor: String,
    /// Only to check, and to show the plan.
    pub dry_run: bool,
}

/// What a command made.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// The job; none for a dry run.
    pub job: Option<JobId>,
    /// The sub-step that carries the task.
    pub step: Option<StepId>,
    /// What is done now, in words.
    pub message: String,
    /// For a dry run: the plan.
    pub plan: Option<Shown>,
}

impl Commands {
    /// Commands over a record and its pools.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, sync: Arc<Sync>) -> Arc<Self> {
        Arc::new(Self { store, sync, tasks: TaskTracker::new() })
    }

    /// Waits for what is being acted on. What is opened meanwhile is waited for too.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The pool's lease, without which nothing is begun. Right after a start, or after a
    /// pool was added, it is waited for.
    pub(crate) async fn lease(&self, pool: &Pool) -> Result<Lease, Refusal> {
        let me = &self.sync.rules().coordinator.name;
        let held_by_another = !pool.holder_address.is_empty() && pool.holder != *me;
        let lease = match self.sync.live(pool.id) {
            Some(live) if held_by_another => live.tenure().lease(),
            Some(live) => live.tenure().lease_within(LEASE).await,
            None => None,
        };
        lease.ok_or_else(|| Refusal::NotHeld {
            pool: pool.name.clone(),
            holder: if held_by_another { pool.holder.clone() } else { String::new() },
            address: if held_by_another { pool.holder_address.clone() } else { String::new() },
        })
    }

    /// Whether a pool is held, as it was all the time since something was gathered. To be
    /// asked right before an agent is: a coordinator that was frozen in between must not act.
    fn holds(&self, known: &gather::Known) -> bool {
        let live = self.sync.live(known.pool.id);
        live.and_then(|live| live.tenure().lease()) == Some(known.lease)
    }

    /// The sync of a pool looks again at once.
    fn wake(&self, pool: &Pool) {
        if let Some(live) = self.sync.live(pool.id) {
            live.wake();
        }
    }
}
