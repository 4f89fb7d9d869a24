//! Randomness that a record repeats: a draw of 64 bits becomes a stream.

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `0..count`, `count` above zero: draws from the incomplete last block of `count` are thrown away. The
    /// stream runs through all 64-bit values, so that an acceptable one comes.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        let incomplete = (u64::MAX % count + 1) % count;
        loop {
            let draw = self.next();
            if draw <= u64::MAX - incomplete {
                return draw % count;
            }
        }
    }
}
