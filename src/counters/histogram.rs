//! How long things take.

use std::time::Duration;

use super::Counter;

/// The upper ends of the buckets, in ticks: 1, 2 and 5 of each power of ten from a thousand ticks on.
const BOUNDS: [u64; BUCKETS] = {
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

/// A tick for what a decision takes as well as for how long people let it ring: buckets from 1 µs to 200 s.
pub const NANOSECOND: u64 = 1;

/// A tick for calls: buckets from 1 ms to 55 hours. The sum of what ten thousand of them last overflows after 58 years, and
/// in nanoseconds it would after 21 days.
pub const MICROSECOND: u64 = 1_000;

/// Durations by size, in ticks of so many nanoseconds. Any thread adds to it: nothing here is measured for each message.
#[derive(Debug, Default)]
pub struct Histogram<const TICK: u64 = NANOSECOND> {
    /// By bucket; the last holds what is longer than all bounds.
    counts: [Counter; BUCKETS + 1],
    ticks: Counter,
}

/// What a histogram has, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistogramValues<const TICK: u64 = NANOSECOND> {
    counts: [u64; BUCKETS + 1],
    ticks: u64,
}

impl<const TICK: u64> Histogram<TICK> {
    /// Adds one duration.
    pub fn add(&self, duration: Duration) {
        let ticks = u64::try_from(duration.as_nanos() / u128::from(TICK)).unwrap_or(u64::MAX);
        self.counts[BOUNDS.partition_point(|&bound| bound < ticks)].add(1);
        self.ticks.add(ticks);
    }

    /// What it has.
    pub fn values(&self) -> HistogramValues<TICK> {
        HistogramValues { counts: std::array::from_fn(|at| self.counts[at].get()), ticks: self.ticks.get() }
    }
}

impl<const TICK: u64> HistogramValues<TICK> {
    /// Both together.
    pub fn plus(&self, other: &HistogramValues<TICK>) -> HistogramValues<TICK> {
        HistogramValues {
            counts: std::array::from_fn(|at| self.counts[at] + other.counts[at]),
            ticks: self.ticks + other.ticks,
        }
    }

    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, in seconds.
    pub fn seconds(&self) -> f64 {
        self.ticks as f64 * TICK as f64 / 1e9
    }

    /// The mean, in seconds; `None` of nothing.
    pub fn mean_seconds(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.seconds() / count as f64)
    }

    /// The upper end of each bucket in nanoseconds, rising, with how many are in it; what is longer than all is left out.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        BOUNDS.iter().map(|bound| bound * TICK).zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_go_up_from_a_thousand_ticks_to_two_hundred_thousand_million() {
        assert_eq!((BOUNDS[0], BOUNDS[1], BOUNDS[2], BOUNDS[3]), (1_000, 2_000, 5_000, 10_000));
        assert_eq!(BOUNDS[BUCKETS - 1], 200_000_000_000);
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::<NANOSECOND>::default();
        for nanoseconds in [0, 1_000, 1_001, 200_000_000_001] {
            histogram.add(Duration::from_nanos(nanoseconds));
        }
        let values = histogram.values();
        assert_eq!((values.counts[0], values.counts[1], values.counts[BUCKETS]), (2, 1, 1));
        assert_eq!((values.count(), values.ticks), (4, 200_000_002_002));
        assert_eq!(values.plus(&values).count(), 8);
    }

    #[test]
    fn a_longer_tick_holds_longer_durations() {
        let histogram = Histogram::<MICROSECOND>::default();
        assert_eq!(histogram.values().mean_seconds(), None);
        for hours in [1, 2] {
            histogram.add(Duration::from_secs(3_600 * hours));
        }
        let values = histogram.values();
        let full: Vec<(u64, u64)> = values.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(full, [(5_000_000_000_000, 1), (10_000_000_000_000, 1)]);
        assert_eq!(values.mean_seconds(), Some(5_400.0));
    }
}
