//! Commands that change a volume, and what is sure about how they went.

use hod_core::error::GlusterErrorKind;

use crate::gluster::change::{Change, Undone};
use crate::gluster::command::Call;
use crate::gluster::read::task_status::{self, TaskReply};
use crate::gluster::refusal;

use super::GlusterCli;

impl GlusterCli {
    /// Changes a volume, when it is the command's turn. Gluster is told no time-out:
    /// its own is 120 s, and a longer one would keep the volume locked for longer
    /// after a peer has frozen.
    ///
    /// If the returned future is dropped, the process is killed, and what it was to
    /// change may happen or not.
    ///
    /// # Errors
    /// Whether it was refused, or is not known to have been done.
    pub async fn change(&self, change: &Change) -> Result<TaskReply, Undone> {
        let call = Call::Change(change.clone());
        call.arguments(None).map_err(Undone::Refused)?;
        let mut certain = false;
        let read = |output: &_| {
            let answer = task_status::change(output, change.answer_tag());
            certain = answer.as_ref().is_err_and(|refusal| refusal::is_certain(output, refusal));
            answer
        };
        let answer = self.run(&call, self.settings.change_deadline, None, read).await;
        answer.map_err(|error| match certain || error.kind == GlusterErrorKind::NotRun {
            true => Undone::Refused(error),
            false => Undone::Unknown(error),
        })
    }
}
