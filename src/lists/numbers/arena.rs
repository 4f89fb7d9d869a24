//! [`Arena`]: words in large chunks, which arenas share.

use std::sync::Arc;

/// Where in an arena something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) const ZERO: Place = Place(0);

    /// The place so many words further on in its chunk.
    pub(super) fn after(self, words: usize) -> Place {
        Place(self.0 + u32::try_from(words).expect("a container has at most 1024 words"))
    }

    const fn chunk(self) -> usize {
        (self.0 >> CHUNK_BITS) as usize
    }

    const fn offset(self) -> usize {
        self.0 as usize & (CHUNK_WORDS - 1)
    }
}

/// Frozen words. A clone shares all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Arena {
    /// An `Arc<[u64]>` would have to be copied into, and a chunk is as large as memory is spare.
    chunks: Vec<Arc<Vec<u64>>>,
}

impl Arena {
    /// The words from a place on, up to the end of its chunk.
    #[inline]
    pub(super) fn from(&self, place: Place) -> &[u64] {
        &self.chunks[place.chunk()][place.offset()..]
    }

    /// All words, also those that nobody refers to any more.
    pub(super) fn words(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }
}

/// Appends to an arena.
#[derive(Debug, Clone, Default)]
pub(super) struct ArenaBuilder {
    done: Vec<Arc<Vec<u64>>>,
    open: Vec<u64>,
}

impl ArenaBuilder {
    /// Goes on where another arena ends, which it shares.
    pub(super) fn after(arena: &Arena) -> ArenaBuilder {
        ArenaBuilder { done: arena.chunks.clone(), open: Vec::new() }
    }

    /// Makes room for `words` in one piece; where they will begin, and what to append them to.
    pub(super) fn room(&mut self, words: usize) -> (Place, &mut Vec<u64>) {
        if self.open.len() + words > CHUNK_WORDS {
            self.seal();
        }
        if self.open.capacity() < self.open.len() + words {
            // Growing to twice the size would go beyond the chunk.
            let grown = (2 * self.open.len()).clamp(self.open.len() + words, CHUNK_WORDS);
            self.open.reserve_exact(grown - self.open.len());
        }
        (self.next(), &mut self.open)
    }

    /// All words so far, for others to refer to.
    pub(super) fn words(&self, place: Place) -> &[u64] {
        let chunk = self.done.get(place.chunk()).map_or(&self.open, |chunk| &**chunk);
        &chunk[place.offset()..]
    }

    pub(super) fn finish(mut self) -> Arena {
        self.open.shrink_to_fit();
        if !self.open.is_empty() {
            self.seal();
        }
        Arena { chunks: self.done }
    }

    fn seal(&mut self) {
        self.done.push(Arc::new(std::mem::take(&mut self.open)));
    }

    fn next(&self) -> Place {
        let chunk = u32::try_from(self.done.len()).ok().filter(|chunk| *chunk < 1 << (32 - CHUNK_BITS));
        let chunk = chunk.expect("32 GiB of one list are beyond any registry and any machine that reads one");
        let offset = u32::try_from(self.open.len()).expect("a chunk has fewer words");
        Place(chunk << CHUNK_BITS | offset)
    }
}

const CHUNK_BITS: u32 = 22;
/// 32 MiB: from this size on glibc's allocator maps each piece for itself, so that a list that is dropped gives its
/// memory back to the system at once, and no smaller piece keeps it.
pub(super) const CHUNK_WORDS: usize = 1 << CHUNK_BITS;
