//! Random bytes from a seed, so that a run can be repeated.

/// xorshift64*.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 32).expect("32 bits") % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// Pure noise, up to what a datagram on an Ethernet holds.
    pub(crate) fn noise(&mut self, into: &mut Vec<u8>) {
        into.clear();
        let length = self.below(1_472);
        while into.len() < length {
            into.extend_from_slice(&self.next().to_be_bytes());
        }
    }

    /// A message with something wrong: bytes changed, cut off, or a part of it twice.
    pub(crate) fn mutated(&mut self, message: &[u8], into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(message);
        match self.below(4) {
            0 => into.truncate(self.below(message.len())),
            1 => {
                let (from, to) = (self.below(message.len()), self.below(message.len()));
                into.extend_from_slice(&message[from.min(to)..from.max(to)]);
            }
            _ => {
                for _ in 0..=self.below(4) {
                    let at = self.below(into.len());
                    into[at] = self.byte();
                }
            }
        }
    }
}
