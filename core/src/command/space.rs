//! How much space there is, what would move, and what is left after.
//!
//! Bricks on one filesystem count once; a replica set has the least of its data
//! bricks, arbiters hold none, a disperse set has its data count times the least.

use std::collections::BTreeMap;

use super::facts::{BrickSpace, Facts};
use crate::brick::Brick;
use crate::id::HostId;
use crate::volume::{Volume, VolumeBrick};

/// What Gluster keeps free on every brick if nothing else is set.
const MIN_FREE_DISK: &str = "10%";

/// What would move, and what is left after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpacePlan {
    /// What would move, at most: what was counted on the bricks that go, or all that
    /// their filesystems hold.
    pub to_move: u64,
    /// What the sets that stay can take, above what Gluster keeps free.
    pub room: u64,
    /// Every brick of the volume, in its order.
    pub bricks: Vec<BrickPlan>,
}

/// A brick's space before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrickPlan {
    /// The brick.
    pub brick: VolumeBrick,
    /// Before. `None`: not known.
    pub space: Option<BrickSpace>,
    /// Free bytes after. `None`: not known, or the brick goes.
    pub free_after: Option<u64>,
    /// It is taken away.
    pub goes: bool,
}

impl Volume {
    /// How many consecutive bricks form a replica or disperse set.
    #[must_use]
    pub fn set_size(&self) -> usize {
        let size = if self.disperse_count > 0 { self.disperse_count } else { self.replica_count };
        usize::try_from(size.max(1)).unwrap_or(1)
    }

    /// The replica or disperse sets; a distributed volume's sets have one brick.
    pub fn sets(&self) -> impl Iterator<Item = &[VolumeBrick]> {
        self.bricks.chunks(self.set_size())
    }

    /// How many bricks' worth of data a set holds.
    fn data_bricks(&self) -> u64 {
        if self.disperse_count > 0 {
            u64::from(self.disperse_count.saturating_sub(self.redundancy_count).max(1))
        } else {
            1
        }
    }
}

impl SpacePlan {
    /// Whether what would move, at most, finds room.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.to_move <= self.room
    }
}

/// The plan for taking away the sets that hold the given bricks. `None` where the
/// space of a brick that matters is not known.
#[must_use]
pub fn plan(facts: &Facts<'_>, going: &[Brick]) -> Option<SpacePlan> {
    let volume = facts.volume;
    let goes = |b: &VolumeBrick| b.brick.as_ref().is_some_and(|b| going.contains(b));
    let data = |b: &&VolumeBrick| !b.arbiter;
    let (leaving, staying): (Vec<&[VolumeBrick]>, Vec<&[VolumeBrick]>) =
        volume.sets().partition(|set| set.iter().any(goes));

    let shares_staying = shares(facts, staying.iter().copied().flatten().filter(data));
    let shares_leaving = shares(facts, leaving.iter().copied().flatten().filter(data));
    let times = volume.data_bricks();

    let mut to_move: u64 = 0;
    for set in &leaving {
        let used = |b: &VolumeBrick| {
            let told = facts.brick(b);
            let space = told.space?;
            Some(told.holds.unwrap_or(space.used / share(&shares_leaving, b, space)))
        };
        let fullest = set.iter().filter(data).map(used).collect::<Option<Vec<_>>>()?.into_iter().max();
        to_move = to_move.saturating_add(fullest.unwrap_or(0).saturating_mul(times));
    }

    let mut rooms = Vec::new();
    for set in &staying {
        let room = |b: &VolumeBrick| {
            let space = facts.brick(b).space?;
            let kept = min_free(volume, space.total);
            Some(space.free.saturating_sub(kept) / share(&shares_staying, b, space))
        };
        let least = set.iter().filter(data).map(room).collect::<Option<Vec<_>>>()?.into_iter().min();
        rooms.push(least.unwrap_or(0).saturating_mul(times));
    }
    let room = rooms.iter().fold(0_u64, |sum, r| sum.saturating_add(*r));

    let mut bricks = Vec::new();
    let mut room_of_sets = rooms.iter();
    for set in volume.sets() {
        let leaves = set.iter().any(goes);
        // Files go where there is room, in proportion to it.
        let comes = if leaves { 0 } else { part(to_move, *room_of_sets.next().unwrap_or(&0), room) / times };
        for brick in set {
            let space = facts.brick(brick).space;
            let free_after = match space {
                Some(space) if !leaves && brick.arbiter => Some(space.free),
                Some(space) if !leaves => {
                    let all = comes.saturating_mul(share(&shares_staying, brick, space));
                    Some(space.free.saturating_sub(all))
                }
                _ => None,
            };
            bricks.push(BrickPlan { brick: brick.clone(), space, free_after, goes: goes(brick) });
        }
    }
    Some(SpacePlan { to_move, room, bricks })
}

/// `whole` times `part` over `of`.
fn part(whole: u64, part: u64, of: u64) -> u64 {
    let share = u128::from(whole) * u128::from(part) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

type Shares = BTreeMap<(HostId, u64), u64>;

/// How many bricks share each filesystem.
fn shares<'b>(facts: &Facts<'_>, bricks: impl Iterator<Item = &'b VolumeBrick>) -> Shares {
    let mut shares = Shares::new();
    for brick in bricks {
        if let (Some(b), Some(space)) = (&brick.brick, facts.brick(brick).space) {
            *shares.entry((b.host, space.device)).or_default() += 1;
        }
    }
    shares
}

fn share(shares: &Shares, brick: &VolumeBrick, space: BrickSpace) -> u64 {
    let host = brick.brick.as_ref().map(|b| b.host);
    host.and_then(|host| shares.get(&(host, space.device))).copied().unwrap_or(1).max(1)
}

/// What Gluster keeps free on a brick of that size: `cluster.min-free-disk`, a
/// percentage or a size. One that can't be read counts as the default.
fn min_free(volume: &Volume, total: u64) -> u64 {
    let set = volume.options.get("cluster.min-free-disk").map_or(MIN_FREE_DISK, String::as_str);
    read_min_free(set, total).or_else(|| read_min_free(MIN_FREE_DISK, total)).unwrap_or(0)
}

fn read_min_free(text: &str, total: u64) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let tenths: u64 = fraction.chars().next().and_then(|c| c.to_digit(10)).unwrap_or(0).into();
    let factor: u128 = match unit.trim().to_ascii_uppercase().as_str() {
        // A bare number up to 100 is a percentage, a larger one bytes (Gluster's manual).
        "%" => return Some(part(total, whole * 10 + tenths, 1000)),
        "" if whole <= 100 => return Some(part(total, whole * 10 + tenths, 1000)),
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        "PB" => 1 << 50,
        _ => return None,
    };
    u64::try_from((u128::from(whole) * 10 + u128::from(tenths)) * factor / 10).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn min_free_disk_is_a_percentage_or_a_size() {
        assert_eq!(read_min_free("10%", 1000), Some(100));
        assert_eq!(read_min_free("2.5%", 1000), Some(25));
        assert_eq!(read_min_free("10", 1000), Some(100));
        assert_eq!(read_min_free("1.5GB", 1), Some(3 << 29));
        assert_eq!(read_min_free("500MB", 1), Some(500 << 20));
        assert_eq!(read_min_free("2048", 1), Some(2048));
        assert_eq!(read_min_free("lots", 1), None);
    }
}
