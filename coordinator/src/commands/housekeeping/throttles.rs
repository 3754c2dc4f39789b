//! Puts `cluster.rebal-throttle` back after the job that it was set for, if it is
//! still what hod set.

use async_trait::async_trait;
use hod_core::event::Severity;
use hod_proto::convert::agent::Outcome;
use tracing::info;
use uuid::Uuid;

use super::{Chore, House};
use crate::commands::gather::Needs;
use crate::commands::refusal::in_words;
use crate::commands::{Refusal, throttle};
use crate::store::{CommandEvent, StoreError, Throttle};

pub(super) struct Throttles;

#[async_trait]
impl Chore for Throttles {
    fn name(&self) -> &'static str {
        "putting throttles back"
    }

    fn on_news(&self) -> bool {
        true
    }

    async fn run(&mut self, house: &House) -> Result<(), Refusal> {
        let mut failed = Ok(());
        for owed in house.commands.store.throttles(house.pool.id).await? {
            if !owed.job_open
                && let Err(e) = put_back(house, &owed).await
            {
                failed = Err(e);
            }
        }
        failed
    }
}

async fn put_back(house: &House, owed: &Throttle) -> Result<(), Refusal> {
    let store = &house.commands.store;
    let known = match Box::pin(house.commands.gather(&house.pool, &owed.volume.to_string(), Needs::default()))
        .await
    {
        Ok(known) => known,
        // A volume that is gone has no options; the record forgets it with the volume.
        Err(Refusal::Store(StoreError::NotFound { .. })) => return Ok(()),
        Err(e) => return Err(e),
    };
    let volume = &known.volume;
    let now = volume.options.get(throttle::OPTION);
    if now != Some(&owed.set) {
        // Never set, put back before a crash, or set to something else by an operator.
        store.remove_throttle(known.lease, owed).await?;
        return Ok(());
    }
    let acting = known.agents.acting(Uuid::new_v4()).await.map_err(Refusal::NoAgent)?;
    match throttle::put(&acting, &volume.name, owed.previous.as_deref()).await {
        Outcome::Done { .. } => {}
        Outcome::Refused(error) => return Err(Refusal::Gluster { subject: volume.name.clone(), error }),
        Outcome::Unknown(why) => return Err(Refusal::NoAgent(why)),
    }
    store.remove_throttle(known.lease, owed).await?;
    let to = owed.previous.as_deref().unwrap_or("unset, as it was");
    let message = format!("{} of {} was put back: {to}", throttle::OPTION, volume.name);
    info!(pool = %house.pool.name, "{message}");
    if let Some(job) = owed.job {
        let event = CommandEvent {
            severity: Severity::Info,
            kind: "throttle-put-back",
            message,
            actor: "hod".to_owned(),
        };
        store.record_command(known.lease, job, &event).await?;
    }
    Ok(())
}

/// What a refusal says, for events.
pub(super) fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Gluster { error, .. } => in_words(error),
        other => other.to_string(),
    }
}
