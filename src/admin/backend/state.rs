//! Whether the program works, and what it counts.

use serde::Serialize;

/// One part of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthDetail {
    /// Which.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What there is to know of it.
    pub detail: String,
}

/// The calls that a rule has matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RuleCalls {
    /// On which it has acted.
    pub decided: u64,
    /// On which it would have acted, had it not only observed.
    pub observed: u64,
}

/// What is counted under one name.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFamily {
    /// The name, without the `_total` of counters.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Whether it only rises.
    pub kind: MetricKind,
    /// The values. No label may hold a number, user name or address: labels are kept for ever by whoever reads them.
    pub samples: Vec<MetricSample>,
}

/// How a value behaves.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricKind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Durations by size; there are no samples beside them.
    Histogram(Vec<MetricHistogram>),
}

/// Durations by size.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricHistogram {
    /// What tells it from the others of its name.
    pub labels: Vec<(&'static str, String)>,
    /// All together, in seconds.
    pub sum: f64,
    /// Upper ends in seconds, rising, the last infinite, each with how many are above the one before.
    pub buckets: Vec<(f64, u64)>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSample {
    /// What tells it from the others of its name.
    pub labels: Vec<(&'static str, String)>,
    /// How much.
    pub value: u64,
}
