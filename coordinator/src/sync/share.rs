//! How many of the pools a coordinator is to hold.

use std::cmp::Reverse;

use hod_core::id::CoordinatorId;

use crate::store::Roster;

/// How many pools are this coordinator's share. Shares differ by one at most; those
/// who hold most have the larger ones, so that nothing moves that need not.
///
/// Every coordinator that sees the same roster comes to the same shares: what one
/// gives back, another lacks.
#[must_use]
pub fn share(me: CoordinatorId, roster: &Roster) -> usize {
    let holds = |id: CoordinatorId| roster.pools.iter().filter(|p| p.by == Some(id)).count();
    let mut coordinators: Vec<CoordinatorId> = roster.coordinators.iter().map(|c| c.id).collect();
    if !coordinators.contains(&me) {
        coordinators.push(me);
    }
    coordinators.sort_by_key(|id| (Reverse(holds(*id)), *id));
    let place = coordinators.iter().position(|id| *id == me).unwrap_or_default();
    let (each, more) = (roster.pools.len() / coordinators.len(), roster.pools.len() % coordinators.len());
    each + usize::from(place < more)
}

#[cfg(test)]
mod tests {
    use hod_core::id::PoolId;
    use newtype_uuid::GenericUuid as _;
    use uuid::Uuid;

    use super::*;
    use crate::store::{Coordinator, Held, Lease};

    fn id(n: usize) -> CoordinatorId {
        CoordinatorId::from_untyped_uuid(Uuid::from_u128(n as u128))
    }

    /// So many coordinators, and who holds each pool.
    fn roster(coordinators: usize, held: &[Option<usize>]) -> Roster {
        let coordinator = |n| Coordinator { id: id(n), name: format!("c{n}"), address: "x:1".into() };
        let pool = |n: usize, by: &Option<usize>| Held {
            lease: Lease { pool: PoolId::from_untyped_uuid(Uuid::from_u128(n as u128)), epoch: 1 },
            by: by.map(id),
        };
        Roster {
            coordinators: (0..coordinators).map(coordinator).collect(),
            pools: held.iter().enumerate().map(|(n, by)| pool(n, by)).collect(),
        }
    }

    #[test]
    fn one_alone_holds_everything() {
        assert_eq!(share(id(0), &roster(1, &[None, Some(0), None])), 3);
        // It has not checked in yet.
        assert_eq!(share(id(0), &Roster::default()), 0);
    }

    #[test]
    fn shares_differ_by_one_and_nothing_moves_without_need() {
        let held = [Some(0), Some(0), Some(1), Some(1)];
        let shares = |held: &[Option<usize>], n: usize| -> Vec<usize> {
            let roster = roster(n, held);
            (0..n).map(|c| share(id(c), &roster)).collect()
        };
        assert_eq!(shares(&held, 2), [2, 2]);
        assert_eq!(shares(&held, 3), [2, 1, 1]);
        assert_eq!(shares(&[Some(1), Some(1), Some(0)], 2), [1, 2]);
        assert_eq!(shares(&[None; 5], 3), [2, 2, 1]);
    }

    /// From wherever it begins, giving back and taking comes to rest.
    #[test]
    fn sharing_comes_to_rest() {
        let mut at_random = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = move |below: usize| {
            at_random ^= at_random << 13;
            at_random ^= at_random >> 7;
            at_random ^= at_random << 17;
            usize::try_from(at_random % below as u64).unwrap()
        };
        for _ in 0..2000 {
            let (n, pools) = (random(5) + 1, random(12));
            let mut held: Vec<Option<usize>> =
                (0..pools).map(|_| Some(random(n + 1)).filter(|c| *c < n)).collect();
            let holds = |held: &[Option<usize>], c: usize| held.iter().filter(|h| **h == Some(c)).count();
            let mut moves = 0;
            loop {
                let roster = roster(n, &held);
                let mut still = true;
                // All act on what they saw, one after the other.
                for c in 0..n {
                    let share = share(id(c), &roster);
                    let mine = holds(&held, c);
                    if mine > share {
                        let pool = held.iter().position(|h| *h == Some(c)).unwrap();
                        held[pool] = None;
                    } else if mine < share
                        && let Some(free) = held.iter().position(Option::is_none)
                    {
                        held[free] = Some(c);
                    } else {
                        continue;
                    }
                    (still, moves) = (false, moves + 1);
                }
                if still {
                    break;
                }
                assert!(moves <= 2 * pools, "{held:?} does not come to rest");
            }
            let counts: Vec<usize> = (0..n).map(|c| holds(&held, c)).collect();
            assert!(held.iter().all(Option::is_some), "{held:?}");
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
    }
}
