//! Events of commands on jobs that are there.

use deadpool_postgres::GenericClient;
use hod_core::id::JobId;
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;

use super::super::convert::Columns as _;
use super::super::lease::Writer;
use super::super::seen::Seen;
use super::super::sql::Sql;
use crate::store::command_model::CommandEvent;
use crate::store::error::Result;

const LAST: Sql = Sql::new(
    "last_event_of_kind",
    "SELECT message FROM events WHERE job_id = $1 AND kind = $2 ORDER BY number DESC LIMIT 1",
);

pub(super) async fn tell<C: GenericClient>(
    client: &C,
    by: Lease,
    job: JobId,
    event: &CommandEvent,
) -> Result<()> {
    let seen = Seen::lock(client, Writer::Holder(by), job).await?;
    seen.tell(client, event.severity, event.kind, event.message.clone(), &event.actor).await
}

pub(super) async fn once<C: GenericClient>(
    client: &C,
    by: Lease,
    job: JobId,
    event: &CommandEvent,
) -> Result<bool> {
    let seen = Seen::lock(client, Writer::Holder(by), job).await?;
    if let Some(row) = LAST.maybe(client, &[job.as_untyped_uuid(), &event.kind]).await?
        && row.value::<&str>("message")? == event.message
    {
        return Ok(false);
    }
    seen.tell(client, event.severity, event.kind, event.message.clone(), &event.actor).await?;
    Ok(true)
}
