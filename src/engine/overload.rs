//! Calls that are refused because there are too many (RFC 3261 section 21.5.4). Which they are, and which of them hear of
//! it, the network says.

use rand::RngExt;

use super::memory::AnswerText;
use super::shard::Engine;
use crate::flow::Flow;
use crate::screen::World;
use crate::sip::{Request, phrase};
use crate::time::Now;

/// Seconds after which a caller may try again. They are drawn, or all would come back together; and they are few, since
/// some peers send nothing at all meanwhile.
const RETRY_AFTER: std::ops::RangeInclusive<u32> = 1..=4;

impl Engine {
    /// Refuses a new call that the network has no time for; one that has been here gets what it got. What is refused
    /// without a word is forgotten: should it come again, it is judged.
    pub(super) fn refuse(&mut self, now: Now, world: &World, flow: Flow, request: Request, is_told: bool) {
        let arrival = self.arrival(&world.policy, request, flow);
        if self.handle_retransmission(now, &arrival) {
            return;
        }
        if self.trunk_of(&world.policy, &flow).is_none() {
            return self.counters.unknown_source.add(1);
        }
        if !is_told {
            return self.counters.overload_unanswered.add(1);
        }
        self.counters.overload_answered.add(1);
        let extra = format!("Retry-After: {}\r\n", self.rng.random_range(RETRY_AFTER)).into_bytes();
        if flow.transport.is_reliable() {
            // It will not come again, and a flood of them must not displace the answers to those that do.
            self.answer_once(&arrival, &AnswerText { status: 503, phrase: phrase(503).into(), extra });
        } else {
            self.answer(now, &arrival, 503, phrase(503), extra);
        }
    }
}
