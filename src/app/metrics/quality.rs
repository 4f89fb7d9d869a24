//! What became of the calls of each trunk: whoever reads it makes ratios of it. Trunks without calls are left out.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{buckets, histograms, labelled};
use crate::admin::{MetricFamily, MetricHistogram, MetricKind};
use crate::counters::{CallCounters, EngineCounters, HistogramValues, MICROSECOND};

/// One way of a trunk's calls, over all shards.
#[derive(Default)]
struct OneWay {
    seizures: u64,
    answered: u64,
    durations: HistogramValues<MICROSECOND>,
}

impl OneWay {
    fn add(&mut self, counters: &CallCounters) {
        self.seizures += counters.seizures.get();
        self.answered += counters.answered.get();
        self.durations = self.durations.plus(&counters.durations.values());
    }
}

pub(super) fn families(shards: &[Arc<EngineCounters>]) -> [MetricFamily; 4] {
    let mut ways: BTreeMap<(Arc<str>, &str), OneWay> = BTreeMap::new();
    let mut delays: BTreeMap<Arc<str>, HistogramValues> = BTreeMap::new();
    for (trunk, counters) in shards.iter().flat_map(|shard| shard.trunks.all()) {
        ways.entry((trunk.clone(), "from")).or_default().add(&counters.calls_from);
        ways.entry((trunk.clone(), "to")).or_default().add(&counters.calls_to);
        let delay = delays.entry(trunk).or_default();
        *delay = delay.plus(&counters.post_dial_delay.values());
    }
    ways.retain(|_, way| way.seizures > 0);
    delays.retain(|_, delay| delay.count() > 0);
    let labels =
        |trunk: &Arc<str>, direction: &str| vec![("trunk", trunk.to_string()), ("direction", direction.to_owned())];
    let counter = |name, help, value: fn(&OneWay) -> u64| {
        let values = ways.iter().map(|((trunk, direction), way)| (labels(trunk, direction), value(way)));
        labelled(name, help, MetricKind::Counter, values)
    };
    let durations: Vec<MetricHistogram> = ways
        .iter()
        .map(|((trunk, direction), way)| buckets(labels(trunk, direction), &way.durations, DURATION))
        .collect();
    let delays: Vec<MetricHistogram> =
        delays.iter().map(|(trunk, delay)| buckets(vec![("trunk", trunk.to_string())], delay, DELAY)).collect();
    [
        counter("trunk_seizures", "Calls sent to a target, by the trunk they came from or went to", |way| way.seizures),
        counter("trunk_answered", "Of these, answered with 2xx", |way| way.answered),
        histograms("trunk_call_duration_seconds", "Time from the 2xx of a call to its end", durations),
        histograms(
            "trunk_post_dial_delay_seconds",
            "Time from when the INVITE of a call to a trunk was taken up to what the caller first heard of it",
            delays,
        ),
    ]
}

/// From 1 s to 5 hours and a half: those without BYE are longer, and closed after `sip.call_expires`.
const DURATION: RangeInclusive<u64> = 1_000_000_000..=20_000_000_000_000;

/// From 10 ms, which only machines answer in, to 50 s: nobody waits longer in silence.
const DELAY: RangeInclusive<u64> = 10_000_000..=50_000_000_000;
