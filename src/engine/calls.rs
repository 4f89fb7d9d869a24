//! The calls of this shard that are up: for records, and for peers that lose Record-Route.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use super::admission::Seats;
use super::hash::keyed;
use super::quality::Between;
use super::token::Token;
use crate::flow::KeptFlow;
use crate::prehashed::PrehashedMap;
use crate::usage::CallKey;

/// One answered call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What its Record-Route says.
    pub token: Token,
    pub caller: Side,
    pub callee: Side,
    /// Held for as long as it is up.
    pub _seats: Option<Seats>,
    pub between: Between,
}

/// Where one of the two can be reached.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// The way by which its part of the call was set up.
    pub flow: KeptFlow,
    /// The URI of its Contact, fit for a request line; empty when it gave none.
    pub contact: Box<[u8]>,
}

/// The calls by Call-ID and both tags.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: PrehashedMap<CallKey, Box<Call>>,
    /// All last equally long, so they expire in the order in which they were opened.
    expiry: VecDeque<(Instant, CallKey)>,
    /// Those that a BYE has ended before their 2xx came, until it can no longer come.
    over: HashSet<CallKey>,
    over_until: VecDeque<(Instant, CallKey)>,
}

/// The key of the call that a message belongs to, whichever of the two sends it.
pub(super) fn call_key(secret: &[u8; 16], call_id: &[u8], one_tag: &[u8], other_tag: &[u8]) -> CallKey {
    let (first, second) = if one_tag <= other_tag { (one_tag, other_tag) } else { (other_tag, one_tag) };
    keyed(secret, [b"call", call_id, first, second])
}

impl Calls {
    pub(super) fn open(&mut self, key: CallKey, call: Call, expires: Instant) {
        if self.calls.insert(key, Box::new(call)).is_none() {
            self.expiry.push_back((expires, key));
        }
    }

    /// A BYE for a call that is not up has been accepted. A caller may hang up while it rings (RFC 3261 section 15), and
    /// the answer to his BYE may overtake the 2xx that crossed it: what that 2xx would open nobody would ever close.
    pub(super) fn end_early(&mut self, now: Instant, key: CallKey, until: Instant) {
        while let Some((_, key)) = self.over_until.front().copied().filter(|(end, _)| *end <= now) {
            self.over_until.pop_front();
            self.over.remove(&key);
        }
        if self.over.insert(key) {
            self.over_until.push_back((until, key));
        }
    }

    pub(super) fn is_over(&self, key: CallKey) -> bool {
        self.over.contains(&key)
    }

    pub(super) fn find(&self, key: CallKey) -> Option<&Call> {
        self.calls.get(&key).map(Box::as_ref)
    }

    pub(super) fn close(&mut self, key: CallKey) -> Option<Box<Call>> {
        let call = self.calls.remove(&key)?;
        // Ended calls leave the queue when they come to its front, or here once they are most of it.
        if self.expiry.len() > 2 * self.calls.len() + LEAST_CAPACITY {
            let calls = &self.calls;
            self.expiry.retain(|(_, key)| calls.contains_key(key));
            self.expiry.shrink_to(2 * self.expiry.len() + LEAST_CAPACITY);
        }
        Some(call)
    }

    /// The next call whose time is over.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<(CallKey, Box<Call>)> {
        while let Some((expires, key)) = self.expiry.front().copied() {
            if expires > now {
                return None;
            }
            self.expiry.pop_front();
            if let Some(call) = self.calls.remove(&key) {
                return Some((key, call));
            }
        }
        None
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiry.front().map(|(expires, _)| *expires)
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }
}

/// Below this, cleaning up gives nothing back that is worth the work.
const LEAST_CAPACITY: usize = 1_024;
