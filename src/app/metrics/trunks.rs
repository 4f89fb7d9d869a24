//! What is shown of trunks and their targets. Labels name what stands in the config, or what DNS makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::admin::{MetricFamily, MetricKind};
use crate::counters::{EngineCounters, Limit};
use crate::reach::{Place, Reach, Standing, State};
use crate::screen::{TrunkId, TrunkState, World};
use crate::sip::Target;
use crate::usage::Usage;

pub(super) fn families(
    world: &World,
    usage: &Usage,
    reach: &Reach,
    shards: &[Arc<EngineCounters>],
) -> impl Iterator<Item = MetricFamily> {
    let trunks = &world.policy.trunks;
    let live = trunks.iter().flat_map(|trunk| {
        let calls = usage.trunk_calls(&trunk.name);
        [("from", calls.from), ("to", calls.to)]
            .map(|(direction, calls)| (vec![("trunk", trunk.name.to_string()), ("direction", direction.into())], calls))
    });
    let load = trunks.iter().map(|trunk| (vec![("trunk", trunk.name.to_string())], usage.load(&trunk.name).seats()));
    let states = (0..).map(TrunkId).take(trunks.len()).flat_map(|id| {
        let (name, now) = (world.policy.trunk(id).name.to_string(), world.trunk_state(id));
        TrunkState::ALL
            .map(|state| (vec![("trunk", name.clone()), ("state", state.as_str().into())], u64::from(state == now)))
    });
    let calls = [
        super::labelled(
            "trunk_state",
            "1 for what a trunk is used for, as somebody has set it",
            MetricKind::Gauge,
            states,
        ),
        super::labelled("trunk_calls", "Calls of a trunk that are up", MetricKind::Gauge, live),
        super::labelled(
            "trunk_load",
            "Calls of a trunk that are being set up or up, either way",
            MetricKind::Gauge,
            load,
        ),
        super::labelled(
            "trunk_limited",
            "Calls refused because a trunk has no place for them",
            MetricKind::Counter,
            limited(shards),
        ),
    ];
    calls.into_iter().chain(targets(reach))
}

fn limited(shards: &[Arc<EngineCounters>]) -> BTreeMap<Vec<(&'static str, String)>, u64> {
    let mut sums = BTreeMap::new();
    for (trunk, counters) in shards.iter().flat_map(|shard| shard.trunks.all()) {
        for (limit, name) in [(Limit::Calls, "max_calls"), (Limit::Rate, "max_cps")] {
            let count = counters.limited(limit).get();
            if count > 0 {
                *sums.entry(vec![("trunk", trunk.to_string()), ("limit", name.to_owned())]).or_default() += count;
            }
        }
    }
    sums
}

/// The addresses that are probed. A name is up as long as one of its addresses is.
fn targets(reach: &Reach) -> [MetricFamily; 4] {
    let mut places = reach.all();
    places.retain(|(place, _)| matches!(place.target, Target::Address { .. }));
    let each = |name, help, kind, value: fn(&Standing) -> u64| {
        let values = places.iter().map(|(Place { trunk, target }, standing)| {
            (vec![("trunk", trunk.to_string()), ("target", target.to_string())], value(standing))
        });
        super::labelled(name, help, kind, values)
    };
    [
        each("target_up", "1 if calls go to a target, 0 if it is down", MetricKind::Gauge, |standing| {
            u64::from(standing.state() != State::Down)
        }),
        each("target_probes", "Probes sent to a target", MetricKind::Counter, |standing| standing.probes.sent.get()),
        each("target_probes_failed", "Probes without an answer, or answered 503 or 408", MetricKind::Counter, |it| {
            it.probes.failed.get()
        }),
        each("target_state_changes", "Times that a target's state changed", MetricKind::Counter, |standing| {
            standing.probes.changes.get()
        }),
    ]
}
