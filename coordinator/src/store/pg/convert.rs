//! Between columns and types: ids, times, durations, counts, and enums by their word.

use std::error::Error;
use std::time::Duration;

use hod_core::brick::{Brick, BrickName};
use hod_core::event::Severity;
use hod_core::id::HostId;
use hod_core::job::{JobStatus, StepType};
use hod_core::record::HostState;
use hod_core::task::{PartStatus, TaskStatus, TaskType};
use hod_core::volume::VolumeStatus;
use jiff::Timestamp;
use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

use crate::store::command_model::ThrottleState;
use crate::store::error::{Result, StoreError};
use crate::store::model::Follow;

/// A row's columns by name, read as hod's types.
pub(super) trait Columns {
    fn value<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T>;

    fn id<K: TypedUuidKind>(&self, column: &str) -> Result<TypedUuid<K>> {
        Ok(TypedUuid::from_untyped_uuid(self.value(column)?))
    }

    fn maybe_id<K: TypedUuidKind>(&self, column: &str) -> Result<Option<TypedUuid<K>>> {
        let id: Option<Uuid> = self.value(column)?;
        Ok(id.map(TypedUuid::from_untyped_uuid))
    }

    fn time(&self, column: &str) -> Result<Timestamp> {
        Ok(self.value::<Time>(column)?.0)
    }

    fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>> {
        let time: Option<Time> = self.value(column)?;
        Ok(time.map(|t| t.0))
    }

    fn word<T: Word>(&self, column: &str) -> Result<T> {
        parse(self.value(column)?)
    }

    fn count(&self, column: &str) -> Result<u64> {
        let count: i64 = self.value(column)?;
        u64::try_from(count).map_err(|_| out_of_range(column, count))
    }

    fn small(&self, column: &str) -> Result<u32> {
        let count: i64 = self.value(column)?;
        u32::try_from(count).map_err(|_| out_of_range(column, count))
    }
}

impl Columns for Row {
    fn value<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T> {
        self.try_get(column).map_err(|e| StoreError::Unreadable(format!("column {column}: {e}")))
    }
}

/// A small count as a column kept it.
pub(super) fn small(column: &str, count: i32) -> Result<u32> {
    u32::try_from(count).map_err(|_| out_of_range(column, count.into()))
}

fn out_of_range(column: &str, count: i64) -> StoreError {
    StoreError::Unreadable(format!("column {column}: {count} is out of range"))
}

/// Ids as PostgreSQL takes them.
pub(super) fn uuids<'a, K: TypedUuidKind + 'a>(ids: impl IntoIterator<Item = &'a TypedUuid<K>>) -> Vec<Uuid> {
    ids.into_iter().map(|id| id.into_untyped_uuid()).collect()
}

/// A time as PostgreSQL keeps it: whole microseconds, from 2000 on and before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Timestamp);

/// From 1970 to 2000, in microseconds.
const TO_2000: i64 = 946_684_800_000_000;

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl ToSql for Time {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&(self.0.as_microsecond() - TO_2000).to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn Error + Sync + Send>> {
        let since_2000 = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_microsecond(since_2000.saturating_add(TO_2000))?))
    }

    accepts!(TIMESTAMPTZ);
}

/// Nanoseconds as a column keeps them.
pub(super) fn nanoseconds(what: &str, span: Duration) -> Result<i64> {
    i64::try_from(span.as_nanos()).map_err(|_| too_large(what))
}

/// Nanoseconds as a column kept them.
pub(super) fn duration(nanoseconds: i64) -> Result<Duration> {
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| out_of_range("a duration", nanoseconds))
}

/// A count as a column keeps it.
pub(super) fn bigint(what: &str, count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| too_large(what))
}

/// A small count as a column keeps it.
pub(super) fn integer(what: &str, count: u32) -> Result<i32> {
    i32::try_from(count).map_err(|_| too_large(what))
}

fn too_large(what: &str) -> StoreError {
    StoreError::Refused(format!("{what} is larger than can be recorded"))
}

/// A brick's name as recorded.
pub(super) fn brick_name(text: &str) -> Result<BrickName> {
    BrickName::parse(text).map_err(|e| StoreError::Unreadable(e.to_string()))
}

/// A brick as recorded, where it is known.
pub(super) fn brick(host: Option<HostId>, path: Option<String>) -> Option<Brick> {
    Some(Brick { host: host?, path: path? })
}

/// A task's type from its columns.
pub(super) fn task_type(row: &Row) -> Result<Option<TaskType>> {
    let word: Option<&str> = row.value("task_type")?;
    Ok(match word {
        None => None,
        Some("REBALANCE") => Some(TaskType::Rebalance { fix_layout: row.value("fix_layout")? }),
        Some("REMOVE_BRICK") => Some(TaskType::RemoveBrick),
        Some("REPLACE_BRICK") => Some(TaskType::ReplaceBrick { reset: row.value("reset")? }),
        Some("OTHER") => Some(TaskType::Other(row.value("type_name")?)),
        Some(word) => return Err(unknown("task type", word)),
    })
}

/// An enum that has a word for each of its values.
pub(super) trait Word: Copy + 'static {
    const WHAT: &'static str;
    const ALL: &'static [Self];
    fn code(self) -> &'static str;
}

fn parse<T: Word>(word: &str) -> Result<T> {
    T::ALL.iter().copied().find(|value| value.code() == word).ok_or_else(|| unknown(T::WHAT, word))
}

fn unknown(what: &str, word: &str) -> StoreError {
    StoreError::Unreadable(format!("{word:?} is no {what} that this version knows"))
}

macro_rules! words {
    ($($type:ident, $what:literal: $($value:ident)+;)*) => {$(
        impl Word for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[$(Self::$value),+];
            fn code(self) -> &'static str {
                $type::code(self)
            }
        }
    )*};
}

words! {
    HostState, "state of a host": Answering GlusterdDown Silent Left Refused;
    JobStatus, "status of a job": Started Finished Failed Aborted Unknown;
    StepType, "type of a step": Validating Executing Finalizing RebalancingVolume RemovingBricks ReplacingBrick UnknownTask;
    TaskStatus, "status of a task": Running Failed Completed Aborted Paused Unknown;
    PartStatus, "status of a host's part": NotStarted InProgress Stopped Completed Failed Reset Unknown;
    Severity, "severity": Info Warning Error;
    Follow, "way to follow": Normal Quiet;
}

impl Word for ThrottleState {
    const WHAT: &'static str = "state of a throttle";
    const ALL: &'static [Self] = &[Self::Intended, Self::Set];
    fn code(self) -> &'static str {
        Self::code(self)
    }
}

impl Word for VolumeStatus {
    const WHAT: &'static str = "status of a volume";
    const ALL: &'static [Self] = &[Self::Created, Self::Started, Self::Stopped, Self::Unknown];
    fn code(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Started => "STARTED",
            Self::Stopped => "STOPPED",
            Self::Unknown => "UNKNOWN",
        }
    }
}
