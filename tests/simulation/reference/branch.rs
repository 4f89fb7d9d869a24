//! A request that went out: the client's side of a transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use super::{Key, RINGS, SURELY};

/// A request that went out.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) request: Key,
    pub(super) agent: usize,
    pub(super) bytes: Bytes,
    pub(super) sent: Duration,
    /// When it rang last.
    pub(super) provisional: Option<Duration>,
    pub(super) answer: Option<u16>,
    pub(super) failed: bool,
    /// Another target is tried instead.
    pub(super) abandoned: bool,
    pub(super) cancel: Option<Bytes>,
    pub(super) won: bool,
    /// Tags of late answers that have been ended.
    pub(super) ended: BTreeSet<String>,
    /// Until then its transaction is there whatever happens.
    pub(super) lives_until: Duration,
}

impl Branch {
    pub(super) fn new(request: Key, agent: usize, bytes: Bytes, now: Duration) -> Branch {
        Branch {
            request,
            agent,
            bytes,
            sent: now,
            provisional: None,
            answer: None,
            failed: false,
            abandoned: false,
            cancel: None,
            won: false,
            ended: BTreeSet::new(),
            lives_until: now + SURELY,
        }
    }

    /// Nobody has answered or failed yet: it is to be cancelled when the call is.
    pub(super) fn is_open(&self) -> bool {
        self.answer.is_none() && !self.failed
    }

    /// A CANCEL must follow at once (RFC 3261 section 9.1: after a provisional response, and once).
    pub(super) fn is_to_be_cancelled(&self) -> bool {
        self.is_open() && self.provisional.is_some() && self.cancel.is_none()
    }

    /// Timer C begins anew, unless the transaction may have ended before.
    pub(super) fn rings(&mut self, now: Duration) {
        self.provisional = Some(now);
        if self.cancel.is_none() && now <= self.lives_until {
            self.lives_until = now + RINGS;
        }
    }

    /// Our CANCEL goes to it; 64*T1 later its transaction ends (RFC 3261 section 9.1).
    pub(super) fn is_cancelled(&mut self, cancel: &Bytes, now: Duration) {
        self.cancel = Some(cancel.clone());
        self.lives_until = now + SURELY;
    }

    /// A final response; the transaction lingers, unless it may have ended before.
    pub(super) fn is_answered(&mut self, status: u16, now: Duration) {
        if self.answer.is_none() && now <= self.lives_until {
            self.lives_until = now + SURELY;
        }
        self.answer.get_or_insert(status);
    }
}
