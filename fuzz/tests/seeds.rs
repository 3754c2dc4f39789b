//! Every target over its seeds and what is near to them, without libFuzzer.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use hod_fuzz::TARGETS;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// So many inputs near to each seed.
const NEAR: usize = 20;

#[test]
fn every_seed_holds_and_what_is_near_to_it() {
    let mut random = StdRng::seed_from_u64(4);
    for target in TARGETS {
        let seeds = (target.seeds)().unwrap();
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in seeds {
            (target.run)(&seed);
            for _ in 0..NEAR {
                let mut input = seed.clone();
                for _ in 0..random.random_range(1..8) {
                    change(&mut input, &mut random);
                }
                (target.run)(&input);
            }
        }
    }
}

/// Flips, cuts, doubles.
fn change(input: &mut Vec<u8>, random: &mut StdRng) {
    if input.is_empty() {
        return;
    }
    let at = random.random_range(0..input.len());
    match random.random_range(0..4) {
        0 => input[at] = random.random(),
        1 => input.truncate(at),
        2 => drop(input.remove(at)),
        _ => {
            let end = random.random_range(at..input.len().min(at + 200));
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
    }
}
