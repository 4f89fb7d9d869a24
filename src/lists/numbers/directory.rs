//! [`Directory`]: from high parts to containers.

use super::container::Slot;

/// Which container holds the numbers of a high part, and how many numbers stand before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    /// Sorted; empty where the slots stand at their distance from `first`.
    highs: Box<[u64]>,
    first: u64,
    slots: Box<[Slot]>,
    before: Box<[u64]>,
}

impl Directory {
    /// From containers in the order of their high parts, with the count of their numbers.
    ///
    /// The numbers of one country leave few gaps: then each high part gets a slot, if only an empty one, and nothing
    /// need be searched.
    pub(super) fn new(containers: &[(u64, Slot, usize)]) -> Directory {
        let (Some((first, ..)), Some((last, ..))) = (containers.first(), containers.last()) else {
            return Directory::default();
        };
        let (first, span) = (*first, last - first + 1);
        let mut total = 0;
        if span > MOST_SLOTS_PER_CONTAINER * containers.len() as u64 {
            let before = containers.iter().map(|(.., count)| {
                total += *count as u64;
                total - *count as u64
            });
            let before = before.collect();
            let highs = containers.iter().map(|(high, ..)| *high).collect();
            let slots = containers.iter().map(|(_, slot, _)| *slot).collect();
            return Directory { highs, first, slots, before };
        }
        let span = usize::try_from(span).expect("a small multiple of a length");
        let (mut slots, mut before) = (Vec::with_capacity(span), Vec::with_capacity(span));
        for (high, slot, count) in containers {
            let at = usize::try_from(high - first).expect("less than the span");
            slots.resize(at, Slot::EMPTY);
            before.resize(at, total);
            slots.push(*slot);
            before.push(total);
            total += *count as u64;
        }
        Directory { highs: Box::default(), first, slots: slots.into(), before: before.into() }
    }

    /// The container of a high part.
    #[inline]
    pub(super) fn find(&self, high: u64) -> Option<Slot> {
        let at = if self.highs.is_empty() {
            usize::try_from(high.checked_sub(self.first)?).ok()?
        } else {
            self.highs.binary_search(&high).ok()?
        };
        self.slots.get(at).copied().filter(|slot| !slot.is_empty())
    }

    /// The place of the container that holds the number at `index`, and how many numbers stand before it. The index
    /// must be that of a number.
    pub(super) fn holding(&self, index: u64) -> (usize, u64) {
        let after = self.before.partition_point(|before| *before <= index);
        // Of slots with one count the last is the one with numbers.
        (after - 1, self.before[after - 1])
    }

    /// The place of the first container whose high part is not below `high`.
    pub(super) fn at_or_after(&self, high: u64) -> usize {
        if self.highs.is_empty() {
            usize::try_from(high.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.slots.len())
        } else {
            self.highs.partition_point(|own| *own < high)
        }
    }

    /// The high part and container at a place; the slot may be an empty one. `None` behind the last.
    pub(super) fn at(&self, at: usize) -> Option<(u64, Slot)> {
        let slot = *self.slots.get(at)?;
        Some((self.highs.get(at).copied().unwrap_or(self.first + at as u64), slot))
    }

    /// All containers in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Slot)> + '_ {
        (0..self.slots.len()).filter_map(|at| self.at(at)).filter(|(_, slot)| !slot.is_empty())
    }
}

/// A slot has 16 bytes with its count, the smallest container 8: a sparse directory costs no less.
const MOST_SLOTS_PER_CONTAINER: u64 = 4;
