//! What a call that screening lets through may still find at its trunks: no place within their limits, or no target that
//! answers.
//!
//! The verdict stays what it is, so that records can be repeated: limits and reach are of the moment. A count that is read
//! by the decision and written after it would let through as many calls too many as there are shards, so places are taken
//! here, in one step.

use std::sync::Arc;

use super::memory::AnswerText;
use super::shard::Engine;
use crate::counters::Limit;
use crate::reach::Place;
use crate::screen::{Passage, Policy, TrunkId};
use crate::sip::{Method, Target, phrase};
use crate::time::Now;
use crate::usage::Seat;

/// The places that a call takes on the trunk that it comes from and on the one that it goes to. The call owns them: however it
/// ends, they are free again.
pub(super) type Seats = [Seat; 2];

impl Engine {
    /// The places of a call, where it may go on; other requests take none. Else the answer.
    pub(super) fn admit(
        &mut self,
        now: Now,
        policy: &Arc<Policy>,
        from: TrunkId,
        passage: &Passage,
        method: Method,
    ) -> Result<Option<Seats>, AnswerText> {
        if self.is_trunk_down(policy, passage) {
            self.counters.unavailable.add(1);
            return Err(unavailable(passage));
        }
        if method != Method::Invite {
            return Ok(None);
        }
        let seats = [self.take_seat(policy, from, passage)?, self.take_seat(policy, passage.trunk, passage)?];
        self.take_turn(now, policy, from, passage)?;
        if let Err(answer) = self.take_turn(now, policy, passage.trunk, passage) {
            if let Some(rate) = policy.trunk(from).limits.max_cps {
                self.loads.of(&self.usage, policy, from).give_turn_back(rate);
            }
            return Err(answer);
        }
        Ok(Some(seats))
    }

    fn take_seat(&mut self, policy: &Arc<Policy>, trunk: TrunkId, passage: &Passage) -> Result<Seat, AnswerText> {
        let most = policy.trunk(trunk).limits.max_calls.filter(|_| !passage.emergency);
        let seat = self.loads.of(&self.usage, policy, trunk).take_seat(most);
        seat.ok_or_else(|| self.limited(policy, trunk, passage, Limit::Calls))
    }

    fn take_turn(
        &mut self,
        now: Now,
        policy: &Arc<Policy>,
        trunk: TrunkId,
        passage: &Passage,
    ) -> Result<(), AnswerText> {
        let Some(rate) = policy.trunk(trunk).limits.max_cps else { return Ok(()) };
        let may = self.loads.of(&self.usage, policy, trunk).take_turn(now.mono, rate, !passage.emergency);
        if may { Ok(()) } else { Err(self.limited(policy, trunk, passage, Limit::Rate)) }
    }

    fn limited(&self, policy: &Policy, trunk: TrunkId, passage: &Passage, limit: Limit) -> AnswerText {
        self.counting.limited(trunk, limit);
        match &policy.trunk(trunk).limits.reply {
            Some((status, phrase)) => AnswerText { status: *status, phrase: phrase.clone(), extra: Vec::new() },
            None => unavailable(passage),
        }
    }

    /// Whether no target of the next trunk answers; one that is not probed is taken to.
    fn is_trunk_down(&self, policy: &Policy, passage: &Passage) -> bool {
        policy.trunk(passage.trunk).to.iter().all(|target| self.is_left_out(policy, passage, target))
    }

    /// Whether a call leaves a target out because it does not answer. Calls for help try all.
    pub(super) fn is_left_out(&self, policy: &Policy, passage: &Passage, target: &Target) -> bool {
        let trunk = policy.trunk(passage.trunk);
        trunk.probe.is_some()
            && !passage.emergency
            && self.prober.reach.is_down(&Place { trunk: trunk.name.clone(), target: target.clone() })
    }
}

fn unavailable(passage: &Passage) -> AnswerText {
    let status = passage.unavailable;
    AnswerText { status, phrase: phrase(status).into(), extra: Vec::new() }
}
