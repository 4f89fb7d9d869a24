//! Whether a dialler's calls can go on without a campaign that looks at their callees.

use super::Compiler;
use crate::lists::Entry;
use crate::screen::compile::callee_of;
use crate::screen::config::RouteConfig;
use crate::screen::policy::{Mode, Route, Rule, TrunkId};
use crate::screen::problem::Notice;

impl Compiler<'_> {
    /// Warns of each route that calls of a dialler's trunk reach unscreened. Which trunks are a dialler's is said by the
    /// campaigns that name them.
    pub(super) fn check_coverage(&mut self, campaigns: &[Rule], configs: &[RouteConfig]) {
        let mut diallers: Vec<TrunkId> = campaigns.iter().flat_map(|rule| rule.trunks.0.iter().copied()).collect();
        diallers.sort_unstable();
        diallers.dedup();
        for (route, config) in self.policy.routes.iter().zip(configs) {
            for &dialler in diallers.iter().filter(|dialler| route.trunks.holds(**dialler)) {
                if !self.is_covered(campaigns, dialler, route) {
                    let trunk = self.policy.trunk(dialler).name.clone();
                    let notice = Notice::Uncovered { trunk, route: route.name.clone() };
                    self.notices.push((config.name.span(), notice));
                }
            }
        }
    }

    fn is_covered(&self, campaigns: &[Rule], dialler: TrunkId, route: &Route) -> bool {
        let covering: Vec<&Rule> = campaigns.iter().filter(|rule| asks_all(rule, dialler, route)).collect();
        if covering.iter().any(|rule| rule.called.is_none()) {
            return true;
        }
        let Some(called) = &route.called else { return false };
        called.0.iter().all(|callees| {
            let held =
                |rule: &&Rule| rule.called.as_ref().is_some_and(|own| own.0.iter().any(|own| holds(own, callees)));
            self.is_emergency(callees) || covering.iter().any(held)
        })
    }

    /// Calls there are never screened.
    fn is_emergency(&self, callees: &Entry) -> bool {
        callee_of(callees).is_some_and(|callee| self.policy.never_block.holds(&callee.party()))
    }
}

/// Whether a campaign asks about all calls that come from this trunk and take this route, callees aside.
fn asks_all(rule: &Rule, dialler: TrunkId, route: &Route) -> bool {
    rule.mode == Mode::Enforce
        && rule.trunks.holds(dialler)
        && (rule.callers.is_none() || rule.callers == route.callers)
        && (rule.header.is_none() || rule.header == route.header)
}

/// Whether all callees that `inner` stands for are among those of `outer`.
fn holds(outer: &Entry, inner: &Entry) -> bool {
    match (outer, inner) {
        (outer, inner) if outer == inner => true,
        (Entry::Prefix(outer), Entry::Prefix(inner)) => {
            inner.digits() >= outer.digits()
                && inner.value() / 10u64.pow(inner.digits() - outer.digits()) == outer.value()
        }
        (Entry::Prefix(outer), Entry::Range(inner)) => {
            inner.first().digits() == inner.last().digits()
                && outer.contains(inner.first())
                && outer.contains(inner.last())
        }
        (Entry::Range(outer), Entry::Range(inner)) => outer.contains(inner.first()) && outer.contains(inner.last()),
        (outer, inner) => callee_of(inner).is_some_and(|callee| outer.matches(&callee.party())),
    }
}
