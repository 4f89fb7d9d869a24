//! The end of a process at noon: what is under way is finished, and what is new goes elsewhere or comes again.
//!
//! Requests inside dialogs are served to the last, and by the next process again: their token is good there.

use super::request::Arrival;
use super::shard::Engine;
use crate::screen::{TrunkId, World, is_emergency};

/// Seconds until the next process surely is there. A neighbour sends its calls elsewhere meanwhile (RFC 3261 section
/// 21.5.4), which is what we want.
const RETRY_AFTER: &[u8] = b"Retry-After: 5\r\n";

impl Engine {
    /// Refuses new requests from now on.
    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.counters.draining.set(1);
    }

    /// What a new request is refused with while the process is about to end; a call for help is not.
    pub(super) fn drain_refusal(&self, world: &World, arrival: &Arrival, trunk: TrunkId) -> Option<&'static [u8]> {
        let refuses = self.draining && !is_emergency(&world.policy, trunk, arrival.request.uri_bytes());
        refuses.then_some(RETRY_AFTER)
    }
}
