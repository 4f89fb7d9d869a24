//! [`NumberSet`] itself: what it can be asked.

use super::NumberSetBuilder;
use super::arena::Arena;
use super::container::Slot;
use super::directory::Directory;
use super::split;
use crate::number::Number;

/// An immutable set of numbers: a directory by `number >> 16` to containers of the low 16 bits.
///
/// Each container takes whichever form is smallest: sorted values, buckets of bytes, runs, or a bitmap. A look-up goes
/// through the directory to one container, and allocates nothing. A clone shares the containers.
#[derive(Debug, Clone, Default)]
pub struct NumberSet {
    pub(super) directory: Directory,
    pub(super) arena: Arena,
    pub(super) len: u64,
}

impl NumberSet {
    /// From numbers in any order, duplicates allowed.
    pub fn from_unsorted(mut numbers: Vec<u64>) -> NumberSet {
        numbers.sort_unstable();
        let mut builder = NumberSetBuilder::default();
        numbers.into_iter().for_each(|number| builder.push(number));
        builder.build()
    }

    /// How many numbers.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether `number` is one of them.
    #[inline]
    pub fn contains(&self, number: Number) -> bool {
        let (high, low) = split(number.get());
        self.directory.find(high).is_some_and(|slot| slot.view(self.arena.from(slot.place)).contains(low))
    }

    /// The number at `index` in ascending order, from 0.
    pub fn nth(&self, index: u64) -> Option<Number> {
        if index >= self.len {
            return None;
        }
        let (at, before) = self.directory.holding(index);
        let (high, slot) = self.directory.at(at)?;
        let low = slot.view(self.arena.from(slot.place)).nth(usize::try_from(index - before).ok()?)?;
        Number::new(high << 16 | u64::from(low))
    }

    /// The numbers from `first` on, ascending.
    pub fn iter_from(&self, first: u64) -> impl Iterator<Item = Number> + '_ {
        let (high, low) = split(first);
        let at = self.directory.at_or_after(high);
        let mut numbers = Numbers { set: self, at, high: 0, lows: Vec::new(), next: 0 };
        if numbers.open() && numbers.high == high {
            numbers.next = numbers.lows.partition_point(|own| *own < low);
        }
        numbers
    }

    /// All numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Number> + '_ {
        self.iter_from(0)
    }

    /// The words of a container.
    pub(super) fn data(&self, slot: Slot) -> &[u64] {
        &self.arena.from(slot.place)[..slot.words()]
    }

    /// Appends the low parts of a container, ascending.
    pub(super) fn lows(&self, slot: Slot, out: &mut Vec<u16>) {
        slot.view(self.arena.from(slot.place)).write_to(out);
    }
}

/// The same numbers, wherever their containers lie.
impl PartialEq for NumberSet {
    fn eq(&self, other: &NumberSet) -> bool {
        let same = |((high, slot), (other_high, other_slot)): ((u64, Slot), (u64, Slot))| {
            high == other_high && slot.shape() == other_slot.shape() && self.data(slot) == other.data(other_slot)
        };
        self.len == other.len && self.directory.iter().zip(other.directory.iter()).all(same)
    }
}

impl Eq for NumberSet {}

/// Decodes container by container.
struct Numbers<'s> {
    set: &'s NumberSet,
    /// The place of the container after the open one.
    at: usize,
    high: u64,
    lows: Vec<u16>,
    next: usize,
}

impl Numbers<'_> {
    /// Opens the next container; whether there is one.
    fn open(&mut self) -> bool {
        while let Some((high, slot)) = self.set.directory.at(self.at) {
            self.at += 1;
            if !slot.is_empty() {
                (self.high, self.next) = (high, 0);
                self.lows.clear();
                self.set.lows(slot, &mut self.lows);
                return true;
            }
        }
        false
    }
}

impl Iterator for Numbers<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        loop {
            if let Some(low) = self.lows.get(self.next) {
                self.next += 1;
                return Number::new(self.high << 16 | u64::from(*low));
            }
            if !self.open() {
                return None;
            }
        }
    }
}
