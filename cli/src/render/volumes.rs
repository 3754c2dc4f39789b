//! `hod volumes`.

use hod_proto::coordinator::v1::PoolVolume;
use hod_proto::types::v1::Volume;

use crate::text::Look;
use crate::text::age::{since, span, time};
use crate::text::number::count;
use crate::text::table::{Fit, Table, cell};
use crate::text::words::volume_status;

use super::{attention, several, short, short_length};

/// The table of volumes, and below it what keeps hod from looking at some.
#[must_use]
pub fn table(volumes: &[PoolVolume], look: &Look) -> String {
    if volumes.is_empty() {
        return "No volumes.\n".to_owned();
    }
    let pools = several(volumes.iter().map(|volume| volume.pool.as_str()));
    let length = short_length(volumes.iter().map(|volume| volume.locked_by_job.as_str()));
    let mut table = Table::new()
        .column("VOLUME", Fit::Cut)
        .column("POOL", Fit::Cut)
        .column("STATUS", Fit::Whole)
        .column("KIND", Fit::Cut)
        .column("SHAPE", Fit::Whole)
        .numbers("BRICKS")
        .column("HELD BY JOB", Fit::Whole);
    let nothing = Volume::default();
    for volume in volumes {
        let told = volume.volume.as_ref().unwrap_or(&nothing);
        table.row([
            cell(&told.name),
            cell(if pools { volume.pool.as_str() } else { "" }),
            volume_status(told.status()).into(),
            cell(&told.kind),
            cell(shape(told)),
            cell(count(told.bricks.len() as u64)),
            cell(short(&volume.locked_by_job, length)),
        ]);
    }
    let mut text = table.render(look);
    for volume in volumes {
        if !volume.trouble.is_empty() {
            text.push_str(&attention::warning(&trouble(volume, look), look));
        }
    }
    text
}

fn trouble(volume: &PoolVolume, look: &Look) -> String {
    let name = volume.volume.as_ref().map_or("", |told| &told.name);
    let held = time(volume.trouble_since.as_ref())
        .and_then(|then| since(then, look.now))
        .map(|length| format!(" (for {})", span(length)))
        .unwrap_or_default();
    format!("{name}: {}{held}", volume.trouble)
}

/// How the bricks are laid out, as Gluster writes it: "2 x (2 + 1)".
fn shape(volume: &Volume) -> String {
    let set = if volume.disperse_count > 0 {
        let data = volume.disperse_count.saturating_sub(volume.redundancy_count);
        format!("({data} + {})", volume.redundancy_count)
    } else if volume.arbiter_count > 0 {
        let data = volume.replica_count.saturating_sub(volume.arbiter_count);
        format!("({data} + {})", volume.arbiter_count)
    } else if volume.replica_count > 1 {
        volume.replica_count.to_string()
    } else {
        return String::new();
    };
    match volume.distribute_count {
        0 => set,
        distribute => format!("{distribute} x {set}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::examples::{at, brick, look};
    use hod_proto::types::v1::VolumeStatus;

    fn volume(name: &str, kind: &str, status: VolumeStatus) -> PoolVolume {
        PoolVolume {
            pool: "prod".to_owned(),
            volume: Some(Volume {
                name: name.to_owned(),
                kind: kind.to_owned(),
                status: status.into(),
                distribute_count: 2,
                replica_count: 1,
                bricks: vec![brick("node-a", "/bricks/b1"), brick("node-b", "/bricks/b1")],
                ..Volume::default()
            }),
            ..PoolVolume::default()
        }
    }

    #[test]
    fn volumes_of_every_kind() {
        let mut held = volume("gv0", "Distribute", VolumeStatus::Started);
        held.locked_by_job = "1a2b3c4d-0000-5000-8000-000000000001".to_owned();
        let mut arbiter = volume("arb", "Distributed-Replicate", VolumeStatus::Started);
        let told = arbiter.volume.as_mut().unwrap();
        (told.replica_count, told.arbiter_count) = (3, 1);
        let mut stopped = volume("old-volume", "Disperse", VolumeStatus::Stopped);
        let told = stopped.volume.as_mut().unwrap();
        (told.disperse_count, told.redundancy_count) = (6, 2);
        stopped.trouble = "the volume is stopped: Gluster tells nothing of its task".to_owned();
        stopped.trouble_since = at(-130);
        let nothing = PoolVolume::default();
        let volumes = [held, arbiter, stopped, nothing];
        insta::assert_snapshot!(table(&volumes, &look()));
    }
}
