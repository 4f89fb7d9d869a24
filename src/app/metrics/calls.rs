//! What is counted by trunk, rule and list. Series that never counted anything are left out: most methods and codes never
//! come.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{histogram, labelled};
use crate::admin::{MetricFamily, MetricKind, RuleCalls};
use crate::counters::{Asked, By, EngineCounters, Histogram, HistogramValues, Tally, TrunkCounters};
use crate::screen::{ActionWord, VerdictKind};
use crate::sip::Method;

/// Values by their labels, added up over shards.
type Sums = BTreeMap<Vec<(&'static str, String)>, u64>;

pub(super) fn families(shards: &[Arc<EngineCounters>]) -> Vec<MetricFamily> {
    let (mut messages, mut answers, mut verdicts, mut observed) = Default::default();
    for shard in shards {
        for (trunk, counters) in shard.trunks.all() {
            add_messages(&mut messages, &trunk, &counters);
            add_answers(&mut answers, &trunk, &counters);
        }
        for ((rule, list), counters) in shard.verdicts.all() {
            let add = |sums: &mut Sums, label, word: &str, count| {
                add(sums, [("list", &*list), ("rule", &*rule), (label, word)], count);
            };
            for (kind, count) in VerdictKind::ALL.iter().zip(&counters.decided) {
                add(&mut verdicts, "verdict", kind.as_str(), count.get());
            }
            for (action, count) in ActionWord::ALL.iter().zip(&counters.observed) {
                add(&mut observed, "action", action.as_str(), count.get());
            }
        }
    }
    let counter = |name, help, sums: Sums| labelled(name, help, MetricKind::Counter, sums);
    vec![
        counter("messages", "Messages by trunk and method, retransmissions included", messages),
        counter(
            "answers",
            "Final answers to the requests of a trunk, without those that a retransmission was given again",
            answers,
        ),
        counter("verdicts", "Calls decided, by the rule and list that decided", verdicts),
        counter("observed", "Calls that a rule which only observes would have acted on", observed),
        histogram(
            "call_setup_seconds",
            "Time from when the INVITE of a call was taken up to its 2xx",
            &sum(shards, |shard| &shard.setup),
            SETUP,
        ),
    ]
}

/// The calls that rules have matched, by the rule's name.
pub(in crate::app) fn rule_calls(shards: &[Arc<EngineCounters>]) -> BTreeMap<Arc<str>, RuleCalls> {
    let mut calls: BTreeMap<Arc<str>, RuleCalls> = BTreeMap::new();
    for ((rule, _), counters) in shards.iter().flat_map(|shard| shard.verdicts.all()) {
        let of_rule = calls.entry(rule).or_default();
        of_rule.decided += counters.decided.iter().map(Tally::get).sum::<u64>();
        of_rule.observed += counters.observed.iter().map(Tally::get).sum::<u64>();
    }
    calls
}

fn add_messages(sums: &mut Sums, trunk: &str, counters: &TrunkCounters) {
    let directions = [
        ("in", "request", &counters.requests_in),
        ("in", "response", &counters.responses_in),
        ("out", "request", &counters.requests_out),
        ("out", "response", &counters.responses_out),
    ];
    for (direction, kind, traffic) in directions {
        for (method, count) in Method::ALL.iter().zip(traffic) {
            let method = if *method == Method::Other { "other" } else { method.as_str() };
            let labels = [("trunk", trunk), ("direction", direction), ("kind", kind), ("method", method)];
            add(sums, labels, count.get());
        }
    }
}

fn add_answers(sums: &mut Sums, trunk: &str, counters: &TrunkCounters) {
    for (asked, request) in [(Asked::Call, "call"), (Asked::Other, "other")] {
        for (by, origin) in [(By::Us, "own"), (By::NextHop, "passed_on")] {
            for (code, count) in counters.answers(asked, by).all() {
                let code = code.to_string();
                add(sums, [("trunk", trunk), ("request", request), ("origin", origin), ("code", &code)], count);
            }
        }
    }
}

fn add<const N: usize>(sums: &mut Sums, labels: [(&'static str, &str); N], count: u64) {
    if count > 0 {
        let labels = labels.map(|(label, value)| (label, value.to_owned())).to_vec();
        *sums.entry(labels).or_default() += count;
    }
}

fn sum(shards: &[Arc<EngineCounters>], of: fn(&EngineCounters) -> &Histogram) -> HistogramValues {
    shards.iter().fold(HistogramValues::default(), |sum, shard| sum.plus(&of(shard).values()))
}

/// From 10 ms, which only machines answer in, to 200 s, longer than Timer C.
const SETUP: std::ops::RangeInclusive<u64> = 10_000_000..=200_000_000_000;
