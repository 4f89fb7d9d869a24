//! What is shown of the pools that routes present numbers from. Labels name lists, never what is in them.

use crate::admin::{MetricFamily, MetricKind};
use crate::screen::World;
use crate::time::WallTime;
use crate::usage::Usage;

pub(in crate::app) fn family(world: &World, usage: &Usage, now: WallTime) -> MetricFamily {
    let resting = usage.showings.resting(now);
    let pools = world.pools().map(|(list, _)| {
        let rests = resting.iter().filter(|&&number| world.is_in_pool(list, number)).count();
        (vec![("pool", world.lists[list].name().to_string())], rests as u64)
    });
    super::labelled(
        "pool_resting",
        "Numbers of a pool that networks have refused and that rest",
        MetricKind::Gauge,
        pools,
    )
}
