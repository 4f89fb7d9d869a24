//! The choice of the caller number that is shown: uniform over the pool less the excluded lists, and the same again for
//! the same draw.

use crate::lists::Pool;
use crate::number::{Number, Party};
use crate::screen::policy::Present;
use crate::screen::world::World;
use crate::time::WallTime;

/// Chooses a number; `None` when every number of the pool is excluded.
pub(crate) fn choose(world: &World, present: &Present, wall: WallTime, draw: u64) -> Option<Number> {
    let pool = world.pool(present.pool);
    let allowed = |number: Number| {
        let party = Party::Number(number);
        pool.in_force(number, wall)
            && present.exclude.iter().all(|&list| world.lists[list].lookup(&party, wall).is_none())
    };
    choose_allowed(pool, allowed, draw)
}

fn choose_allowed(pool: &Pool, allowed: impl Fn(Number) -> bool, draw: u64) -> Option<Number> {
    let count = pool.count();
    if count == 0 {
        return None;
    }
    let mut draws = SplitMix64(draw);
    for _ in 0..TRIES {
        if let Some(number) = pool.nth(draws.below(count)).filter(|&number| allowed(number)) {
            return Some(number);
        }
    }
    // Nearly all is excluded: count what is left, then take one of those.
    let left = || (0..count).filter_map(|at| pool.nth(at)).filter(|&number| allowed(number));
    let count = left().count() as u64;
    if count == 0 {
        return None;
    }
    left().nth(usize::try_from(draws.below(count)).ok()?)
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): a draw of 64 bits becomes a stream.
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `0..count`, `count` above zero: draws from the incomplete last block of `count` are thrown away. The
    /// stream runs through all 64-bit values, so that an acceptable one comes.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        let incomplete = (u64::MAX % count + 1) % count;
        loop {
            let draw = self.next();
            if draw <= u64::MAX - incomplete {
                return draw % count;
            }
        }
    }
}

/// With a tenth of the pool allowed, 64 tries all fail once in 850 calls; only then is the pool walked.
const TRIES: usize = 64;
