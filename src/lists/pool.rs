//! [`Pool`]: a list's numbers, counted one by one.

use std::ops::Range;

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

    /// The numbers at these places, in their order, without a search for each.
    pub fn slice(&self, places: Range<u64>) -> impl Iterator<Item = Number> + use<'_> {
        let Range { start, end } = places.start..places.end.min(self.count());
        let singles = self.singles().len();
        let of_singles = end.min(singles).saturating_sub(start);
        let first = self.nth(start).filter(|_| of_singles > 0).map_or(0, Number::get);
        let length = usize::try_from(of_singles).unwrap_or(usize::MAX);
        let of_singles = (length > 0).then(|| self.singles().iter_from(first).take(length)).into_iter().flatten();
        let (start, end) = (start.saturating_sub(singles), end.saturating_sub(singles));
        let from = self.ranges.partition_point(|(.., before)| *before <= start).saturating_sub(1);
        let of_ranges = self.ranges[from..].iter().take_while(move |(.., before)| *before < end).flat_map(
            move |&(first, last, before)| {
                let skipped = start.saturating_sub(before);
                (first + skipped..=last.min(first + (end - before - 1))).filter_map(Number::new)
            },
        );
        of_singles.chain(of_ranges)
    }

    /// The numbers behind `after` (from the first for `None`), ascending.
    pub fn after(&self, after: Option<Number>) -> impl Iterator<Item = Number> + use<'_> {
        let first = after.map_or(0, |number| number.get() + 1);
        let [singles, ranged] = self.runs().map(|run| self.slice(self.at_or_after(run.clone(), first)..run.end));
        let (mut singles, mut ranged) = (singles.peekable(), ranged.peekable());
        std::iter::from_fn(move || match (singles.peek(), ranged.peek()) {
            (Some(single), Some(other)) if other < single => ranged.next(),
            (Some(_), _) => singles.next(),
            (None, _) => ranged.next(),
        })
    }

    /// The places of single numbers and those of ranges: in each of both, numbers ascend.
    pub fn runs(&self) -> [Range<u64>; 2] {
        let singles = self.singles().len();
        [0..singles, singles..self.count()]
    }

    /// The first of these places, which must be of one run, whose number is not below `number`; their end when there is none.
    pub fn at_or_after(&self, places: Range<u64>, number: u64) -> u64 {
        let Range { mut start, mut end } = places;
        while start < end {
            let middle = start + (end - start) / 2;
            if self.nth(middle).is_some_and(|own| own.get() < number) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
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
