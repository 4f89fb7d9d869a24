//! Sets as bytes: the containers as they lie in memory, in the order of their numbers.

use std::io::{self, Read, Write};

use super::NumberSet;
use super::arena::{Arena, ArenaBuilder, Place};
use super::container::Slot;

impl NumberSet {
    /// Writes the set; equal sets give equal bytes, whatever they were made of.
    pub(in crate::lists) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let containers = self.directory.iter().count() as u64;
        out.write_all(bytemuck::bytes_of(&containers))?;
        for (high, slot) in self.directory.iter() {
            out.write_all(bytemuck::bytes_of(&[high, u64::from(slot.shape())]))?;
        }
        for (_, slot) in self.directory.iter() {
            out.write_all(bytemuck::cast_slice(self.data(slot)))?;
        }
        Ok(())
    }

    /// Reads what [`NumberSet::write_to`] wrote. Allocates no more than what is there, whatever counts it is told; `None`:
    /// there is no such set.
    pub(in crate::lists) fn read_from(input: &mut impl Read) -> io::Result<Option<StoredSet>> {
        let mut count = [0u64];
        input.read_exact(bytemuck::cast_slice_mut(&mut count))?;
        let mut shapes = Vec::new();
        for _ in 0..count[0] {
            let mut pair = [0u64; 2];
            input.read_exact(bytemuck::cast_slice_mut(&mut pair))?;
            let slot = u32::try_from(pair[1]).ok().and_then(|shape| Slot::from_shape(Place::ZERO, shape));
            match slot {
                Some(slot) => shapes.push((pair[0], slot)),
                None => return Ok(None),
            }
        }
        let mut arena = ArenaBuilder::default();
        let mut containers = Vec::with_capacity(shapes.len());
        let mut rest = &shapes[..];
        while !rest.is_empty() {
            let mut words = 0;
            let piece = rest.iter().take_while(|(_, slot)| {
                words += slot.words();
                words <= PIECE_WORDS
            });
            let (piece, after) = rest.split_at(piece.count());
            let words = piece.iter().map(|(_, slot)| slot.words()).sum();
            let (mut place, out) = arena.room(words);
            let start = out.len();
            out.resize(start + words, 0);
            input.read_exact(bytemuck::cast_slice_mut(&mut out[start..]))?;
            for (high, slot) in piece {
                containers.push((*high, slot.at(place), 0));
                place = place.after(slot.words());
            }
            rest = after;
        }
        Ok(Some(StoredSet { containers, arena: arena.finish() }))
    }
}

/// A set that was read and not yet compared with its digest.
pub(in crate::lists) struct StoredSet {
    containers: Vec<(u64, Slot, usize)>,
    arena: Arena,
}

impl StoredSet {
    /// The set; for bytes that [`NumberSet::write_to`] has written.
    pub(in crate::lists) fn verified(mut self) -> NumberSet {
        for (_, slot, count) in &mut self.containers {
            *count = slot.view(self.arena.from(slot.place)).len();
        }
        NumberSet::of(&self.containers, self.arena)
    }
}

/// Read at once: 1 MiB, a thousand containers and more.
const PIECE_WORDS: usize = 1 << 17;
