//! How long things take.

use std::time::Duration;

use super::Counter;

/// The upper ends of the buckets, in nanoseconds: 1, 2 and 5 of each power of ten from 1 µs to 200 s, which holds what a
/// decision takes as well as how long people let it ring.
pub const BOUNDS: [u64; BUCKETS] = {
    let mut bounds = [0; BUCKETS];
    let mut at = 0;
    let mut power = 1_000;
    while at < BUCKETS {
        bounds[at] = power * [1, 2, 5][at % 3];
        if at % 3 == 2 {
            power *= 10;
        }
        at += 1;
    }
    bounds
};

const BUCKETS: usize = 26;

/// Durations by size. Any thread adds to it: nothing here is measured for each message.
#[derive(Debug, Default)]
pub struct Histogram {
    /// By bucket; the last holds what is longer than all bounds.
    counts: [Counter; BUCKETS + 1],
    nanoseconds: Counter,
}

/// What a histogram has, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistogramValues {
    /// How many durations each bucket of [`BOUNDS`] has, and what is longer than all.
    pub counts: [u64; BUCKETS + 1],
    /// All durations together.
    pub nanoseconds: u64,
}

impl Histogram {
    /// Adds one duration.
    pub fn add(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|&bound| bound < nanoseconds)].add(1);
        self.nanoseconds.add(nanoseconds);
    }

    /// What it has.
    pub fn values(&self) -> HistogramValues {
        HistogramValues { counts: std::array::from_fn(|at| self.counts[at].get()), nanoseconds: self.nanoseconds.get() }
    }
}

impl HistogramValues {
    /// Both together.
    pub fn plus(&self, other: &HistogramValues) -> HistogramValues {
        HistogramValues {
            counts: std::array::from_fn(|at| self.counts[at] + other.counts[at]),
            nanoseconds: self.nanoseconds + other.nanoseconds,
        }
    }

    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_go_up_from_a_microsecond_to_two_hundred_seconds() {
        assert_eq!((BOUNDS[0], BOUNDS[1], BOUNDS[2], BOUNDS[3]), (1_000, 2_000, 5_000, 10_000));
        assert_eq!(BOUNDS[BUCKETS - 1], 200_000_000_000);
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for nanoseconds in [0, 1_000, 1_001, 200_000_000_001] {
            histogram.add(Duration::from_nanos(nanoseconds));
        }
        let values = histogram.values();
        assert_eq!((values.counts[0], values.counts[1], values.counts[BUCKETS]), (2, 1, 1));
        assert_eq!((values.count(), values.nanoseconds), (4, 200_000_002_002));
        assert_eq!(values.plus(&values).count(), 8);
    }
}
