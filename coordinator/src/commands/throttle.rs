//! How fast a task moves files: an option that hod sets for a task and puts back.

use hod_core::volume::Volume;
use hod_proto::agent::v1 as pb;
use hod_proto::convert::agent::Outcome;

use super::agents::Acting;
use crate::store::NewThrottle;

/// Gluster's option.
pub(super) const OPTION: &str = "cluster.rebal-throttle";
/// What Gluster goes by where it is not set.
const DEFAULT: &str = "normal";

/// What is to be set for a task, and put back after it; nothing where it is so already.
pub(super) fn wanted(volume: &Volume, word: Option<&str>) -> Option<NewThrottle> {
    let word = word?;
    let now = volume.options.get(OPTION);
    let is_so = now.map_or(DEFAULT, String::as_str) == word;
    (!is_so).then(|| NewThrottle { set: word.to_owned(), previous: now.cloned() })
}

/// Sets it; `None`: resets it.
pub(super) async fn put(acting: &Acting, volume: &str, value: Option<&str>) -> Outcome {
    let mut client = acting.agent.client.clone();
    let (request_id, volume, name) = (acting.request.to_string(), volume.to_owned(), OPTION.to_owned());
    let lease = Some(acting.lease.into());
    match value {
        Some(value) => {
            let value = value.to_owned();
            let request = pb::SetVolumeOptionRequest { request_id, volume, name, value, lease };
            acting.run(client.set_volume_option(request), |answer| answer.outcome).await
        }
        None => {
            let request = pb::ResetVolumeOptionRequest { request_id, volume, name, lease };
            acting.run(client.reset_volume_option(request), |answer| answer.outcome).await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hod_core::volume::VolumeStatus;
    use newtype_uuid::GenericUuid as _;

    use super::*;

    fn volume(throttle: Option<&str>) -> Volume {
        Volume {
            id: hod_core::id::VolumeId::from_untyped_uuid(uuid::Uuid::nil()),
            name: "dist".into(),
            status: VolumeStatus::Started,
            kind: String::new(),
            distribute_count: 1,
            replica_count: 1,
            arbiter_count: 0,
            disperse_count: 0,
            redundancy_count: 0,
            bricks: Vec::new(),
            options: throttle
                .map(|t| (OPTION.to_owned(), t.to_owned()))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn what_is_so_already_is_not_set() {
        let set = |now, word: &str| wanted(&volume(now), Some(word)).map(|t| (t.set, t.previous));
        assert_eq!(set(None, "lazy"), Some(("lazy".into(), None)));
        assert_eq!(set(Some("aggressive"), "normal"), Some(("normal".into(), Some("aggressive".into()))));
        assert_eq!(set(Some("lazy"), "lazy"), None);
        assert_eq!(set(None, "normal"), None);
        assert_eq!(wanted(&volume(None), None), None);
    }
}
