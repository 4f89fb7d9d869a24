//! The numbers of a pool that a choice is made among.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::lists::Pool;
use crate::number::Number;

/// Numbers of a pool, by their places in it.
pub(super) struct Candidates<'p> {
    pool: &'p Pool,
    places: SmallVec<[Range<u64>; 2]>,
}

impl<'p> Candidates<'p> {
    pub(super) fn all(pool: &'p Pool) -> Candidates<'p> {
        Candidates { pool, places: smallvec![0..pool.count()] }
    }

    pub(super) fn at(pool: &'p Pool, places: SmallVec<[Range<u64>; 2]>) -> Candidates<'p> {
        Candidates { pool, places }
    }

    pub(super) fn count(&self) -> u64 {
        self.places.iter().map(|places| places.end - places.start).sum()
    }

    pub(super) fn nth(&self, mut index: u64) -> Option<Number> {
        for places in &self.places {
            let length = places.end - places.start;
            if index < length {
                return self.pool.nth(places.start + index);
            }
            index -= length;
        }
        None
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Number> + '_ {
        self.places.iter().flat_map(|places| self.pool.slice(places.clone()))
    }
}
