//! What becomes of calls, counted for both of their trunks.

use std::sync::Arc;
use std::time::Duration;

use super::counting::Counting;
use super::proxy::{Open, Plan};
use crate::counters::{CallCounters, TrunkCounters};
use crate::screen::TrunkId;
use crate::sip::Method;
use crate::time::Now;

/// The counters of the two trunks of a call. The call holds them: a reload may take its trunks out of the policy.
#[derive(Debug, Clone)]
pub(super) struct Between {
    from: Arc<TrunkCounters>,
    to: Arc<TrunkCounters>,
}

impl Between {
    /// Of two trunks of the policy that is followed.
    pub(super) fn new(counting: &Counting, from: TrunkId, to: TrunkId) -> Between {
        Between { from: counting.of(from), to: counting.of(to) }
    }

    /// The call is sent to the first of its targets.
    pub(super) fn seized(&self) {
        self.each(|calls| calls.seizures.add(1));
    }

    /// The caller hears for the first time what became of the call, so long after its INVITE.
    pub(super) fn heard(&self, delay: Duration) {
        self.to.post_dial_delay.add(delay);
    }

    /// A 2xx is passed on.
    pub(super) fn answered(&self) {
        self.each(|calls| calls.answered.add(1));
    }

    /// The call is over.
    pub(super) fn ended(&self, duration: Duration) {
        self.each(|calls| calls.durations.add(duration));
    }

    fn each(&self, count: impl Fn(&CallCounters)) {
        count(&self.from.calls_from);
        count(&self.to.calls_to);
    }
}

impl Open {
    /// The caller hears of his call for the first time.
    pub(super) fn heard(&self, now: Now, method: Method) {
        if let Some(between) = self.plan.between(method) {
            between.heard(now.mono.saturating_duration_since(self.came_at));
        }
    }
}

impl Plan {
    /// Where a call is counted; `None` for what is none: any other request outside a dialog, and all that is inside one.
    pub(super) fn between(&self, method: Method) -> Option<&Between> {
        match self {
            Plan::Call(plan) if method == Method::Invite => Some(&plan.between),
            Plan::Call(_) | Plan::Dialog(_) => None,
        }
    }
}
