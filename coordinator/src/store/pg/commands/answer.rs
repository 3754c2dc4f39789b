//! What an agent answered to an intention.

use deadpool_postgres::GenericClient;
use hod_core::command::intention::Answer;
use hod_core::id::{IntentionId, PoolId};
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;
use uuid::Uuid;

use super::super::convert::Columns as _;
use super::super::lease;
use super::super::sql::Sql;
use crate::store::error::{Result, StoreError};

const POOL: Sql = Sql::new("pool_of_intention", "SELECT pool_id FROM intentions WHERE id = $1");
/// What was not known may still be told; what was told is not overwritten.
const ANSWER: Sql = Sql::new(
    "answer_intention",
    "WITH told AS (
         UPDATE intentions
         SET answer = $2::text::intention_answer, answer_task = $3, answer_words = $4,
             answered_at = clock_timestamp()
         WHERE id = $1 AND coalesce(answer, 'UNKNOWN') = 'UNKNOWN'
     )
     SELECT settled_at IS NULL AS open FROM intentions WHERE id = $1",
);

pub(super) async fn answer<C: GenericClient>(
    client: &C,
    by: Lease,
    id: IntentionId,
    answer: &Answer,
) -> Result<bool> {
    let missing = || StoreError::not_found("intention", id);
    let row = POOL.maybe(client, &[id.as_untyped_uuid()]).await?.ok_or_else(missing)?;
    let pool: PoolId = row.id("pool_id")?;
    if by.pool != pool {
        return Err(missing());
    }
    lease::prove(client, by).await?;
    let (word, task, words): (&str, Option<Uuid>, Option<&str>) = match answer {
        Answer::Done(task) => ("DONE", task.map(|t| t.into_untyped_uuid()), None),
        Answer::Refused(words) => ("REFUSED", None, Some(words)),
        Answer::Unknown(words) => ("UNKNOWN", None, Some(words)),
    };
    let row = ANSWER.maybe(client, &[id.as_untyped_uuid(), &word, &task, &words]).await?;
    row.ok_or_else(missing)?.value("open")
}
