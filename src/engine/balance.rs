//! In which order a call tries the targets of its trunk.

use std::io::Write as _;

use rand::Rng;

use super::hash::keyed;
use super::shard::Engine;
use crate::screen::{LoadBalance, Trunk};

impl Engine {
    /// The positions of the trunk's targets in the order in which this call tries them; `None`: as they stand.
    pub(super) fn order_of_targets(&mut self, trunk: &Trunk, call_id: &[u8]) -> Option<Box<[usize]>> {
        match trunk.load_balance {
            _ if trunk.to.len() < 2 => None,
            LoadBalance::Ordered => None,
            LoadBalance::Weighted => Some(by_weight(trunk, |_| self.rng.next_u64())),
            // With the key no peer can choose Call-IDs that all go to one target.
            LoadBalance::CallHash => {
                let mut text = Vec::with_capacity(48);
                Some(by_weight(trunk, |target| {
                    text.clear();
                    let _ = write!(text, "{}", trunk.to[target]);
                    keyed(&self.config.keys.token, [b"target", call_id, &text])
                }))
            }
        }
    }
}

/// Each target waits for a time that is exponentially distributed, with its weight as rate; who has waited for the shortest
/// time comes first. So weights are the chances to be first, and among those left to be the next: with numbers that are
/// drawn this is a draw without return, with hashes it is rendezvous hashing, where a target that is left out moves the
/// calls of no other.
fn by_weight(trunk: &Trunk, mut number_of: impl FnMut(usize) -> u64) -> Box<[usize]> {
    let mut waits: Vec<(f64, usize)> = (0..trunk.to.len())
        .map(|target| (-unit(number_of(target)).ln() / f64::from(trunk.weight(target)), target))
        .collect();
    waits.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    waits.into_iter().map(|(_, target)| target).collect()
}

/// Between 0 and 1, neither included: a float has 53 bits.
fn unit(number: u64) -> f64 {
    ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}
