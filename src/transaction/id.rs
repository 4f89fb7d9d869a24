//! The ids of transactions.

use crate::slots::Slot;

/// Names one server transaction; never equal to an earlier one of the same table (until 2^32 others came between).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_way_through_a_branch() {
        let id = ClientId(Slot { index: 7, generation: u32::MAX - 1 });
        assert_eq!(ClientId::from(u64::from(id)), id);
        assert_eq!(size_of::<ClientId>(), 8);
    }
}
