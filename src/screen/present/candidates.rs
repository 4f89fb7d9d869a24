//! The numbers of a pool that a choice is made among.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::lists::Pool;
use crate::number::Number;

/// Numbers of a pool, by their places in it.
pub(super) struct Candidates<'p> {
    pool: &'p Pool,
    places: Places,
}

/// Of single numbers and of ranges, before and behind those that were looked at already.
pub(super) type Places = SmallVec<[Range<u64>; 4]>;

impl<'p> Candidates<'p> {
    pub(super) fn all(pool: &'p Pool) -> Candidates<'p> {
        Candidates { pool, places: smallvec![0..pool.count()] }
    }

    pub(super) fn at(pool: &'p Pool, places: Places) -> Candidates<'p> {
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

    /// At most so many of them, all in a row; `key` says where. One number more or less moves the row by one place at most.
    pub(super) fn row(&self, most: u64, key: u64) -> Candidates<'p> {
        let starts = u128::from(self.count().saturating_sub(most)) + 1;
        let mut skipped = u64::try_from((u128::from(key) * starts) >> 64).unwrap_or_default();
        let mut left = most;
        let mut places = Places::new();
        for all in &self.places {
            let start = all.start + skipped.min(all.end - all.start);
            skipped -= start - all.start;
            let end = all.end.min(start.saturating_add(left));
            left -= end - start;
            places.push(start..end);
        }
        Candidates::at(self.pool, places)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Number> + '_ {
        self.places.iter().flat_map(|places| self.pool.slice(places.clone()))
    }
}
