//! What is shown of rules beside what they decide.

use crate::admin::{MetricFamily, MetricKind};
use crate::screen::{Mode, World};

/// Which mode each rule has.
pub(super) fn modes(world: &World) -> MetricFamily {
    let modes = world.policy.rules().flat_map(|(id, rule)| {
        let now = world.mode(id);
        Mode::ALL.map(|mode| {
            let labels = vec![("rule", rule.name.to_string()), ("mode", mode.as_str().into())];
            (labels, u64::from(mode == now))
        })
    });
    super::labelled("rule_mode", "1 for the mode that a rule has, of the config or by hand", MetricKind::Gauge, modes)
}
