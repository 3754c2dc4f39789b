//! Gives a job up that can't end otherwise.

use hod_core::id::JobId;

use super::{Commands, Receipt, Refusal};
use crate::store::StoreError;

impl Commands {
    /// Ends a job as UNKNOWN, by whom and why.
    ///
    /// # Errors
    /// If the reason is blank, there is no such job, or it has ended.
    pub async fn abandon(&self, job: JobId, actor: &str, reason: &str) -> Result<Receipt, Refusal> {
        if reason.trim().is_empty() {
            let message = "is needed, and must not be blank: say why it is given up";
            return Err(StoreError::invalid("reason", message).into());
        }
        let ended = self.store.abandon_job(job, actor, reason).await?;
        if let Some(live) = self.sync.live(ended.pool) {
            live.wake();
        }
        let message = format!("job {job} was given up: how it ended is not known");
        Ok(Receipt { job: Some(job), step: None, message, plan: None })
    }
}
