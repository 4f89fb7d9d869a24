//! Transactions by slot and generation: an id costs no look-up, and one that outlived its transaction is recognised.

/// Names one server transaction; never equal to an earlier one of the same table (until 2^32 reuses of a slot).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub(super) Slot);

/// Names one client transaction. It travels in the branch of our Via as a `u64`.
///
/// A peer can guess one, so whoever reads it back from a branch must know by a keyed check beside it that the branch
/// is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub(super) Slot);

impl From<ClientId> for u64 {
    fn from(id: ClientId) -> u64 {
        u64::from(id.0.index) << 32 | u64::from(id.0.generation)
    }
}

impl From<u64> for ClientId {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are taken apart")]
    fn from(value: u64) -> ClientId {
        ClientId(Slot { index: (value >> 32) as u32, generation: value as u32 })
    }
}

/// A place in [`Slots`] and which of its successive tenants is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) index: u32,
    generation: u32,
}

/// A vector whose freed places are used again. It keeps the room of its busiest moment.
#[derive(Debug)]
pub(super) struct Slots<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Slots<T> {
        Slots { places: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The slot that the next tenant will have.
    pub(super) fn vacant(&self) -> Slot {
        match self.free.last() {
            Some(&index) => Slot { index, generation: self.places[index as usize].generation },
            None => Slot { index: self.end(), generation: 0 },
        }
    }

    pub(super) fn insert(&mut self, tenant: T) -> Slot {
        let slot = self.vacant();
        if self.free.pop().is_some() {
            self.places[slot.index as usize].tenant = Some(tenant);
        } else {
            self.places.push(Place { generation: slot.generation, tenant: Some(tenant) });
        }
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        let place = self.places.get(slot.index as usize)?;
        if place.generation == slot.generation { place.tenant.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation == slot.generation { place.tenant.as_mut() } else { None }
    }

    fn end(&self) -> u32 {
        // Owners of deadlines are numbered in u32 with one bit for their side.
        u32::try_from(self.places.len()).ok().filter(|index| *index < 1 << 31).expect("memory ends before 2^31 places")
    }

    /// The slot of the tenant who lives at `index` now.
    pub(super) fn tenant_at(&self, index: u32) -> Option<Slot> {
        let place = self.places.get(index as usize)?;
        place.tenant.as_ref().map(|_| Slot { index, generation: place.generation })
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation != slot.generation {
            return None;
        }
        let tenant = place.tenant.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot.index);
        Some(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_slot_never_reaches_the_next_tenant() {
        let mut slots = Slots::new();
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
    fn an_id_survives_its_way_through_a_branch() {
        let mut slots = Slots::new();
        let first = slots.insert(());
        slots.remove(first);
        slots.insert(());
        let id = ClientId(slots.insert(()));
        assert_eq!(ClientId::from(u64::from(id)), id);
        assert_eq!(size_of::<ClientId>(), 8);
    }

    #[test]
    fn an_invented_id_is_nobody() {
        let mut slots = Slots::new();
        slots.insert(());
        for value in [u64::MAX, 1, 1 << 32, 7 << 32 | 9] {
            assert_eq!(slots.get(ClientId::from(value).0), None);
        }
    }
}
