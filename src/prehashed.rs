//! Maps whose keys are keyed hashes already: to hash them once more would cost time and win nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

/// Makes [`PassThrough`]s.
pub type Prehashed = BuildHasherDefault<PassThrough>;

/// A map by keys that write one `u64`, which no peer can choose. It is made of many small ones: each grows and shrinks for
/// itself, so that no call waits while all of it moves.
#[derive(Debug)]
pub struct PrehashedMap<K, V> {
    parts: Box<[HashMap<K, V, Prehashed>; PARTS]>,
    len: usize,
}

/// With 100,000 entries the move of one part takes some 50 microseconds.
const PARTS: usize = 64;

/// Below this a part's room is not worth giving back.
const LEAST_CAPACITY: usize = 64;

impl<K, V> Default for PrehashedMap<K, V> {
    fn default() -> PrehashedMap<K, V> {
        PrehashedMap { parts: Box::new(std::array::from_fn(|_| HashMap::default())), len: 0 }
    }
}

impl<K: Hash + Eq, V> PrehashedMap<K, V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.parts[part_of(key)].get(key)
    }

    /// Whether there is a value of this key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Puts a value in; gives back the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let before = self.parts[part_of(&key)].insert(key, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let part = &mut self.parts[part_of(key)];
        let value = part.remove(key)?;
        self.len -= 1;
        if part.capacity() > LEAST_CAPACITY && part.len() * 8 < part.capacity() {
            part.shrink_to(LEAST_CAPACITY.max(part.len() * 2));
        }
        Some(value)
    }
}

/// Neither the lowest bits nor the highest, which choose a place inside the part.
fn part_of<K: Hash>(key: &K) -> usize {
    usize::try_from(Prehashed::default().hash_one(key) >> 40).map_or(0, |bits| bits % PARTS)
}

/// Takes over the one `u64` that a key writes.
#[derive(Debug, Default, Clone)]
pub struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only keys that write one u64 are hashed here");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_gives_back_what_it_took_and_the_room_for_it() {
        let hash = |key: u64| key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut map = PrehashedMap::default();
        for key in 0..100_000 {
            assert_eq!(map.insert(hash(key), key), None);
        }
        assert_eq!((map.len(), map.insert(hash(7), 7)), (100_000, Some(7)));
        for key in 0..100_000 {
            assert_eq!(map.get(&hash(key)), Some(&key));
            assert_eq!(map.remove(&hash(key)), Some(key));
        }
        assert!(map.is_empty() && map.remove(&hash(7)).is_none());
        assert!(map.parts.iter().all(|part| part.capacity() <= 2 * LEAST_CAPACITY));
    }
}
