//! [`NumberSetBuilder`]: a set of numbers as they come.

use std::collections::{BTreeMap, HashSet};

use super::arena::{Arena, ArenaBuilder};
use super::container::{BITMAP_WORDS, Slot, View, encode};
use super::directory::Directory;
use super::{NumberSet, split};

/// Packs each container as soon as another one begins: a sorted file needs no memory beside the set that it becomes.
/// Numbers whose container is packed already wait until the end, in at most 8 kB for each container.
#[derive(Debug, Clone, Default)]
pub(in crate::lists) struct NumberSetBuilder {
    arena: ArenaBuilder,
    /// Packed containers with their counts, in the order in which they came.
    packed: Vec<(u64, Slot, usize)>,
    /// The high parts of `packed`.
    highs: HashSet<u64>,
    open: u64,
    /// In the order in which they came; of the high part `open`.
    lows: Vec<u16>,
    late: BTreeMap<u64, Late>,
    pushed: u64,
}

impl NumberSetBuilder {
    /// Adds a number.
    pub(in crate::lists) fn push(&mut self, number: u64) {
        let (high, low) = split(number);
        self.push_group(high, &[low]);
    }

    /// Adds the numbers `high << 16 | low`.
    pub(in crate::lists) fn push_group(&mut self, high: u64, lows: &[u16]) {
        if high != self.open {
            self.pack();
            self.open = high;
        }
        self.lows.extend_from_slice(lows);
        self.pushed += lows.len() as u64;
        if self.lows.len() > MOST_OPEN {
            sort(&mut self.lows);
        }
    }

    /// How many were added, duplicates counted each time.
    pub(in crate::lists) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Freezes what was added.
    pub(in crate::lists) fn build(mut self) -> NumberSet {
        self.pack();
        self.packed.sort_unstable_by_key(|(high, ..)| *high);
        let mut lows = std::mem::take(&mut self.lows);
        for (high, late) in std::mem::take(&mut self.late) {
            let at = self.packed.binary_search_by_key(&high, |(high, ..)| *high).expect("what is late was packed once");
            let slot = self.packed[at].1;
            lows.clear();
            late.write_to(&mut lows);
            slot.view(self.arena.words(slot.place)).write_to(&mut lows);
            sort(&mut lows);
            self.packed[at] = packed(&mut self.arena, high, &lows);
        }
        NumberSet::of(&self.packed, self.arena.finish())
    }

    fn pack(&mut self) {
        if self.lows.is_empty() {
            return;
        }
        if self.highs.insert(self.open) {
            sort(&mut self.lows);
            self.packed.push(packed(&mut self.arena, self.open, &self.lows));
        } else {
            let late = self.late.entry(self.open).or_insert_with(|| Late::Values(Vec::new()));
            self.lows.iter().for_each(|low| late.push(*low));
        }
        self.lows.clear();
    }
}

impl NumberSet {
    /// Of containers in order, whose data is in `arena`; moved together where too much of the arena is out of use.
    pub(super) fn of(containers: &[(u64, Slot, usize)], arena: Arena) -> NumberSet {
        let len = containers.iter().map(|(.., count)| *count as u64).sum();
        let live: usize = containers.iter().map(|(_, slot, _)| slot.words()).sum();
        if arena.words() > live + live / MOST_DEAD || arena.chunks() > MOST_CHUNKS + live / super::arena::CHUNK_WORDS {
            let mut compact = ArenaBuilder::default();
            let moved = |&(high, slot, count): &(u64, Slot, usize)| {
                (high, copied(&mut compact, slot, arena.from(slot.place)), count)
            };
            let containers: Vec<_> = containers.iter().map(moved).collect();
            return NumberSet { directory: Directory::new(&containers), arena: compact.finish(), len };
        }
        NumberSet { directory: Directory::new(containers), arena, len }
    }
}

/// Packs values, ascending, without duplicates and at least one.
pub(super) fn packed(arena: &mut ArenaBuilder, high: u64, lows: &[u16]) -> (u64, Slot, usize) {
    // No form is larger than a bitmap.
    let (place, words) = arena.room(BITMAP_WORDS);
    let (form, items) = encode(lows, words);
    (high, Slot::new(place, form, items), lows.len())
}

/// Copies a packed container; `words` are those from its place on.
pub(super) fn copied(arena: &mut ArenaBuilder, slot: Slot, words: &[u64]) -> Slot {
    let (place, out) = arena.room(slot.words());
    out.extend_from_slice(&words[..slot.words()]);
    slot.at(place)
}

pub(super) fn sort(lows: &mut Vec<u16>) {
    // Registries are sorted already.
    if !lows.is_sorted_by(|one, next| one < next) {
        lows.sort_unstable();
        lows.dedup();
    }
}

/// Numbers of a container that is packed already.
#[derive(Debug, Clone)]
enum Late {
    Values(Vec<u16>),
    Bitmap(Box<[u64]>),
}

impl Late {
    fn push(&mut self, low: u16) {
        match self {
            Late::Values(values) if values.len() < MOST_VALUES => values.push(low),
            Late::Values(values) => {
                let mut bitmap: Box<[u64]> = vec![0; BITMAP_WORDS].into();
                values.iter().for_each(|low| set(&mut bitmap, *low));
                set(&mut bitmap, low);
                *self = Late::Bitmap(bitmap);
            }
            Late::Bitmap(bitmap) => set(bitmap, low),
        }
    }

    fn write_to(self, out: &mut Vec<u16>) {
        match self {
            Late::Values(values) => out.extend(values),
            Late::Bitmap(bitmap) => View::Bitmap(&bitmap).write_to(out),
        }
    }
}

fn set(bitmap: &mut [u64], low: u16) {
    bitmap[usize::from(low >> 6)] |= 1 << (low & 63);
}

/// As many values as there are: more are duplicates.
const MOST_OPEN: usize = 1 << 16;
/// From here on a bitmap is smaller.
const MOST_VALUES: usize = 4 * BITMAP_WORDS;
/// An arena may have an eighth of words that nobody refers to before the others are copied together.
const MOST_DEAD: usize = 8;
/// Each change of a set adds a chunk, however small; a look-up goes through their list.
const MOST_CHUNKS: usize = 64;
