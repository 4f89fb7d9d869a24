//! Single values.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that any thread raises and any thread reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Raises the count.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes back what was added: for what is in a queue and leaves it.
    pub fn take(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A count that one thread raises and any thread reads: a load and a store, where [`Counter`] needs a locked
/// instruction of some 5 ns. Raised by two threads it loses counts.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Raises the count.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that rises and falls: one thread sets it and any thread reads it.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// Sets the value.
    pub fn set(&self, value: usize) {
        self.0.store(value as u64, Ordering::Relaxed);
    }

    /// The value of now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
