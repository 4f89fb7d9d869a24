//! [`Pool`]: a list's numbers, counted one by one.

use thiserror::Error;

use super::intervals::merge;
use super::{Entry, List, NumberSet};
use crate::number::{Number, Party};
use crate::time::WallTime;

/// The numbers of a list and of its ranges, each once, in a fixed order: what presentation draws from.
///
/// It is counted when it is made and cannot know the time: ask [`Pool::in_force`] about a number that was drawn.
#[derive(Debug, Clone)]
pub struct Pool {
    list: List,
    /// Numbers outside of `ranges`; the base's own set when nothing had to be added or left out.
    singles: Singles,
    /// Disjoint, ascending; with the count of numbers in those before.
    ranges: Box<[(u64, u64, u64)]>,
    ranged: u64,
    expires: bool,
}

#[derive(Debug, Clone)]
enum Singles {
    Base,
    Own(NumberSet),
}

impl Pool {
    /// From a list of numbers and ranges.
    pub fn new(list: &List) -> Result<Pool, PoolError> {
        let mut expires = list.base().expires();
        for (_, edited) in list.changes() {
            expires |= edited.is_some_and(|details| details.expires.is_some());
        }
        let mut spans = Vec::new();
        for entry in list.other_entries() {
            match entry {
                Entry::Range(range) => spans.push((range.first().get(), range.last().get())),
                other => return Err(PoolError(other)),
            }
        }
        let mut ranged = 0;
        let ranges: Box<[_]> = merge(spans.into_iter())
            .into_iter()
            .map(|(first, last)| {
                let before = ranged;
                ranged += last - first + 1;
                (first, last, before)
            })
            .collect();
        let as_it_is = ranges.is_empty() && !list.changes().any(|(entry, _)| matches!(entry, Entry::Number(_)));
        let singles = if as_it_is {
            Singles::Base
        } else {
            let numbers = list.numbers().map(Number::get).filter(|number| range_of(&ranges, *number).is_none());
            Singles::Own(NumberSet::from_unsorted(numbers.collect()))
        };
        Ok(Pool { list: list.clone(), singles, ranges, ranged, expires })
    }

    /// The list it was made from.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.singles().len() + self.ranged
    }

    /// The number at `index`, from 0: single numbers first, then those of ranges, each ascending.
    pub fn nth(&self, index: u64) -> Option<Number> {
        let Some(index) = index.checked_sub(self.singles().len()) else { return self.singles().nth(index) };
        let at = self.ranges.partition_point(|(_, _, before)| *before <= index).checked_sub(1)?;
        let (first, last, before) = self.ranges[at];
        Number::new(first + (index - before)).filter(|number| number.get() <= last)
    }

    /// Whether `number` is one of them.
    pub fn contains(&self, number: Number) -> bool {
        range_of(&self.ranges, number.get()).is_some() || self.singles().contains(number)
    }

    /// Whether the entry that brought `number` here has not expired at `at`.
    pub fn in_force(&self, number: Number, at: WallTime) -> bool {
        if self.expires { self.list.lookup(&Party::Number(number), at).is_some() } else { self.contains(number) }
    }

    fn singles(&self) -> &NumberSet {
        match &self.singles {
            Singles::Base => self.list.base().numbers(),
            Singles::Own(numbers) => numbers,
        }
    }
}

/// A list that cannot be a pool: this entry names no number or range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` cannot be presented: a pool's entries are numbers and ranges")]
pub struct PoolError(pub Entry);

fn range_of(ranges: &[(u64, u64, u64)], number: u64) -> Option<usize> {
    let at = ranges.partition_point(|(first, _, _)| *first <= number).checked_sub(1)?;
    (number <= ranges[at].1).then_some(at)
}

#[cfg(test)]
mod tests;
