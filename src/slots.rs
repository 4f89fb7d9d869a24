//! Things by slot: an id costs no look-up, one that outlived its thing is recognised, and room is taken and given back in
//! small pieces, so that no call waits while a large table moves.

use std::ops::{Index, IndexMut};

/// A place in [`Slots`] and which of its successive tenants is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// The place.
    pub index: u32,
    /// The tenant: one higher with each that moves in anywhere.
    pub generation: u32,
}

/// Tenants in chunks of 64 places. A new one takes the lowest chunk that has room, so that after a burst the higher
/// chunks empty and go.
#[derive(Debug)]
pub struct Slots<T> {
    chunks: Vec<Option<Box<Chunk<T>>>>,
    /// One bit for each chunk that has room, those that have gone included.
    roomy: Vec<u64>,
    /// No word of `roomy` before this one has a bit.
    first_roomy: usize,
    next_generation: u32,
    len: usize,
}

#[derive(Debug)]
struct Chunk<T> {
    places: [Option<(u32, T)>; CHUNK],
    /// One bit for each place that is taken.
    taken: u64,
}

/// As many as a word has bits.
const CHUNK: usize = u64::BITS as usize;

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots { chunks: Vec::new(), roomy: Vec::new(), first_roomy: 0, next_generation: 0, len: 0 }
    }
}

impl<T> Slots<T> {
    /// How many tenants there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slot that the next tenant will have.
    pub fn vacant(&self) -> Slot {
        let chunk = match self.roomy.get(self.first_roomy) {
            Some(word) => self.first_roomy * CHUNK + word.trailing_zeros() as usize,
            None => self.chunks.len(),
        };
        let taken = self.chunks.get(chunk).and_then(Option::as_ref).map_or(0, |chunk| chunk.taken);
        let index = chunk * CHUNK + (!taken).trailing_zeros() as usize;
        // Owners of deadlines are numbered in u32 with one bit for their side.
        let index = u32::try_from(index).ok().filter(|index| *index < 1 << 31).expect("memory ends before 2^31 places");
        Slot { index, generation: self.next_generation }
    }

    /// Takes a tenant in.
    pub fn insert(&mut self, tenant: T) -> Slot {
        let slot = self.vacant();
        let (chunk, place) = parts(slot.index);
        if chunk == self.chunks.len() {
            self.chunks.push(None);
            if chunk / CHUNK == self.roomy.len() {
                self.roomy.push(0);
            }
            self.has_room(chunk);
        }
        let room = self.chunks[chunk].get_or_insert_with(Chunk::new);
        room.places[place] = Some((slot.generation, tenant));
        room.taken |= 1 << place;
        if room.taken == u64::MAX {
            self.roomy[chunk / CHUNK] &= !(1 << (chunk % CHUNK));
            while self.roomy.get(self.first_roomy) == Some(&0) {
                self.first_roomy += 1;
            }
        }
        self.next_generation = self.next_generation.wrapping_add(1);
        self.len += 1;
        slot
    }

    /// The tenant of a slot; `None` when it has moved out.
    pub fn get(&self, slot: Slot) -> Option<&T> {
        let (generation, tenant) = self.place(slot.index)?;
        (*generation == slot.generation).then_some(tenant)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let (chunk, place) = parts(slot.index);
        let (generation, tenant) = self.chunks.get_mut(chunk)?.as_mut()?.places[place].as_mut()?;
        (*generation == slot.generation).then_some(tenant)
    }

    /// The slot of the tenant who lives at `index` now.
    pub fn tenant_at(&self, index: u32) -> Option<Slot> {
        self.place(index).map(|(generation, _)| Slot { index, generation: *generation })
    }

    /// All tenants with their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        let chunks = (0..).step_by(CHUNK).zip(&self.chunks).filter_map(|(first, chunk)| Some((first, chunk.as_ref()?)));
        chunks.flat_map(|(first, chunk)| {
            (first..).zip(&chunk.places).filter_map(|(index, place)| {
                let (generation, tenant) = place.as_ref()?;
                Some((Slot { index, generation: *generation }, tenant))
            })
        })
    }

    /// Lets a tenant move out.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let (chunk, place) = parts(slot.index);
        let room = self.chunks.get_mut(chunk)?.as_mut()?;
        let (_, tenant) = room.places[place].take_if(|(generation, _)| *generation == slot.generation)?;
        room.taken &= !(1 << place);
        if room.taken == 0 {
            self.chunks[chunk] = None;
        }
        self.has_room(chunk);
        self.len -= 1;
        Some(tenant)
    }

    fn has_room(&mut self, chunk: usize) {
        self.roomy[chunk / CHUNK] |= 1 << (chunk % CHUNK);
        self.first_roomy = self.first_roomy.min(chunk / CHUNK);
    }

    fn place(&self, index: u32) -> Option<&(u32, T)> {
        let (chunk, place) = parts(index);
        self.chunks.get(chunk)?.as_ref()?.places[place].as_ref()
    }
}

impl<T> Index<Slot> for Slots<T> {
    type Output = T;

    fn index(&self, slot: Slot) -> &T {
        self.get(slot).expect("its tenant lives there")
    }
}

impl<T> IndexMut<Slot> for Slots<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        self.get_mut(slot).expect("its tenant lives there")
    }
}

impl<T> Chunk<T> {
    fn new() -> Box<Chunk<T>> {
        Box::new(Chunk { places: [const { None }; CHUNK], taken: 0 })
    }
}

/// The chunk and the place in it.
fn parts(index: u32) -> (usize, usize) {
    (index as usize / CHUNK, index as usize % CHUNK)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stale_slot_never_reaches_the_next_tenant() {
        let mut slots = Slots::default();
        let first = slots.insert('a');
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('b');
        assert_eq!(first.index, second.index);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get_mut(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn an_invented_slot_is_nobody() {
        let mut slots = Slots::default();
        slots.insert(());
        for (index, generation) in [(u32::MAX, u32::MAX), (0, 1), (1, 0), (7, 9)] {
            assert_eq!(slots.get(Slot { index, generation }), None);
        }
    }

    #[test]
    fn tenants_live_close_together() {
        let mut slots = Slots::default();
        for tenant in 0..10_000 {
            assert_eq!(slots.insert(tenant).index, tenant);
        }
        for index in (0..10_000).step_by(100) {
            slots.remove(slots.tenant_at(index).expect("a tenant"));
        }
        let indexes: Vec<u32> = (0..100).map(|tenant| slots.insert(tenant).index).collect();
        assert_eq!(indexes, (0..10_000).step_by(100).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_burst_has_taken_is_given_back_once_it_is_over() {
        let mut slots = Slots::default();
        let first = slots.insert(0);
        let burst: Vec<Slot> = (1..10_000).map(|tenant| slots.insert(tenant)).collect();
        burst.into_iter().for_each(|slot| assert!(slots.remove(slot).is_some()));
        assert_eq!(slots.chunks.iter().flatten().count(), 1);
        assert_eq!(slots.get(first), Some(&0));
    }

    proptest! {
        #[test]
        fn slots_hold_what_a_map_holds(steps in prop::collection::vec(0_u16..1_000, 0..1_000)) {
            let (mut slots, mut model) = (Slots::default(), BTreeMap::new());
            for step in steps {
                // Twice as many move in as out.
                match model.keys().nth(usize::from(step)).copied().filter(|_| step % 3 == 0) {
                    Some(slot) => prop_assert_eq!(slots.remove(slot), model.remove(&slot)),
                    None => {
                        let expected = slots.vacant();
                        prop_assert_eq!(slots.insert(step), expected);
                        prop_assert!(model.insert(expected, step).is_none());
                    }
                }
                prop_assert_eq!(slots.len(), model.len());
            }
            let all: BTreeMap<Slot, u16> = slots.iter().map(|(slot, &tenant)| (slot, tenant)).collect();
            prop_assert_eq!(&all, &model);
            for (slot, tenant) in model {
                prop_assert_eq!(slots.get(slot), Some(&tenant));
                prop_assert_eq!(slots.tenant_at(slot.index), Some(slot));
            }
        }
    }
}
