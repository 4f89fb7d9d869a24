//! Latencies.

use std::time::Duration;

/// Every one of them: a minute at 10,000 calls a second takes 2.4 MB.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// One line of percentiles in milliseconds.
    pub(crate) fn print(&mut self, name: &str) {
        self.0.sort_unstable();
        let Some(last) = self.0.len().checked_sub(1) else { return };
        let at = |permille: usize| f64::from(self.0[last * permille / 1000]) / 1000.0;
        println!(
            "{name:<28} p50 {:8.3}  p90 {:8.3}  p99 {:8.3}  p99.9 {:8.3}  max {:8.3} ms",
            at(500),
            at(900),
            at(990),
            at(999),
            at(1000)
        );
    }
}
