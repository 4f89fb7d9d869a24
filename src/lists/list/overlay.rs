//! [`Overlay`]: edits that lie over a base.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::lists::{Change, Details, Entry, Prefix, Range};
use crate::number::Number;
use crate::time::WallTime;

/// The latest edit of each edited entry. Persistent: a copy shares all that is not changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    /// Most of what is edited; a step through the tree compares integers, and passes over pointers only.
    numbers: OrdMap<u64, Laid>,
    /// All other entries.
    others: OrdMap<Entry, Laid>,
    /// Bit `n`: some added prefix has `n` digits. Never cleared: a superfluous probe is harmless.
    prefix_digits: u16,
    /// How many numbers the widest added range holds; 0 without any. Never lowered.
    widest_range: u64,
}

/// The details that an edit gave its entry; `None`: it removed the entry.
type Laid = Option<Arc<Details>>;

impl Overlay {
    /// How many entries are edited.
    pub(super) fn len(&self) -> u64 {
        (self.numbers.len() + self.others.len()) as u64
    }

    /// What the edit of an entry says: its details, or that it is removed; `None`: it is not edited.
    pub(super) fn get(&self, entry: &Entry) -> Option<Option<&Details>> {
        let laid = match entry {
            Entry::Number(number) => self.numbers.get(&number.get()),
            other => self.others.get(other),
        };
        laid.map(Option::as_deref)
    }

    /// The same of a number: whether it matches at `at`.
    #[inline]
    pub(super) fn number(&self, number: Number, at: WallTime) -> Option<bool> {
        if self.numbers.is_empty() {
            return None;
        }
        self.numbers.get(&number.get()).map(|laid| in_force(laid, at))
    }

    /// Whether entries other than numbers are edited.
    pub(super) fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    pub(super) fn lay(&mut self, entry: &Entry, change: &Change) {
        let laid = match change {
            Change::Put(details) => Some(Arc::new(details.clone())),
            Change::Remove => None,
        };
        match entry {
            Entry::Number(number) => drop(self.numbers.insert(number.get(), laid)),
            other => {
                match other {
                    Entry::Prefix(prefix) if laid.is_some() => self.prefix_digits |= 1 << prefix.digits(),
                    Entry::Range(range) if laid.is_some() => {
                        self.widest_range = range.count().max(self.widest_range);
                    }
                    _ => {}
                }
                self.others.insert(other.clone(), laid);
            }
        }
    }

    /// The edited entries from `first` on (all for `None`), in `Entry` order, with what their edits say.
    pub(super) fn from(&self, first: Option<&Entry>) -> impl Iterator<Item = (Entry, Option<&Details>)> + use<'_> {
        let (number, other) = match first {
            None => (Bound::Unbounded, Bound::Unbounded),
            Some(Entry::Number(number)) => (Bound::Included(number.get()), Bound::Unbounded),
            // No number comes behind another entry.
            Some(other) => (Bound::Excluded(u64::MAX), Bound::Included(other.clone())),
        };
        let numbers = self.numbers.range((number, Bound::Unbounded));
        let numbers = numbers.filter_map(|(number, laid)| Some((Entry::Number(Number::new(*number)?), laid)));
        let others = self.others.range((other, Bound::Unbounded)).map(|(entry, laid)| (entry.clone(), laid));
        numbers.chain(others).map(|(entry, laid)| (entry, laid.as_deref()))
    }

    /// The added ranges in force that hold `number`.
    pub(super) fn ranges(&self, number: Number, at: WallTime) -> impl Iterator<Item = Range> + '_ {
        // Ranges that hold the number begin at most the widest one's count before it.
        let earliest = number.get().saturating_sub(self.widest_range.saturating_sub(1));
        let earliest = Number::new(earliest).unwrap_or(Number::MIN);
        let lowest = (self.widest_range > 0).then(|| Range::new(earliest, earliest)).flatten().map(Entry::Range);
        // `Anonymous` follows all ranges, so this stops at the first one beyond the number.
        let laid = lowest.map(|lowest| self.others.range((Bound::Included(lowest), Bound::Excluded(Entry::Anonymous))));
        laid.into_iter()
            .flatten()
            .map_while(move |(entry, laid)| match entry {
                Entry::Range(range) if range.first() <= number => Some((*range, laid)),
                _ => None,
            })
            .filter(move |(range, laid)| range.contains(number) && in_force(laid, at))
            .map(|(range, _)| range)
    }

    /// The longest added prefix in force of `number` that has more than `digits` digits.
    pub(super) fn prefix(&self, number: Number, digits: u32, at: WallTime) -> Option<Prefix> {
        let longer = (digits + 1..=number.digits()).rev().filter(|digits| self.prefix_digits & 1 << digits != 0);
        longer.filter_map(|digits| Prefix::of(number, digits)).find(|prefix| {
            let laid = self.others.get(&Entry::Prefix(*prefix));
            laid.is_some_and(|laid| in_force(laid, at))
        })
    }
}

fn in_force(laid: &Laid, at: WallTime) -> bool {
    laid.as_ref().is_some_and(|details| details.in_force(at))
}
