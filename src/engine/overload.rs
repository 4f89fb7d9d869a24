//! Calls that are refused because there are too many (RFC 3261 section 21.5.4): a few callers are told, and when to try
//! again; the others hear nothing, since an answer costs a quarter of a call.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rand::RngExt;

use super::counting::asked;
use super::memory::AnswerText;
use super::request::Arrival;
use super::shard::Engine;
use crate::counters::By;
use crate::flow::Flow;
use crate::screen::{Policy, TrunkId, World};
use crate::sip::{Request, phrase};
use crate::time::Now;

/// The refusals that each trunk has been told of.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Weak, so that an old policy does not live until the next refusal.
    policy: Weak<Policy>,
    /// By [`TrunkId`]: when it may be told all at once again.
    full_at: Vec<Option<Instant>>,
}

/// A trunk is told of so many refusals a second: enough for its own overload control (RFC 7339 is not spoken), and for
/// the log of its operator.
const PER_SECOND: u32 = 100;

/// And of no more than a fifth of a second's worth at once.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Seconds after which a caller may try again. They are drawn, or all would come back together; and they are few, since
/// some peers send nothing at all meanwhile.
const RETRY_AFTER: std::ops::RangeInclusive<u32> = 1..=4;

impl Refusals {
    fn may_tell(&mut self, now: Instant, policy: &Arc<Policy>, trunk: TrunkId) -> bool {
        if self.policy.as_ptr() != Arc::as_ptr(policy) {
            self.policy = Arc::downgrade(policy);
            self.full_at = vec![None; policy.trunks.len()];
        }
        let full_at = &mut self.full_at[usize::from(trunk.0)];
        let next = full_at.map_or(now, |at| at.max(now)) + Duration::from_secs(1) / PER_SECOND;
        let may = next.saturating_duration_since(now) <= AT_ONCE;
        if may {
            *full_at = Some(next);
        }
        may
    }
}

impl Engine {
    /// Refuses a new call that the network has no time for. Nothing is kept of it: should it come again, it is judged.
    pub(super) fn refuse(&mut self, now: Now, world: &World, flow: Flow, request: Request) {
        let arrival = Arrival::new(&self.config.keys, request, flow);
        // One that is under way already gets its answer.
        if self.transactions.server(&arrival.key).is_some() || self.memory.find(&arrival.key).is_some() {
            return self.counters.retransmissions.add(1);
        }
        let Some(trunk) = world.policy.trunk_of(flow.peer, flow.transport) else {
            return self.counters.unknown_source.add(1);
        };
        if !self.refusals.may_tell(now.mono, &world.policy, trunk) {
            return self.counters.overload_untold.add(1);
        }
        self.counters.overload_refused.add(1);
        self.counting.answered(&flow, asked(&arrival.request), By::Us, 503);
        let extra = format!("Retry-After: {}\r\n", self.rng.random_range(RETRY_AFTER)).into_bytes();
        self.reply(&arrival, &AnswerText { status: 503, phrase: phrase(503).into(), extra });
    }
}
