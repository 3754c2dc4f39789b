//! What a request asks for, read and checked: nothing that can't be reaches Gluster.

use std::num::NonZeroU32;

use hod_core::brick::BrickName;
use hod_core::lease::Lease;
use hod_proto::agent::v1::reset_brick_request::Phase;
use hod_proto::agent::v1::{self as pb, CommandOutcome};
use hod_proto::convert::Unreadable;
use hod_proto::convert::common::id;
use uuid::Uuid;

use crate::gluster::change::{Rebalance, RemoveBrick, Throttle, VolumeOption, What};
use crate::gluster::{Change, names};

/// A request for a command.
pub(crate) trait Command {
    /// What it is answered with.
    type Response;

    /// Reads it.
    ///
    /// # Errors
    /// Names the field that can't be.
    fn read(self) -> Result<Asked, Unreadable>;

    /// The answer to it.
    fn response(outcome: CommandOutcome) -> Self::Response;
}

/// A command, the id of the request for it, and by whose right it is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(super) id: Uuid,
    /// `None`: by somebody's who is no coordinator.
    pub(super) lease: Option<Lease>,
    pub(super) change: Change,
}

macro_rules! commands {
    ($($request:ident, $response:ident: |$asked:ident| $what:expr;)*) => {$(
        impl Command for pb::$request {
            type Response = pb::$response;

            fn read(self) -> Result<Asked, Unreadable> {
                let id = request_id(&self.request_id)?;
                let volume = volume(&self.volume)?;
                let lease = self.lease.clone().map(TryInto::try_into).transpose()?;
                let $asked = self;
                Ok(Asked { id, lease, change: Change { volume, what: $what } })
            }

            fn response(outcome: CommandOutcome) -> pb::$response {
                pb::$response { outcome: Some(outcome) }
            }
        }
    )*};
}

commands! {
    StartRebalanceRequest, StartRebalanceResponse: |asked| {
        What::StartRebalance(match (asked.fix_layout, asked.force) {
            (false, false) => Rebalance::Plain,
            (false, true) => Rebalance::Force,
            (true, false) => Rebalance::FixLayout,
            (true, true) => return Err(Unreadable::new("force", "a fix-layout moves no file that could be forced")),
        })
    };
    StopRebalanceRequest, StopRebalanceResponse: |_asked| What::StopRebalance;
    StartRemoveBrickRequest, StartRemoveBrickResponse: |asked| {
        What::RemoveBrick(bricks(&asked.bricks)?, RemoveBrick::Start)
    };
    StopRemoveBrickRequest, StopRemoveBrickResponse: |asked| {
        What::RemoveBrick(bricks(&asked.bricks)?, RemoveBrick::Stop)
    };
    CommitRemoveBrickRequest, CommitRemoveBrickResponse: |asked| {
        What::RemoveBrick(bricks(&asked.bricks)?, RemoveBrick::Commit)
    };
    ForceRemoveBrickRequest, ForceRemoveBrickResponse: |asked| {
        What::ForceRemoveBrick {
            bricks: bricks(&asked.bricks)?,
            replica: NonZeroU32::new(asked.replica_count),
        }
    };
    ReplaceBrickRequest, ReplaceBrickResponse: |asked| {
        let old = brick("old_brick", &asked.old_brick)?;
        let new = brick("new_brick", &asked.new_brick)?;
        if old == new {
            return Err(Unreadable::new("new_brick", "is the old brick: ask for ResetBrick"));
        }
        What::ReplaceBrick { old, new }
    };
    ResetBrickRequest, ResetBrickResponse: |asked| {
        let brick = brick("brick", &asked.brick)?;
        match asked.phase() {
            Phase::Start => What::ResetBrickStart(brick),
            Phase::Commit => What::ResetBrickCommit(brick),
            Phase::Unspecified => return Err(Unreadable::new("phase", "has to be start or commit")),
        }
    };
    SetVolumeOptionRequest, SetVolumeOptionResponse: |asked| {
        let option = option(&asked.name)?;
        let throttle = Throttle::ALL.into_iter().find(|t| t.word() == asked.value).ok_or_else(|| {
            let words = Throttle::ALL.map(Throttle::word).join(", ");
            Unreadable::new("value", format!("{:?} is none of {words}", shown(&asked.value)))
        })?;
        What::SetOption(option, throttle)
    };
    ResetVolumeOptionRequest, ResetVolumeOptionResponse: |asked| What::ResetOption(option(&asked.name)?);
}

fn request_id(text: &str) -> Result<Uuid, Unreadable> {
    match id::<Uuid>("request_id", text)? {
        none if none.is_nil() => {
            Err(Unreadable::new("request_id", "is all zeros: give each command an id of its own"))
        }
        id => Ok(id),
    }
}

/// A volume's name that could be one.
pub(crate) fn volume(name: &str) -> Result<String, Unreadable> {
    if name.trim().is_empty() {
        return Err(Unreadable::new("volume", "is blank: name the volume"));
    }
    names::check_volume_name(name).map_err(|error| Unreadable::new("volume", error.message))?;
    Ok(name.to_owned())
}

fn brick(field: &'static str, text: &str) -> Result<BrickName, Unreadable> {
    names::brick(text).map_err(|bad| Unreadable::new(field, bad.to_string()))
}

fn bricks(texts: &[String]) -> Result<Vec<BrickName>, Unreadable> {
    names::bricks(texts).map_err(|bad| Unreadable::new("bricks", bad.to_string()))
}

fn option(name: &str) -> Result<VolumeOption, Unreadable> {
    VolumeOption::ALL.into_iter().find(|option| option.name() == name).ok_or_else(|| {
        let words = VolumeOption::ALL.map(VolumeOption::name).join(", ");
        Unreadable::new("name", format!("{:?} is no option that hod sets: only {words}", shown(name)))
    })
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "706ce875-ad40-452b-9155-aefdbb191f51";

    fn what(request: impl Command) -> String {
        let asked = request.read().unwrap();
        assert_eq!(asked.id.to_string(), ID);
        asked.change.to_string()
    }

    fn bad(request: impl Command) -> &'static str {
        request.read().unwrap_err().field
    }

    fn start() -> pb::StartRebalanceRequest {
        pb::StartRebalanceRequest {
            request_id: ID.into(),
            volume: "dist".into(),
            ..pb::StartRebalanceRequest::default()
        }
    }

    fn force(bricks: &[&str], replica_count: u32) -> pb::ForceRemoveBrickRequest {
        pb::ForceRemoveBrickRequest {
            request_id: ID.into(),
            volume: "repl".into(),
            bricks: bricks.iter().map(|b| (*b).to_owned()).collect(),
            replica_count,
            lease: None,
        }
    }

    fn reset(phase: i32) -> pb::ResetBrickRequest {
        pb::ResetBrickRequest {
            request_id: ID.into(),
            volume: "repl".into(),
            brick: "a:/b".into(),
            phase,
            lease: None,
        }
    }

    fn replace(old: &str, new: &str) -> pb::ReplaceBrickRequest {
        pb::ReplaceBrickRequest {
            request_id: ID.into(),
            volume: "repl".into(),
            old_brick: old.into(),
            new_brick: new.into(),
            lease: None,
        }
    }

    fn set(name: &str, value: &str) -> pb::SetVolumeOptionRequest {
        pb::SetVolumeOptionRequest {
            request_id: ID.into(),
            volume: "dist".into(),
            name: name.into(),
            value: value.into(),
            lease: None,
        }
    }

    #[test]
    fn what_is_asked_is_what_is_run() {
        assert_eq!(what(start()), "volume rebalance dist start");
        assert_eq!(
            what(pb::StartRebalanceRequest { fix_layout: true, ..start() }),
            "volume rebalance dist fix-layout start"
        );
        assert_eq!(
            what(pb::StartRebalanceRequest { force: true, ..start() }),
            "volume rebalance dist start force"
        );
        assert_eq!(what(force(&["a:/b", "a:/c"], 0)), "volume remove-brick repl a:/b a:/c force");
        assert_eq!(what(force(&["a:/b"], 2)), "volume remove-brick repl replica 2 a:/b force");
        assert_eq!(what(reset(1)), "volume reset-brick repl a:/b start");
        assert_eq!(what(reset(2)), "volume reset-brick repl a:/b a:/b commit force");
        assert_eq!(what(replace("a:/b", "c:/b")), "volume replace-brick repl a:/b c:/b commit force");
        assert_eq!(
            what(set("cluster.rebal-throttle", "lazy")),
            "volume set dist cluster.rebal-throttle lazy"
        );
    }

    #[test]
    fn what_can_not_be_is_named() {
        for id in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            assert_eq!(bad(pb::StartRebalanceRequest { request_id: id.into(), ..start() }), "request_id");
        }
        let lease = Some(pb::Lease::default());
        assert_eq!(bad(pb::StartRebalanceRequest { lease, ..start() }), "lease.pool_id");
        for volume in ["", " ", "all", "-x", "a b", "a;reboot"] {
            assert_eq!(bad(pb::StartRebalanceRequest { volume: volume.into(), ..start() }), "volume");
        }
        assert_eq!(bad(pb::StartRebalanceRequest { fix_layout: true, force: true, ..start() }), "force");
        for bricks in [&[][..], &["a:/b", "a:/b"], &["a:/../b"], &["/b"], &["a:/b", "--help:/b"]] {
            assert_eq!(bad(force(bricks, 0)), "bricks", "{bricks:?}");
        }
        assert_eq!(bad(replace("b", "a:/b")), "old_brick");
        assert_eq!(bad(replace("a:/b", "")), "new_brick");
        assert_eq!(bad(replace("a:/b", "a:/b")), "new_brick");
        for phase in [0, 3, -1] {
            assert_eq!(bad(reset(phase)), "phase");
        }
        assert_eq!(bad(set("nfs.disable", "on")), "name");
        assert_eq!(bad(set("cluster.rebal-throttle", "turbo")), "value");
        assert_eq!(bad(set("cluster.rebal-throttle", "lazy force")), "value");
    }
}
