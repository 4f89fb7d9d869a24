//! The end of a process at noon: what is under way is finished, and what is new goes elsewhere or comes again.
//!
//! Requests inside dialogs are served to the last, and by the next process again: their token is good there.

use super::proxy::ProxyId;
use super::request::Arrival;
use super::shard::Engine;
use crate::screen::{TrunkId, World, is_emergency};
use crate::sip::Method;
use crate::time::Now;

/// How far the end has come; each stage goes on with what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainStage {
    /// New requests are refused (503), save calls for help.
    Refuse,
    /// Requests that come over UDP are left to the next process, to which they will be sent again. So what was sent on can
    /// have its answer before the sockets close.
    Leave,
    /// Who still waits for an answer to an INVITE is told 503, and who rings is cancelled: there is no more time.
    GiveUp,
}

/// Seconds until the next process surely is there. A neighbour sends its calls elsewhere meanwhile (RFC 3261 section
/// 21.5.4), which is what we want.
const RETRY_AFTER: &[u8] = b"Retry-After: 5\r\n";

impl Engine {
    /// Enters a stage of the end.
    pub(super) fn drain(&mut self, now: Now, stage: DrainStage) {
        self.draining = self.draining.max(Some(stage));
        self.counters.draining.set(1);
        match stage {
            DrainStage::Refuse => {}
            DrainStage::Leave => self.counters.leaving.set(1),
            DrainStage::GiveUp => self.give_up(now),
        }
    }

    /// What a new request is refused with while the process is about to end; a call for help is not.
    pub(super) fn drain_refusal(&self, world: &World, arrival: &Arrival, trunk: TrunkId) -> Option<&'static [u8]> {
        // At the last nobody would hear the answer to a call for help.
        let refuses = self.draining >= Some(DrainStage::Leave)
            || self.draining.is_some() && !is_emergency(&world.policy, trunk, arrival.request.uri_bytes());
        refuses.then_some(RETRY_AFTER)
    }

    /// Whether a request that is not known yet is left to the next process. Over a stream it would not come again.
    pub(super) fn is_left(&self, arrival: &Arrival) -> bool {
        self.draining >= Some(DrainStage::Leave) && !arrival.flow.transport.is_reliable()
    }

    fn give_up(&mut self, now: Now) {
        let waiting: Vec<ProxyId> = self
            .proxies
            .iter()
            .filter(|(_, proxy)| proxy.method == Method::Invite && !proxy.answered)
            .map(|(slot, _)| ProxyId(slot))
            .collect();
        for id in waiting {
            self.answer_proxied(now, id, 503, RETRY_AFTER);
        }
    }
}
