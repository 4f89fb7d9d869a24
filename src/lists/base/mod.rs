//! [`Base`]: the entries of a file, frozen.
//!
//! A [`BaseBuilder`] makes it of entries as they come, `changed` of another base; `stored` writes and reads it as it lies
//! in memory. What is known of entries beside themselves stands in the columns of `details`.

mod builder;
mod changed;
mod details;
mod stored;
#[cfg(test)]
mod tests;

use details::DetailsTable;

pub use builder::BaseBuilder;
pub use stored::SnapshotError;

use super::intervals::{Intervals, Span};
use super::{Details, Entry, NumberSet, Prefix, Range};
use crate::number::{Number, Party};
use crate::time::WallTime;

/// Immutable entries with their details: numbers in a [`NumberSet`], the few other entries in order.
///
/// Details stand in side tables; a look-up touches them only when some entry of the base expires. A clone shares the
/// numbers.
#[derive(Debug, Clone, Default)]
pub struct Base {
    numbers: NumberSet,
    /// All entries but numbers, in `Entry` order.
    others: Box<[Entry]>,
    /// Prefixes in the space of [`left_aligned`](super::entry::left_aligned) numbers; keys are indices of `others`.
    prefixes: Intervals,
    /// Ranges by number; keys likewise.
    ranges: Intervals,
    /// By number.
    number_details: DetailsTable,
    /// By index of `others`.
    other_details: DetailsTable,
    duplicates: u64,
}

impl Base {
    /// How many entries.
    pub fn len(&self) -> u64 {
        self.numbers.len() + self.others.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries were added that were there already; not known of a base that was read from its snapshot.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The entries that are single numbers.
    pub fn numbers(&self) -> &NumberSet {
        &self.numbers
    }

    /// Whether `entry` itself is here.
    pub fn contains(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Number(number) => self.numbers.contains(*number),
            other => self.others.binary_search(other).is_ok(),
        }
    }

    /// The details of `entry`; `None` when it is not here.
    pub fn details(&self, entry: &Entry) -> Option<Details> {
        match entry {
            Entry::Number(number) if self.numbers.contains(*number) => Some(self.number_details.details(number.get())),
            Entry::Number(_) => None,
            other => {
                let at = self.others.binary_search(other).ok()?;
                Some(self.other_details.details(at as u64))
            }
        }
    }

    /// All entries that name `party`, itself or as one of many, expired or not. Looks at every prefix and range: not for
    /// the call path.
    pub fn naming(&self, party: &Party<'_>) -> Vec<Entry> {
        let number = match party {
            Party::Number(number) if self.numbers.contains(*number) => Some(Entry::Number(*number)),
            _ => None,
        };
        number.into_iter().chain(self.others.iter().filter(|entry| entry.matches(party)).cloned()).collect()
    }

    /// The entries from `first` on (all for `None`), in `Entry` order.
    pub fn entries_from(&self, first: Option<&Entry>) -> impl Iterator<Item = Entry> + use<'_> {
        let (number, other) = match first {
            None => (0, 0),
            Some(Entry::Number(number)) => (number.get(), 0),
            Some(other) => (u64::MAX, self.others.partition_point(|own| own < other)),
        };
        self.numbers.iter_from(number).map(Entry::Number).chain(self.others[other..].iter().cloned())
    }

    /// Whether the single number is here and in force.
    pub(super) fn has_number(&self, number: Number, at: WallTime) -> bool {
        self.numbers.contains(number) && self.number_details.in_force(number.get(), at)
    }

    /// The narrowest range in force that holds `number` and that `accept` takes.
    pub(super) fn range(&self, number: Number, at: WallTime, accept: impl Fn(&Entry) -> bool) -> Option<Range> {
        if self.ranges.is_empty() {
            return None;
        }
        match self.other(self.ranges.narrowest_of(number.get(), |key| self.accepts(key, at, &accept))?) {
            Entry::Range(range) => Some(*range),
            _ => None,
        }
    }

    /// The longest prefix in force of `number` that `accept` takes.
    pub(super) fn prefix(&self, number: Number, at: WallTime, accept: impl Fn(&Entry) -> bool) -> Option<Prefix> {
        if self.prefixes.is_empty() {
            return None;
        }
        let accept = |key: u32| match self.other(key) {
            // 4822123* holds the left-aligned 4822122… no more than 48221230, but does hold 4822123 with zeros behind.
            Entry::Prefix(prefix) => prefix.contains(number) && self.accepts(key, at, &accept),
            _ => false,
        };
        match self.other(self.prefixes.narrowest_of(super::entry::left_aligned(number), accept)?) {
            Entry::Prefix(prefix) => Some(*prefix),
            _ => None,
        }
    }

    /// A code, user or word that is here and in force.
    pub(super) fn named(&self, party: &Party<'_>, at: WallTime) -> Option<&Entry> {
        let index = match party {
            Party::Number(_) => return None,
            Party::Code(code) => self.others.binary_search(&Entry::Code(*code)).ok()?,
            Party::Anonymous => self.others.binary_search(&Entry::Anonymous).ok()?,
            Party::Unavailable => self.others.binary_search(&Entry::Unavailable).ok()?,
            Party::User(user) => {
                let compare = |own: &Entry| match own {
                    Entry::User(own) => (**own).cmp(&**user),
                    _ => std::cmp::Ordering::Less,
                };
                self.others.binary_search_by(compare).ok()?
            }
        };
        self.other_details.in_force(index as u64, at).then(|| &self.others[index])
    }

    /// All entries that are no numbers.
    pub(super) fn others(&self) -> &[Entry] {
        &self.others
    }

    /// Whether any entry expires.
    pub(super) fn expires(&self) -> bool {
        self.number_details.expires() || self.other_details.expires()
    }

    /// Puts the parts together; `others` in `Entry` order and each once.
    fn of(
        numbers: NumberSet,
        others: Box<[Entry]>,
        [number_details, other_details]: [DetailsTable; 2],
        duplicates: u64,
    ) -> Base {
        let spans = |span_of: fn(&Entry) -> Option<(u64, u64)>| {
            let keyed = (0u32..).zip(&others);
            let spans = keyed.filter_map(|(key, entry)| span_of(entry).map(|(first, last)| Span { first, last, key }));
            Intervals::new(spans.collect())
        };
        let prefixes = spans(|entry| match entry {
            Entry::Prefix(prefix) => Some(prefix.span()),
            _ => None,
        });
        let ranges = spans(|entry| match entry {
            Entry::Range(range) => Some((range.first().get(), range.last().get())),
            _ => None,
        });
        Base { numbers, others, prefixes, ranges, number_details, other_details, duplicates }
    }

    fn other(&self, key: u32) -> &Entry {
        &self.others[key as usize]
    }

    fn accepts(&self, key: u32, at: WallTime, accept: &impl Fn(&Entry) -> bool) -> bool {
        self.other_details.in_force(u64::from(key), at) && accept(self.other(key))
    }
}
