//! The hours in which a volume's rebalance may run.

use std::collections::BTreeMap;

use deadpool_postgres::GenericClient;
use hod_core::event::{EventDraft, Severity};
use hod_core::id::{PoolId, VolumeId};
use hod_core::lease::Lease;
use newtype_uuid::GenericUuid as _;
use tokio_postgres::Row;

use super::super::convert::Columns as _;
use super::super::sql::Sql;
use super::super::{events, lease, volumes};
use crate::store::command_model::VolumeWindow;
use crate::store::error::{Result, StoreError};

const DROP: Sql =
    Sql::new("drop_windows", "DELETE FROM volume_windows WHERE pool_id = $1 AND volume_id = $2");
const INSERT: Sql = Sql::new(
    "insert_window",
    "INSERT INTO volume_windows (pool_id, volume_id, position, weekdays, begins, ends, zone)
     VALUES ($1, $2, $3, $4, $5::text::time, $6::text::time, $7)",
);
const LIST: Sql = Sql::new(
    "windows",
    "SELECT w.volume_id, w.weekdays, to_char(w.begins, 'HH24:MI') AS begins, to_char(w.ends, 'HH24:MI') AS ends,
            w.zone
     FROM volume_windows w WHERE w.pool_id = $1 ORDER BY w.volume_id, w.position",
);

/// With its event.
pub(super) async fn set<C: GenericClient>(
    client: &C,
    by: Lease,
    volume: VolumeId,
    windows: &[VolumeWindow],
    actor: &str,
) -> Result<()> {
    lease::prove(client, by).await?;
    let pool = by.pool;
    let (volume, name) = volumes::present(client, pool, &volume.into_untyped_uuid().to_string()).await?;
    put(client, pool, volume, windows).await?;
    let message = if windows.is_empty() {
        format!("Volume {name} may be rebalanced at any time")
    } else {
        let windows: Vec<String> = windows.iter().map(in_words).collect();
        format!("Volume {name} may be rebalanced {}", windows.join(", and "))
    };
    let event = EventDraft {
        severity: Severity::Info,
        kind: "windows-set",
        message,
        volume: Some(volume),
        job: None,
        actor: actor.to_owned(),
    };
    events::record(client, pool, [&event]).await
}

/// Such as "on Fri, Sat from 22:00 to 06:00 (Europe/Berlin)".
fn in_words(window: &VolumeWindow) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let days: Vec<&str> =
        (1..).zip(DAYS).filter(|(d, _)| window.weekdays.contains(d)).map(|(_, d)| d).collect();
    let days = if days.is_empty() { "every day".to_owned() } else { format!("on {}", days.join(", ")) };
    format!("{days} from {} to {} ({})", window.begin, window.end, window.zone)
}

/// In place of those that are there.
pub(super) async fn put<C: GenericClient>(
    client: &C,
    pool: PoolId,
    volume: VolumeId,
    windows: &[VolumeWindow],
) -> Result<()> {
    let (pool, volume) = (pool.as_untyped_uuid(), volume.as_untyped_uuid());
    DROP.execute(client, &[pool, volume]).await?;
    for (position, window) in (0_i32..).zip(windows) {
        let read = window.read().map_err(|e| StoreError::invalid(e.field, e.problem))?;
        let weekdays: Vec<i16> =
            read.weekdays.iter().map(|day| i16::from(day.to_monday_one_offset())).collect();
        let (begin, end) = (read.begin.strftime("%H:%M").to_string(), read.end.strftime("%H:%M").to_string());
        INSERT.execute(client, &[pool, volume, &position, &weekdays, &begin, &end, &window.zone]).await?;
    }
    Ok(())
}

pub(super) async fn list<C: GenericClient>(
    client: &C,
    pool: PoolId,
) -> Result<BTreeMap<VolumeId, Vec<VolumeWindow>>> {
    let mut windows: BTreeMap<VolumeId, Vec<VolumeWindow>> = BTreeMap::new();
    for row in LIST.rows(client, &[pool.as_untyped_uuid()]).await? {
        windows.entry(row.id("volume_id")?).or_default().push(one(&row)?);
    }
    Ok(windows)
}

fn one(row: &Row) -> Result<VolumeWindow> {
    let weekdays: Vec<i16> = row.value("weekdays")?;
    Ok(VolumeWindow {
        weekdays: weekdays.into_iter().map(|day| u32::from(day.unsigned_abs())).collect(),
        begin: row.value("begins")?,
        end: row.value("ends")?,
        zone: row.value("zone")?,
    })
}
